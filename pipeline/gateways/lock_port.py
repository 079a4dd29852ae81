"""The fence before the gateway: a lock that spares double calls. Safety is the ledger's fence and the gateway's key."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Lock(Protocol):
    """A held lock. Losing it never cancels a call; the ledger's fence number decides."""

    @property
    def lost(self) -> bool:
        """Whether a renewal found that it is no longer ours."""
        ...


class Fence(Protocol):
    """Gives locks by name."""

    def hold(self, name: str, *, owner: str) -> AbstractContextManager[Lock | None]:
        """The lock for the block's length, renewed while it runs; None where another owner holds it.

        Raises Retryable where the lock service cannot be reached; the caller's written policy decides then.
        """
        ...
