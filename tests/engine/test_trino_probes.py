"""Every probe on a real Trino server, through its own client and without a catalog."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import trino

from tests.engine.answers import Answer, answers
from tests.engine.exact import WHAT_ERRORS_SAY, exact
from tests.engine.harness import opened
from tests.engine.probes import ERRORS, EXPRESSIONS, STATEMENTS
from tests.engine.server import Server

pytestmark = pytest.mark.trino

AT_ONCE = 4
ALL = [sql for sql, _ in EXPRESSIONS]


@pytest.fixture(scope="module")
def answered(server: Server) -> dict[str, Answer]:
    """What the server says to every expression."""
    return answers(server.one, ALL, at_once=AT_ONCE)


@pytest.fixture(scope="module")
def listed(server: Server) -> dict[str, Answer]:
    """What the server says to every statement, those that must fail too."""
    def ask(sql: str) -> Answer:
        try:
            return Answer(*server.rows(sql))
        except Exception as failure:
            return Answer(None, None, failure)
    statements = [*(sql for sql, _ in STATEMENTS), *ERRORS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(statements, pool.map(ask, statements), strict=True))


@pytest.mark.parametrize("expression, expected", EXPRESSIONS, ids=ALL)
def test_expression(answered: dict[str, Answer], expression: str, expected: Any) -> None:
    assert exact(answered[expression].shown()) == exact(expected)


@pytest.mark.parametrize("sql, expected", STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement(listed: dict[str, Answer], sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert exact(listed[sql].shown()) == exact(expected)


@pytest.mark.parametrize("sql", ERRORS)
def test_what_does_not_fit_is_an_error_never_another_number(listed: dict[str, Answer], sql: str) -> None:
    with pytest.raises(trino.exceptions.TrinoQueryError, match=WHAT_ERRORS_SAY):
        listed[sql].shown()


def test_columns_have_the_types_that_the_local_engine_gives_them(answered: dict[str, Answer], tmp_path: Path) -> None:
    with opened("duckdb", tmp_path, None) as bench:
        def ask(sql: str) -> tuple[list[Any], list[pa.DataType]]:
            rows = bench.engine.fetch(bench.catalog.add(sql))
            return [column[0] for column in rows.columns], rows.schema.types
        local = answers(ask, ALL)
    kinds = {sql: (_kind(answered[sql].type), _kind(local[sql].type)) for sql in ALL}
    assert {sql: pair for sql, pair in kinds.items() if pair[0] != pair[1]} == {}


def _kind(type_: pa.DataType) -> str:
    """A decimal's precision says how much room an engine keeps, not what a value is."""
    return f"decimal scale {type_.scale}" if pa.types.is_decimal(type_) else str(type_)
