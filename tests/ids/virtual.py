"""Time that only moves when it is told to, and workers that live in it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.ids.port import WorkerSlots
from pipeline.ids.snowflake import Minter

START_MS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1000
_OWNERS = itertools.count()


@dataclass
class Time:
    """A wall clock; sleeping moves it on."""

    ms: float = START_MS

    def ns(self) -> int:
        """Nanoseconds since 1970."""
        return round(self.ms * 1000) * 1000

    def sleep(self, seconds: float) -> None:
        """Moves on by at least a microsecond."""
        self.ms += max(seconds * 1000, 0.001)


def minter(slots: WorkerSlots, time: Time, process: object = 1) -> Minter:
    """A worker of its own."""
    return Minter(slots, clock_ns=time.ns, sleep=time.sleep, new_owner=lambda: f"owner-{next(_OWNERS)}",
                  identity=lambda: process)


def parts(minted: int) -> tuple[int, int, int]:
    """Milliseconds since 1970, worker and sequence of an id."""
    epoch = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
    return (minted >> 22) + epoch, minted >> 12 & 1023, minted & 4095
