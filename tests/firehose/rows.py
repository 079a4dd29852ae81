"""Rows of the outbox, drawn and by hand, whose bodies are lines of lake tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from pipeline.lake.kinds import KINDS, time_column
from pipeline.schemas.columns import Column, Table, Type
from pipeline.times import iso_ms

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
KIND = {table.name: kind for kind, table in KINDS.items()}


@dataclass(frozen=True)
class Row:
    """As the ledger's."""

    outbox_id: str
    kind: str
    body: str
    created_at: datetime
    payment_id: int | None = None


def line(table: Table, at: datetime = NOON, **columns: Any) -> str:
    """A line of `table` with a value in each column, as the ledger writes it; `columns` replace some."""
    values = {column.name: _value(column) for column in table.columns} | {time_column(table): iso_ms(at)}
    return json.dumps(values | columns, separators=(",", ":"))


def row(table: Table, number: int, at: datetime = NOON, **columns: Any) -> Row:
    """The outbox's row number so and so."""
    key = next(column.name for column in table.columns if column.type is Type.STRING)
    return Row(f"{number:026d}", KIND[table.name], line(table, at, **{key: f"{number:026d}", **columns}), at)


def _value(column: Column) -> Any:
    if column.type is Type.TIMESTAMP:
        return "2026-03-14T12:00:00.000Z"
    return "text" if column.type is Type.STRING else 2**62


TIMES = st.integers(0, 2 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
TEXTS = st.text(max_size=40)


@st.composite
def rows(draw: st.DrawFn, table: Table, longest: int = 40) -> list[Row]:
    """Rows with ids of their own, over a few hours, some with text that JSON must escape."""
    count = draw(st.integers(0, longest))
    hours = draw(st.lists(TIMES, min_size=1, max_size=4))
    return [row(table, number, draw(st.sampled_from(hours)), **draw(_columns(table))) for number in range(count)]


def _columns(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    texts = [column.name for column in table.columns if column.type is Type.STRING and column.nullable]
    return st.dictionaries(st.sampled_from(texts), TEXTS | st.none(), max_size=2)
