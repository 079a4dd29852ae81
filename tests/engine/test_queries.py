"""Query files: one statement, a header that tells the truth, parameters of the declared types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.engine import dialect, queries
from recon.engine.port import Scalar
from recon.engine.queries import BadQuery
from tests.engine.harness import HEADER

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def query(sql: str, inputs: str = "none", parameters: str = "none") -> queries.Query:
    return queries.parse("q", HEADER.format(inputs=inputs, parameters=parameters) + sql)


def test_header_is_read() -> None:
    found = queries.parse("q", "-- purpose: totals of the cohort,\n--   per gateway\n-- grain: one gateway\n"
                               "-- inputs: ledger_entries, claims\n"
                               "-- parameters: as_of timestamp, rate decimal(38,18)\n"
                               "SELECT e.a FROM ledger_entries AS e, claims WHERE e.b < :as_of AND e.c > :rate")
    assert (found.purpose, found.grain) == ("totals of the cohort, per gateway", "one gateway")
    assert found.inputs == ("ledger_entries", "claims")
    assert found.parameters == {"as_of": "timestamp", "rate": "decimal(38,18)"}


def test_every_shipped_query_loads() -> None:
    for name in queries.names():
        assert queries.load(name).name == name


@pytest.mark.parametrize("text, message", [
    ("SELECT 1", "the header lacks purpose, grain, inputs, parameters"),
    (HEADER.format(inputs="none", parameters="none"), "one SELECT statement was expected, 0 statements"),
    (HEADER.format(inputs="none", parameters="none") + "SELECT 1; SELECT 2", "one SELECT statement was expected, 2"),
    (HEADER.format(inputs="none", parameters="none") + "DROP TABLE t", "one SELECT statement was expected"),
    (HEADER.format(inputs="none", parameters="none") + "SELECT FROM WHERE", "q.sql: "),
    (HEADER.format(inputs="t, u", parameters="none") + "SELECT t.a FROM t", r"inputs declared but not used: \['u'\]"),
    (HEADER.format(inputs="none", parameters="none") + "SELECT t.a FROM t", r"used but not declared: \['t'\]"),
    (HEADER.format(inputs="none", parameters="n bigint") + "SELECT 1", r"parameters declared but not used: \['n'\]"),
    (HEADER.format(inputs="none", parameters="none") + "SELECT :n", r"parameters .* used but not declared: \['n'\]"),
    (HEADER.format(inputs="none", parameters="n number") + "SELECT :n", "parameter 'n number': expected 'name type'"),
])
def test_a_file_that_breaks_the_rules_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadQuery, match=message):
        queries.parse("q", text)


def test_names_of_with_are_not_inputs() -> None:
    assert query("WITH a AS (SELECT t.b FROM t) SELECT a.b FROM a", inputs="t").inputs == ("t",)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(BadQuery, match="no query 'nothing' in recon/sql; there are "):
        queries.load("nothing")


@pytest.mark.parametrize("kind, value", [
    ("text", 1), ("bigint", "1"), ("bigint", True), ("boolean", 1), ("date", "2026-01-01"), ("date", NOON),
    ("timestamp", date(2026, 1, 1)), ("timestamp", NOON.replace(tzinfo=None)),
    ("timestamp", NOON.replace(microsecond=1)),
    ("decimal(38,18)", "1.5"), ("decimal(38,18)", Decimal("NaN")),
])
def test_a_value_of_another_type_is_refused(kind: str, value: Scalar) -> None:
    with pytest.raises(BadQuery, match="parameter p"):
        dialect.duckdb_sql(query("SELECT :p", parameters=f"p {kind}"), {"p": value})


@pytest.mark.parametrize("params", [{}, {"p": 1, "q": 2}, {"q": 1}])
def test_parameters_are_given_exactly(params: dict[str, Scalar]) -> None:
    with pytest.raises(BadQuery, match=r"query q takes \['p'\], was given"):
        dialect.trino_sql(query("SELECT :p", parameters="p bigint"), params)


@pytest.mark.parametrize("kind, value, trino", [
    ("text", "o'clock", "CAST('o''clock' AS VARCHAR)"),
    ("bigint", -5, "CAST('-5' AS BIGINT)"),
    ("boolean", True, "TRUE"),
    ("date", date(2026, 1, 31), "CAST('2026-01-31' AS DATE)"),
    ("timestamp", NOON, "CAST('2026-01-31 12:00:00.000' AS TIMESTAMP(3))"),
    ("decimal(38,18)", Decimal("1E-3"), "CAST('0.001' AS DECIMAL(38, 18))"),
    ("timestamp", None, "CAST(NULL AS TIMESTAMP(3))"),
])
def test_literals_as_trino_reads_them(kind: str, value: Scalar, trino: str) -> None:
    assert dialect.trino_sql(query("SELECT :p", parameters=f"p {kind}"), {"p": value}) == f"SELECT {trino}"


def test_comments_stay_behind() -> None:
    made = dialect.duckdb_sql(query("SELECT 1 -- a mark */ inside\n"), {})
    assert made == "SELECT 1"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_no_text_leaves_its_quotes(value: str) -> None:
    made = dialect.trino_sql(query("SELECT :p", parameters="p text"), {"p": value})
    assert made == "SELECT CAST('" + value.replace("'", "''") + "' AS VARCHAR)"
