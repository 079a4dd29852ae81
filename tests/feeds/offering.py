"""Files offered to a fresh lake, and what the lake then holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from recon.feeds.faults import Fault
from recon.feeds.ingest import Outcome, ingest
from recon.feeds.options import ReadOptions

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
_LEFT_OUT = ("line_id", "file_id", "received_at", "recorded_at", "dt", "gateway")


def offer(path: Path, lake: Path, **options: Any) -> Outcome:
    """Ingest one file; `options` are fields of ReadOptions."""
    (outcome,) = ingest([path], lake, ReadOptions(**({"received_at": NOW} | options)), lambda: NOW)
    return outcome


def stored(lake: Path, table: str) -> list[dict[str, Any]]:
    """Rows of a lake table in file order, without what depends on bytes and clocks; times as text."""
    if not (lake / table).is_dir():
        return []
    found = ds.dataset(lake / table, format="parquet").to_table().to_pylist()
    rows = [{name: _plain(value) for name, value in row.items() if name not in _LEFT_OUT} for row in found]
    return sorted(rows, key=lambda row: (row.get("line_no") or 0, str(row.get("batch_id")), str(row.get("currency"))))


def filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without their empty columns."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def told(outcome: Outcome) -> list[tuple[int | None, str | None]]:
    """(line, column) of every fault."""
    return [(fault.line, fault.column) for fault in outcome.faults]


def said(fault: Fault) -> str:
    """What the user is shown of a fault."""
    return str(fault)


def expected(path: Path) -> Any:
    """What stands beside a golden file."""
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return value if value is None or isinstance(value, int | str | bool) else str(value)
