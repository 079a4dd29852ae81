"""Packs rows into full-size records: lines of one table, day and hour, each ended by a newline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.lake.kinds import Partition, partition, time_column
from pipeline.schemas.columns import Table


@dataclass(frozen=True, slots=True)
class Limits:
    """What a record and a call may hold. The service takes records of 1,000 KiB, and 500 of them or 4 MiB at once;
    what is above these is margin."""

    record_bytes: int = 1_000_000
    call_records: int = 500
    call_bytes: int = 4_000_000


LIMITS = Limits()


class Row(Protocol):
    """A row of the outbox whose body is one JSON object as text."""

    @property
    def outbox_id(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Record:
    """`data`: newline-terminated lines of one partition, within the limit; `ids`: whose they are, in order."""

    partition: Partition
    data: bytes
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """Every row is in one record once, or its id is in `too_large`: alone it would be more than a record."""

    records: list[Record]
    too_large: tuple[str, ...] = ()


def pack(rows: Sequence[Row], table: Table, limits: Limits = LIMITS) -> Packed:
    """Fills records of `table` with rows of its kind, in their order within each partition."""
    column = time_column(table)
    open_records: dict[Partition, _Open] = {}
    full: list[Record] = []
    too_large = []
    for row in rows:
        line = _line(row.body)
        if len(line) > limits.record_bytes:
            too_large.append(row.outbox_id)
            continue
        place = partition(row.body, column, row.created_at)
        current = open_records.get(place)
        if current is None:
            current = open_records[place] = _Open()
        elif current.size + len(line) > limits.record_bytes:
            full.append(current.closed(place))
            current = open_records[place] = _Open()
        current.add(line, row.outbox_id)
    full += [current.closed(place) for place, current in open_records.items()]
    return Packed(full, tuple(too_large))


def batches(records: Sequence[Record], limits: Limits = LIMITS) -> Iterator[list[Record]]:
    """The records in order, as many at once as one call takes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        if batch and (len(batch) == limits.call_records or size + len(record.data) > limits.call_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.data)
    if batch:
        yield batch


class _Open:
    """A record that is being filled."""

    __slots__ = ("ids", "lines", "size")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.ids: list[str] = []
        self.size = 0

    def add(self, line: bytes, outbox_id: str) -> None:
        self.lines.append(line)
        self.ids.append(outbox_id)
        self.size += len(line)

    def closed(self, place: Partition) -> Record:
        return Record(place, b"".join(self.lines), tuple(self.ids))


def _line(body: str) -> bytes:
    # Within a text of JSON a newline is escaped: one that stands as it is only separates, as a blank does.
    if "\n" in body or "\r" in body:
        body = body.replace("\n", " ").replace("\r", " ")
    # What UTF-8 cannot say is refused when it gets there, and not turned into something else.
    return body.encode("utf-8", "surrogatepass") + b"\n"
