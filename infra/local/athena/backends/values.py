"""Values and types as Athena prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from infra.local.athena.backends.port import Column

_PRECISION = {"varchar": 2_147_483_647, "bigint": 19, "integer": 10, "smallint": 5, "tinyint": 3, "double": 17,
              "real": 17, "float": 17, "timestamp": 3, "varbinary": 1_073_741_824}
_TYPE = re.compile(r"([a-z ]+?)(?:\((\d+)(?:,\s*(\d+))?\))?( with time zone)?")


def column(name: str, declared: str) -> Column:
    """A result column of Trino type `declared`, such as decimal(38,0) or timestamp(3)."""
    match = _TYPE.fullmatch(declared)
    if not match:
        # array(...), row(...), map(...)
        return Column(name, declared.partition("(")[0])
    base = "float" if match[1] == "real" else match[1] + (match[4] or "")
    if base == "decimal":
        return Column(name, base, int(match[2] or 38), int(match[3] or 0))
    return Column(name, base, _PRECISION.get(base, 0))


def arrow_type(kind: pa.DataType) -> str:
    """Trino's name of an Arrow type."""
    for holds, name in ((pa.types.is_boolean, "boolean"), (pa.types.is_int8, "tinyint"),
                        (pa.types.is_int16, "smallint"),
                        (pa.types.is_int32, "integer"), (pa.types.is_integer, "bigint"), (pa.types.is_float32, "real"),
                        (pa.types.is_floating, "double"), (pa.types.is_date, "date"),
                        (pa.types.is_string, "varchar"), (pa.types.is_large_string, "varchar"),
                        (pa.types.is_binary, "varbinary"), (pa.types.is_large_binary, "varbinary"),
                        (pa.types.is_list, "array(unknown)"), (pa.types.is_map, "map(unknown)"),
                        (pa.types.is_struct, "row(unknown)"), (pa.types.is_null, "unknown")):
        if holds(kind):
            return name
    if isinstance(kind, pa.TimestampType):
        return "timestamp(3) with time zone" if kind.tz else "timestamp(3)"
    if isinstance(kind, pa.Decimal128Type):
        return f"decimal({kind.precision},{kind.scale})"
    return "varchar"


def text(value: Any) -> str | None:
    """One value as Athena's results show it; None is NULL."""
    if value is None or isinstance(value, str):
        return value
    return _printed(value)


def _printed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex(" ") if isinstance(value, bytes) else _composed(value)


def _composed(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    return str(value)


def _inner(value: Any) -> str:
    return "null" if value is None else str(text(value))


def _double(value: float) -> str:
    """As Java prints a double: plain between 0.001 and ten million, else with an exponent."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return format(Decimal(repr(value)), "f") if "e" in repr(value) else repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    shown = "".join(map(str, digits))
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{int(exponent) + len(shown) - 1}"
