"""Payment ids, each held to bound, lease and process, against the rate that a worker must reach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from bench.ratio import Ratio, alternate
from pipeline.ids.snowflake import Minter
from tests.ids.memory import MemorySlots

BAR = 1.0
PER_SECOND = 600_000
_IDS, _IDS_SMALL = 1_000_000, 50_000


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """One figure: a single thread's ids, against the seconds that the same number may take."""
    count = _IDS_SMALL if small else _IDS
    minter = Minter(MemorySlots(), clock_ns=time.time_ns, sleep=time.sleep, new_owner=lambda: uuid4().hex)

    def mint() -> None:
        for _ in range(count):
            minter.mint()

    (ours,) = alternate(mint)
    yield Ratio("payment ids", ours, count / PER_SECOND, BAR,
                facts={"ids": count, "per_second": round(count / ours), "required_per_second": PER_SECOND})
