"""Every probe on a real Trino server, through its own client and without a catalog."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
import trino

from recon.engine import dialect, queries
from recon.engine.types import arrow_type
from tests.engine.answers import Answer, answers
from tests.engine.exact import WHAT_ERRORS_SAY, exact
from tests.engine.harness import HEADER, opened
from tests.engine.probes import ERRORS, EXPRESSIONS, STATEMENTS

pytestmark = pytest.mark.trino

AT_ONCE = 4
ALL = [sql for sql, _ in EXPRESSIONS]


class Server:
    """A Trino server that is asked in the shared dialect."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection: Any = trino.dbapi.connect(  # type: ignore[no-untyped-call]
            host=address.hostname, port=address.port, user="probes", timezone="UTC")

    def rows(self, sql: str) -> tuple[list[tuple[Any, ...]], list[pa.DataType]]:
        """The rows of a statement, and the types of its columns."""
        query = queries.parse("probe", HEADER.format(inputs="none", parameters="none") + sql)
        cursor = self._connection.cursor()
        cursor.execute(dialect.trino_sql(query, {}))
        rows = [tuple(row) for row in cursor.fetchall()]
        return rows, [arrow_type(column.type_code) for column in cursor.description]

    def one(self, sql: str) -> tuple[Sequence[Any], list[pa.DataType]]:
        """The values of a statement's one row, and their types."""
        ((values,), types) = self.rows(sql)
        return values, types


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Server:
    """The server of RECON_TRINO_URL, else the local stack's."""
    url = os.environ.get("RECON_TRINO_URL")
    return Server(url or request.getfixturevalue("trino_stack").trino.url)


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
