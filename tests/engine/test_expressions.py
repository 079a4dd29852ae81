"""What the shared SQL means, expression by expression, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from recon.engine.subset import statement
from tests.engine.answers import Answer, answers
from tests.engine.exact import WHAT_ERRORS_SAY, exact
from tests.engine.harness import KINDS, Bench, opened
from tests.engine.probes import ERRORS, EXPRESSIONS, STATEMENTS

THROUGH = ["duckdb", "athena", pytest.param("athena_on_trino", marks=pytest.mark.trino)]
"""Other kinds differ in where the lake lies, which no expression can tell; Trino itself has test_trino_probes.py."""


@pytest.fixture(scope="module", params=THROUGH)
def answered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What an engine says to every expression."""
    _, needed = KINDS[request.param]
    stack = request.getfixturevalue(needed) if needed else None
    with opened(request.param, tmp_path_factory.mktemp("lake"), stack) as bench:
        def ask(sql: str) -> tuple[list[Any], list[Any]]:
            rows = bench.engine.fetch(bench.catalog.add(sql))
            return [column[0].as_py() for column in rows.columns], list(rows.schema.types)
        return answers(ask, [sql for sql, _ in EXPRESSIONS])


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The local engine."""
    with opened("duckdb", tmp_path_factory.mktemp("lake"), None) as bench:
        yield bench


@pytest.mark.parametrize("expression, expected", EXPRESSIONS, ids=[sql for sql, _ in EXPRESSIONS])
def test_expression(answered: dict[str, Answer], expression: str, expected: Any) -> None:
    assert exact(answered[expression].shown()) == exact(expected)


@pytest.mark.parametrize("expression", [sql for sql, _ in EXPRESSIONS])
def test_expression_is_in_the_subset(expression: str) -> None:
    assert statement("probe", f"SELECT {expression} AS value") == []


@pytest.mark.parametrize("sql, expected", STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement(local: Bench, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert statement("probe", sql) == []
    assert exact(local.rows(sql)) == exact(expected)


@pytest.mark.parametrize("sql", ERRORS)
def test_what_does_not_fit_is_an_error_never_another_number(local: Bench, sql: str) -> None:
    assert statement("probe", sql) == []
    with pytest.raises(Exception, match=WHAT_ERRORS_SAY):
        local.rows(sql)


def test_no_probe_is_written_twice() -> None:
    for probes in ([sql for sql, _ in EXPRESSIONS], [sql for sql, _ in STATEMENTS], ERRORS):
        assert len(set(probes)) == len(probes)
