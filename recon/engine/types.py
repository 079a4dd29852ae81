"""Types by Trino's name and by Arrow's."""

from __future__ import annotations

import re

import pyarrow as pa

_SIMPLE: dict[str, pa.DataType] = {
    "bigint": pa.int64(), "integer": pa.int32(), "smallint": pa.int16(), "tinyint": pa.int8(), "boolean": pa.bool_(),
    "date": pa.date32(), "varchar": pa.string(), "double": pa.float64(), "real": pa.float32(), "unknown": pa.null(),
}
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")
_NAMES = {pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.int16(): "SMALLINT", pa.int8(): "TINYINT",
          pa.bool_(): "BOOLEAN", pa.date32(): "DATE", pa.string(): "VARCHAR", pa.large_string(): "VARCHAR",
          pa.string_view(): "VARCHAR"}


def arrow_type(name: str) -> pa.DataType:
    """Arrow's type for what Trino or Athena calls `name`, e.g. decimal(38, 0). Raises ValueError."""
    kind = name.lower()
    if found := _DECIMAL.fullmatch(kind):
        return pa.decimal128(int(found[1]), int(found[2]))
    if kind.startswith("timestamp") and "zone" not in kind:
        return pa.timestamp("ms")
    if kind.startswith(("varchar(", "char(")) or kind in ("string", "char"):
        return pa.string()
    if kind == "int":
        return pa.int32()
    if kind not in _SIMPLE:
        raise ValueError(f"no column of recon may be a {name}")
    return _SIMPLE[kind]


def trino_type(kind: pa.DataType) -> str:
    """Trino's name of an Arrow type. Raises ValueError."""
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP(3)"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    try:
        return _NAMES[kind]
    except KeyError:
        raise ValueError(f"a scratch table has no column of type {kind}") from None


def glue_type(kind: pa.DataType) -> str:
    """Glue's name of an Arrow type. Raises ValueError."""
    return {"VARCHAR": "string", "INTEGER": "int", "TIMESTAMP(3)": "timestamp"}.get(
        trino_type(kind), trino_type(kind).lower().replace(" ", ""))
