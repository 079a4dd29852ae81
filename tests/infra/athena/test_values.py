"""Values and types as Athena prints them; expectations are what Trino printed for the same values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from infra.local.athena.backends.syntax import decimals
from infra.local.athena.backends.values import arrow_type, column, text


@pytest.mark.parametrize("value, printed", [
    (None, None), ("", ""), (True, "true"), (7, "7"), (Decimal("1E+3"), "1000"), (Decimal("0.10"), "0.10"),
    (date(2026, 1, 31), "2026-01-31"), (datetime(2026, 1, 31, 1), "2026-01-31 01:00:00.000"), (1.5, "1.5"),
    (0.0, "0.0"),
    (1e7, "1.0E7"), (9_999_999.0, "9999999.0"), (1.25e-5, "1.25E-5"), (-1e100, "-1.0E100"), (0.001, "0.001"),
    (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (b"hi", "68 69"), ([1, None], "[1, null]"),
    ({"a": 1, "b": None}, "{a=1, b=null}"),
])
def test_values(value: Any, printed: str | None) -> None:
    assert text(value) == printed


@pytest.mark.parametrize("kind, name, precision, scale", [
    (pa.int32(), "integer", 10, 0), (pa.int64(), "bigint", 19, 0), (pa.string(), "varchar", 2147483647, 0),
    (pa.decimal128(38, 18), "decimal", 38, 18), (pa.timestamp("us"), "timestamp", 3, 0), (pa.float32(), "float", 17, 0),
    (pa.timestamp("us", "UTC"), "timestamp with time zone", 0, 0), (pa.list_(pa.int32()), "array", 0, 0),
    (pa.bool_(), "boolean", 0, 0), (pa.binary(), "varbinary", 1073741824, 0),
])
def test_types(kind: pa.DataType, name: str, precision: int, scale: int) -> None:
    found = column("c", arrow_type(kind))
    assert (found.type, found.precision, found.scale) == (name, precision, scale)


@pytest.mark.parametrize("sql, rewritten", [
    ("SELECT DECIMAL '1.50'", "SELECT CAST('1.50' AS DECIMAL(3, 2))"),
    ("DECIMAL '-0.05'", "CAST('-0.05' AS DECIMAL(2, 2))"),
    ("decimal'12'", "CAST('12' AS DECIMAL(2, 0))"), ("DECIMAL '0'", "CAST('0' AS DECIMAL(1, 0))"),
    ("SELECT 'DECIMAL ' '1'", "SELECT 'DECIMAL ' '1'"), ("CAST(x AS DECIMAL(3, 2))", "CAST(x AS DECIMAL(3, 2))"),
])
def test_decimal_literals_keep_their_scale(sql: str, rewritten: str) -> None:
    assert decimals(sql) == rewritten
