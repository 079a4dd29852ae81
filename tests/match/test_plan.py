"""What a run will read is known before it reads, and refused above its budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.schemas.tables import TABLES
from recon.engine import queries
from recon.engine.budget import size
from recon.engine.port import Call
from recon.errors import Refused
from recon.latency import inputs
from recon.latency.request import Request as Measured
from recon.match import plan
from recon.match.request import Request

REQUEST = Request.parse(window="T+7", as_of="2026-03-12", lake="s3://lake", engine="athena")
MEASURED = Measured.parse(since="2026-03-05", until="2026-03-06", lake="s3://lake", engine="athena")
LOOKED_UP = {"authorised", "journal_entries", "restated_lines", "payment_outcomes"}
"""Queries that read what a finding's keys select, and one that is added when a charge has no answer."""
BEFORE = {"feed_files"}
"""What has been read when the plan is made, and is counted as read."""


class Estimating:
    """An engine that only estimates."""

    name = "athena"
    scanned_bytes = 0

    def __init__(self, estimated_bytes: int) -> None:
        self.estimated_bytes = estimated_bytes

    def estimate(self, calls: Sequence[Call], *, scratch: bool = False) -> int:
        """See Engine."""
        return self.estimated_bytes


def test_every_query_that_reads_the_lake_is_planned() -> None:
    reading = {name for name in queries.names() if set(queries.load(name).inputs) & set(TABLES)}
    planned = {name for name, _ in plan.calls(REQUEST)}
    assert planned | {name for name, _ in inputs.calls(MEASURED)} == reading - LOOKED_UP - BEFORE
    assert not any(name.startswith("latency_") for name in planned)
    for name, params in [*plan.calls(REQUEST), *inputs.calls(MEASURED)]:
        assert set(params) == set(queries.load(name).parameters), name


def test_above_the_budget_nothing_is_read() -> None:
    engine: Any = Estimating(120_000_000_000)
    with pytest.raises(Refused, match=r"T\+7 as of 2026-03-12 would read about 120.0 GB with engine athena, and the "
                                      r"budget is 100.0 GB; set RECON_BYTES_BUDGET"):
        plan.within_budget(engine, REQUEST, 100_000_000_000)
    scan = plan.within_budget(engine, REQUEST, 120_000_000_000)
    assert scan.to_dict() == {"estimated_bytes": 120_000_000_000, "scanned_bytes": 0, "budget_bytes": 120_000_000_000}
    plan.look_up(engine, REQUEST, roomy := plan.Scan(1_000, 120_000_001_000))
    assert roomy.estimated_bytes == 120_000_001_000
    with pytest.raises(Refused, match=r"would read about 240\.0 GB"):
        plan.look_up(engine, REQUEST, scan)
    assert scan.estimated_bytes == 120_000_000_000
    free: Any = Estimating(0)
    assert plan.within_budget(free, REQUEST, 1).to_dict() is None


@pytest.mark.parametrize("number, shown", [
    (0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (15_060_000, "15.1 MB"), (999_960_000, "1.0 GB"),
    (20_000_000_000, "20.0 GB"), (3_500_000_000_000, "3.5 TB"),
])
def test_sizes_read_well(number: int, shown: str) -> None:
    assert size(number) == shown
