"""Whatever expression the subset takes, a real Trino server and the local engine give it the same values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import PROFILE
from tests.engine.answers import Answer, answers
from tests.engine.drawn import ROWS, expressions
from tests.engine.exact import exact
from tests.engine.harness import Bench, opened
from tests.engine.server import Server

pytestmark = pytest.mark.trino

TOGETHER = 30
STATEMENTS = 100 if PROFILE == "nightly" else 8


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The local engine."""
    with opened("duckdb", tmp_path_factory.mktemp("lake"), None) as bench:
        yield bench


# A failure names the expressions that differ, each small enough to read; shrinking would ask the server for minutes.
@settings(max_examples=STATEMENTS, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(drawn=st.lists(expressions(), min_size=TOGETHER, max_size=TOGETHER, unique=True))
def test_drawn_expressions_mean_the_same(server: Server, local: Bench, drawn: list[str]) -> None:
    theirs, ours = _all(lambda sql: server.rows(sql)[0], drawn), _all(local.rows, drawn)
    assume(any(answer.failure is None for answer in theirs.values()))
    told = {sql: (_told(theirs[sql]), _told(ours[sql])) for sql in drawn}
    assert {sql: pair for sql, pair in told.items() if pair[0] != pair[1]} == {}


def _all(rows: Callable[[str], list[tuple[Any, ...]]], drawn: list[str]) -> dict[str, Answer]:
    def ask(sql: str) -> tuple[list[Any], list[None]]:
        columns = list(zip(*rows(f"{sql} FROM {ROWS} ORDER BY t.i"), strict=True))
        return columns, [None] * len(columns)
    return answers(ask, drawn)


def _told(answer: Answer) -> str:
    return exact(answer.value) if answer.failure is None else "an error"
