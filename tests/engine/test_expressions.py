"""What the shared SQL means, expression by expression, on every engine."""

from __future__ import annotations

from typing import Any

import pytest

from recon.engine.subset import statement
from tests.engine.harness import Bench
from tests.engine.probes import EXPRESSIONS, STATEMENTS


@pytest.mark.parametrize("expression, expected", EXPRESSIONS, ids=[sql for sql, _ in EXPRESSIONS])
def test_expression(shared_bench: Bench, expression: str, expected: Any) -> None:
    assert statement("probe", f"SELECT {expression} AS value") == []
    ((value,),) = shared_bench.rows(f"SELECT {expression} AS value")
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("sql, expected", STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement(shared_bench: Bench, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert statement("probe", sql) == []
    assert shared_bench.rows(sql) == expected


@pytest.mark.parametrize("sql", [
    "SELECT CAST(9223372036854775807 AS BIGINT) + CAST(1 AS BIGINT)",
    "SELECT CAST(sum(t.x) AS BIGINT) FROM (VALUES (CAST(9223372036854775807 AS BIGINT)), (CAST(1 AS BIGINT))) AS t (x)",
    "SELECT CAST(3000000000 AS INTEGER)",
    "SELECT CAST('1000' AS DECIMAL(3, 0))",
    "SELECT mod(t.n, nullif(t.n, 1)) FROM (VALUES (0)) AS t (n)",
])
def test_what_does_not_fit_is_an_error_never_another_number(shared_bench: Bench, sql: str) -> None:
    assert statement("probe", sql) == []
    with pytest.raises(Exception, match=r"(?i)range|overflow|cast|zero|convert"):
        shared_bench.rows(sql)
