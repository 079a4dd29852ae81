"""What the shared SQL means, expression by expression, on every engine."""

from __future__ import annotations

from typing import Any

import pytest

from recon.engine.subset import statement
from tests.engine.exact import WHAT_ERRORS_SAY, exact
from tests.engine.harness import Bench
from tests.engine.probes import ERRORS, EXPRESSIONS, STATEMENTS


@pytest.mark.parametrize("expression, expected", EXPRESSIONS, ids=[sql for sql, _ in EXPRESSIONS])
def test_expression(shared_bench: Bench, expression: str, expected: Any) -> None:
    assert statement("probe", f"SELECT {expression} AS value") == []
    ((value,),) = shared_bench.rows(f"SELECT {expression} AS value")
    assert exact(value) == exact(expected)


@pytest.mark.parametrize("sql, expected", STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement(shared_bench: Bench, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert statement("probe", sql) == []
    assert exact(shared_bench.rows(sql)) == exact(expected)


@pytest.mark.parametrize("sql", ERRORS)
def test_what_does_not_fit_is_an_error_never_another_number(shared_bench: Bench, sql: str) -> None:
    assert statement("probe", sql) == []
    with pytest.raises(Exception, match=WHAT_ERRORS_SAY):
        shared_bench.rows(sql)
