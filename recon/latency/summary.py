"""What summary.json says of a measurement: counts, the main figures and where they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from recon.latency.inputs import Objects
from recon.latency.request import Request
from recon.latency.result import Row
from recon.match.finding import utc
from recon.match.plan import Scan

RUNNING = ("RECEIVED", "VALIDATED", "RESERVED", "AUTHORIZING", "CAPTURING", "CAPTURED", "VOIDING", "IN_DOUBT",
           "COMPENSATION_STUCK")
"""Statuses in which nothing rests: a saga is at it, or recovery has to come."""


def summarise(request: Request, *, run_id: str, engine: str, figures: pa.Table, outcomes: Sequence[Row],
              trouble: Sequence[Row], settled: Sequence[Row], objects: Objects, scan: Scan,
              seconds: Mapping[str, float]) -> dict[str, Any]:
    """Plain JSON values; `status` is ok, or empty where no payment entered."""
    by_status = _sums(outcomes, "last_status")
    payments = sum(by_status.values())
    return {
        "run_id": run_id,
        "status": "ok" if payments else "empty",
        "since": utc(request.since), "until": utc(request.until), "followed_until": utc(request.follow_until),
        "gateway": request.gateway, "engine": engine,
        "payments": payments,
        "payments_by_gateway": _sums(outcomes, "gateway"),
        "statuses": by_status,
        "running": sum(by_status.get(status, 0) for status in RUNNING),
        "in_doubt": _of(trouble, "in_doubt"),
        "compensated": _of(trouble, "compensated"),
        "recovered": sum(row["payments"] for row in trouble
                         if row["outcome"] == "recovered" and row["step"] == "recovery"),
        "end_to_end": _main(figures, "end_to_end"),
        "settled": [dict(row) for row in settled],
        "inputs": {table: len(items) for table, items in sorted(objects.items())},
        "scan": scan.to_dict(),
        "seconds": dict(seconds),
    }


def _sums(rows: Sequence[Row], column: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row[column] or "none"] += row["payments"]
    return dict(sorted(found.items()))


def _of(trouble: Sequence[Row], outcome: str) -> dict[str, int]:
    """Payments by step; one that met it for two reasons counts for each."""
    return _sums([row for row in trouble if row["outcome"] == outcome], "step")


def _main(figures: pa.Table, measure: str) -> dict[str, dict[str, float]]:
    """The whole window's figures of one measure, by gateway."""
    return {row["gateway"]: {name: row[name] for name in ("count", "p50_ms", "p95_ms", "p99_ms", "max_ms")}
            for row in figures.to_pylist() if row["measure"] == measure and row["hour"] is None}
