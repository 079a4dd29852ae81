"""What measuring leaves: the figures as rows, the counts behind the charts, and the summary of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

_AT = pa.timestamp("ms")

_COLUMNS: list[pa.Field[Any]] = [
    pa.field("measure", pa.string(), nullable=False),
    pa.field("step", pa.string(), nullable=False),
    pa.field("gateway", pa.string(), nullable=False),
    pa.field("hour", _AT),
    pa.field("count", pa.int64(), nullable=False),
    *(pa.field(f"{name}_ms", pa.float64(), nullable=False) for name in ("min", "p50", "p95", "p99", "max", "total")),
]
FIGURES = pa.schema(_COLUMNS)
"""One row per measure, step, gateway (`all`: both) and hour in which the payments entered (null: the whole window).

Milliseconds with three decimals; percentiles are nearest ranks. Measures: end_to_end (step pay), step, gateway_call,
in_doubt (by the step that came into doubt) and recovery (wait: nobody is at it; work: recovery is).
"""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bin:
    """Lengths from `from_us` up to `until_us` (whole microseconds, half-open)."""

    bin: int
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """What was measured of the payments that entered in [since, until).

    `figures` is FIGURES. The others are rows as the queries of recon/sql/latency give them: `histogram` (measure, step,
    gateway, bin, spans), `outcomes` (gateway, hour_at, last_status, payments), `trouble` (gateway, hour_at, step,
    outcome, error_code, payments), `attempts` (gateway, step, attempts, payments), `slowest` and `timeline` (times
    aware UTC), `settled` (gateway, gateway_account, captured_day, business days to the money `paid_after` and to the
    report `reported_after`, None where no line is known, payments). `summary` is summary.json.
    """

    since: datetime
    until: datetime
    gateway: str
    region: str | None
    figures: pa.Table
    bins: Sequence[Bin]
    histogram: Sequence[Row]
    outcomes: Sequence[Row]
    trouble: Sequence[Row]
    attempts: Sequence[Row]
    slowest: Sequence[Row]
    timeline: Sequence[Row]
    settled: Sequence[Row]
    summary: Mapping[str, Any]
