"""A fence in this process, under the same contract as the one on Redis; its time is moved by the test."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.errors import Retryable
from pipeline.gateways.lock_port import Lock


@dataclass
class _Held:
    fence: MemoryFence
    name: str
    token: str

    @property
    def lost(self) -> bool:
        """See the port."""
        return self.fence.holders.get(self.name) != self.token


class MemoryFence:
    """Locks by name. `lapse` ends a lock as an outage of Redis would; `down` makes it unreachable."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.down = False
        self._numbers = itertools.count()
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[Lock | None]:
        """See the port."""
        with self._one_at_a_time:
            if self.down:
                raise Retryable("the lock service cannot be reached")
            token = f"{owner}:{next(self._numbers)}"
            free = self.holders.setdefault(name, token) == token
        if not free:
            yield None
            return
        try:
            yield _Held(self, name, token)
        finally:
            with self._one_at_a_time:
                if self.holders.get(name) == token and not self.down:
                    del self.holders[name]

    def lapse(self, name: str) -> None:
        """The lock's time is over."""
        with self._one_at_a_time:
            self.holders.pop(name, None)
