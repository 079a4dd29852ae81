"""Which lake table a kind of row is a line of, and where in the lake a line belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from pipeline.schemas.columns import Table
from pipeline.schemas.ledger import LEDGER_CONTROL, LEDGER_ENTRIES, PAYMENT_EVENTS, PAYMENT_STATES

KINDS: Mapping[str, Table] = {
    "ledger_entry": LEDGER_ENTRIES,
    "payment_state": PAYMENT_STATES,
    "payment_event": PAYMENT_EVENTS,
    "ledger_control": LEDGER_CONTROL,
}
TABLES: Mapping[str, Table] = {table.name: table for table in KINDS.values()}

_HOUR = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})", re.ASCII)


class Partition(NamedTuple):
    """The folders dt=/hr= of a line: its UTC day and hour."""

    dt: str
    hr: str


def time_column(table: Table) -> str:
    """The column by which `table` is partitioned."""
    return "hour_start" if table is LEDGER_CONTROL else "event_at"


def partition(body: str, column: str, otherwise: datetime) -> Partition:
    """Where a line as the ledger writes it belongs, by its own `column`.

    A line without a readable one belongs to the hour of `otherwise` (aware, UTC); it is refused when it gets there.
    """
    marker = f'"{column}":"'
    # In a text of the line the quotes would be escaped, so that this is the column or nothing.
    found = body.find(marker)
    start = found + len(marker)
    place = _hour(body[start:start + len("2026-01-31T12")]) if found >= 0 else None
    return place or Partition(otherwise.strftime("%Y-%m-%d"), otherwise.strftime("%H"))


@lru_cache(maxsize=4_096)
def _hour(text: str) -> Partition | None:
    # Many lines are of few hours.
    match = _HOUR.fullmatch(text)
    return Partition(*match.groups()) if match else None
