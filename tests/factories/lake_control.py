"""Control totals as the ledger would write them: what tells a hole in a small lake from missing money."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = datetime(2026, 3, 10, tzinfo=UTC)
"""The cohort of T+7 as of 2026-03-17."""


def control_rows(ledger_entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Control of the entries per hour, currency, step and bucket, with one row for each quiet hour around DAY."""
    first = DAY - timedelta(days=2)
    found: dict[tuple[datetime, str, str, int], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in ledger_entries:
        hour = row["event_at"].replace(minute=0, second=0, microsecond=0)
        found[hour, row["currency"], row["step"], row["payment_id"] % 256][row["entry_id"]] = row
    rows = [
        _row(hour, currency, step, bucket, list(entries.values()))
        for (hour, currency, step, bucket), entries in found.items()
    ]
    busy = {row["hour_start"] for row in rows}
    hours = (first + timedelta(hours=offset) for offset in range(24 * 11))
    return rows + [_row(hour, "XXX", "NONE", 0, []) for hour in hours if hour not in busy]


def _row(hour: datetime, currency: str, step: str, bucket: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
    ids = "\n".join(sorted(entry["entry_id"] for entry in entries))
    until = hour + timedelta(hours=1)
    return {
        "hour_start": hour,
        "covers_until": until,
        "currency": currency,
        "step": step,
        "bucket": bucket,
        "entry_count": len(entries),
        "debit_minor": sum(e["amount_minor"] for e in entries if e["direction"] == "D"),
        "digest": hashlib.sha256(ids.encode()).hexdigest(),
        "recorded_at": until,
        "event_at": hour,
    }
