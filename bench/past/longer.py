"""The same days with another history before them: folders that are links, and listings as if all had happened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.past.write import write_small

_LINKED = ("ledger_entries", "payment_states", "ledger_control", "settlement_lines/gateway=adyen",
           "settlement_lines/gateway=stripe")  # fmt: skip
_TIMES = ("covers_from", "covers_until", "received_at", "recorded_at", "closed_at")

Row = dict[str, Any]


def with_history(lake: Path, out: Path, first: date, until: date, days: int) -> None:
    """Makes the lake `out`: the days [first, until) of `lake`, and `days` older ones that repeat them.

    Nobody reads an older day's rows, whose times are of another day; what they cost is being there.
    """
    whole = [first + timedelta(days=n) for n in range((until - first).days)]
    # (day as it is called, day that it is)
    called = {day: day for day in whole}
    called |= {first - timedelta(days=n + 1): whole[-1 - n % len(whole)] for n in range(days)}
    for table in _LINKED:
        (out / table).mkdir(parents=True)
        for name, day in called.items():
            (out / table / f"dt={name}").symlink_to((lake / table / f"dt={day}").absolute())
    for table in ("feed_expectations", "business_days"):
        (out / table).symlink_to((lake / table).absolute())
    write_small(out, "lake_files", "part-0", list(_listed(lake, called)))
    for table in ("feed_files", "batches"):
        rows: list[Row] = pq.read_table(lake / table).to_pylist()
        for row in _repeated(rows, called):
            write_small(out, table, f"{row['recorded_at']:%Y%m%dT%H%M%S000}-{_key(row)}", [row])


def _listed(lake: Path, called: dict[date, date]) -> Iterator[Row]:
    by_day: dict[str, list[Row]] = {}
    for row in pq.read_table(lake / "lake_files").to_pylist():
        by_day.setdefault(row["path"].split("/")[1], []).append(row)
    for name, day in called.items():
        for row in by_day[f"dt={day}"]:
            path = row["path"].replace(f"dt={day}", f"dt={name}")
            yield row | {"path": path, "landed_at": row["landed_at"] + (name - day)}


def _repeated(rows: list[Row], called: dict[date, date]) -> Iterator[Row]:
    """The rows of files, once for each day that repeats theirs."""
    by_day: dict[date, list[Row]] = {}
    for row in rows:
        by_day.setdefault(_day(row), []).append(row)
    for name, day in called.items():
        for row in by_day.get(day, ()):
            yield row if name == day else _moved(row, name - day)


def _day(row: Row) -> date:
    """The day that a file covers: a batch closes as its day ends."""
    at: datetime = row.get("covers_from") or row["closed_at"] - timedelta(days=1)
    return at.date()


def _moved(row: Row, by: timedelta) -> Row:
    moved = {name: row[name] + by for name in _TIMES if row.get(name)}
    moved["file_id"] = hashlib.sha256(f"{row['file_id']} {by.days}".encode()).hexdigest()
    if row["batch_id"]:
        moved["batch_id"] = str(int(row["batch_id"]) + by.days)
    if row.get("batch_seq"):
        moved["batch_seq"] = row["batch_seq"] + by.days
    return row | moved


def _key(row: Row) -> str:
    return f"{row['file_id'][:16]}-{row.get('currency', '')}"
