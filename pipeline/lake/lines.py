"""Whether a line would convert to a row of its table: by the declared schema alone, and strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import NoReturn

from pipeline.lake.kinds import TABLES, Partition, time_column
from pipeline.schemas.columns import Table, Type

FIRST_DAY = date(2020, 1, 1)
"""Readers look for partitions from here on, up to two days from now."""
DAYS_AHEAD = 2

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)


class Unfit(Exception):
    """The line would not convert. `field`: the column, or "" for the line; `reason`: why, without a word of content."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field or 'line'}: {reason}")
        self.field = field
        self.reason = reason


def line_partition(line: str, table: Table) -> Partition:
    """The partition of a line that every column of `table` takes as it stands. Raises Unfit with the first fault."""
    columns = _columns(table.name)
    row = _parsed(line)
    if row.keys() - columns.keys():
        raise Unfit("", "a name that is no column")
    for name, (check, required) in columns.items():
        value = row.get(name)
        if value is not None:
            check(name, value)
        elif required:
            raise Unfit(name, "missing")
    at = row[time_column(table)]
    assert isinstance(at, str), "checked above, and required"
    return Partition(at[:10], at[11:13])


def record_partition(data: bytes, table: Table, arrived: date) -> tuple[Partition, int]:
    """The one partition of all lines of a record, and how many there are. Raises Unfit with the first fault.

    `arrived`: the UTC day on which the record came; no reader looks for what lies further ahead than DAYS_AHEAD.
    """
    lines = split(data)
    if not lines:
        raise Unfit("", "no line")
    partitions = {line_partition(line, table) for line in lines}
    if len(partitions) > 1:
        raise Unfit(time_column(table), "lines of several hours in one record")
    place = partitions.pop()
    if not readable(place, arrived):
        raise Unfit(time_column(table), "a day that no reader looks for")
    return place, len(lines)


def readable(place: Partition, today: date) -> bool:
    """Whether readers look for this partition."""
    day = date.fromisoformat(place.dt)
    return day >= FIRST_DAY and (day - today).days <= DAYS_AHEAD


def split(data: bytes) -> list[str]:
    """The lines of a record. Raises Unfit where it is not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit("", "not UTF-8") from None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _parsed(line: str) -> dict[str, object]:
    try:
        row = json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError:
        raise Unfit("", "no JSON") from None
    except ValueError:
        # The parser's message would show the line.
        raise Unfit("", "no JSON") from None
    if not isinstance(row, dict):
        raise Unfit("", "no JSON object")
    return row


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise Unfit("", "a name twice")
    return row


def _no_number(_: str) -> NoReturn:
    raise Unfit("", "no JSON")


Check = Callable[[str, object], None]


@cache
def _columns(name: str) -> dict[str, tuple[Check, bool]]:
    return {column.name: (_CHECKS[column.type], not column.nullable) for column in TABLES[name].columns}


def _string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise Unfit(name, "no text")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unfit(name, "half a character") from None


def _whole(bits: int) -> Check:
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def check(name: str, value: object) -> None:
        # A truth value is an int to Python, and 1.0 a number to JSON.
        if type(value) is not int:
            raise Unfit(name, "no whole number")
        if not least <= value <= most:
            raise Unfit(name, f"more than {bits} bits")

    return check


def _time(name: str, value: object) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Unfit(name, "no time as 2026-01-31T12:00:00.000Z")
    try:
        datetime.fromisoformat(value[:-1])
    except ValueError:
        raise Unfit(name, "a day that does not exist") from None


def _truth(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise Unfit(name, "neither true nor false")


_CHECKS: dict[Type, Check] = {
    Type.STRING: _string,
    Type.BIGINT: _whole(64),
    Type.INT: _whole(32),
    Type.BOOLEAN: _truth,
    Type.TIMESTAMP: _time,
}
