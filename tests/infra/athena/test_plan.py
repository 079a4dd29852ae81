"""What a statement reads: tables, columns, objects left out by its conditions."""

from __future__ import annotations

import pytest
import sqlglot

from infra.local.athena.backends.plan import Reference, output_names, plan
from infra.local.athena.catalog import Catalog, GlueTable
from infra.local.athena.errors import QueryFailed

TABLES = {
    "t": GlueTable("db", "t", "s3://b/t", {"a": "string", "b": "bigint"}, {"dt": "date", "hr": "string"}),
    "u": GlueTable("db", "u", "s3://b/u", {"a": "string", "c": "bigint"}, {}),
}


class Declared(Catalog):
    """Two tables, without Glue."""

    def __init__(self) -> None:
        pass

    def table(self, database: str, name: str, where: str = "line 1:1") -> GlueTable:
        if database != "db" or name not in TABLES:
            raise QueryFailed("TABLE_NOT_FOUND", f"{where}: Table 'awsdatacatalog.{database}.{name}' does not exist")
        return TABLES[name]


def planned(sql: str, database: str = "db") -> tuple[list[Reference], str]:
    tree = sqlglot.parse_one(sql, read="trino")
    return plan(tree, sql, database, Declared()), tree.sql("duckdb")


def conditions(sql: str) -> list[list[str]]:
    return [[condition.sql("duckdb") for condition in reference.conditions] for reference in planned(sql)[0]]


@pytest.mark.parametrize("sql, columns", [
    ("SELECT a FROM t", [("a",)]), ("SELECT count(*) FROM t", [()]), ("SELECT * FROM t", [("a", "b", "dt", "hr")]),
    ("SELECT x.* FROM t AS x JOIN u ON x.a = u.a", [("a", "b", "dt", "hr"), ("a",)]),
    ("SELECT n FROM (SELECT B AS n, hr FROM t WHERE dt = DATE '2026-01-01')", [("b", "dt", "hr")]),
    ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.c = t.b)", [("a", "b"), ("c",)]),
])
def test_columns_that_are_needed(sql: str, columns: list[tuple[str, ...]]) -> None:
    assert [reference.columns for reference in planned(sql)[0]] == columns


@pytest.mark.parametrize("sql, found", [
    ("WITH t AS (SELECT * FROM db.t) SELECT * FROM t", ["t"]), ("WITH t AS (SELECT * FROM t) SELECT * FROM t", ["t"]),
    ("WITH x AS (SELECT 1 AS a), y AS (SELECT * FROM x) SELECT * FROM y, u", ["u"]),
    ("SELECT * FROM (WITH u AS (SELECT 1 AS a) SELECT * FROM u) AS z, u", ["u"]),
    ("WITH T AS (SELECT 1 AS a) SELECT * FROM t WHERE a IN (SELECT a FROM t)", []),
    ("SELECT a FROM t UNION ALL SELECT a FROM u", ["t", "u"]),
])
def test_names_of_with_are_no_tables(sql: str, found: list[str]) -> None:
    assert [reference.table.name for reference in planned(sql)[0]] == found


@pytest.mark.parametrize("where, kept", [
    ("dt >= DATE '2026-01-01' AND dt < DATE '2026-01-03' AND a = 'x'",
     ["dt >= CAST('2026-01-01' AS DATE)", "dt < CAST('2026-01-03' AS DATE)"]),
    ("t.hr IN ('05', '06')", ["hr IN ('05', '06')"]), ("\"$path\" = 's3://b/x'", ["\"$path\" = 's3://b/x'"]),
    ("dt = DATE '2026-01-01' OR a = 'x'", []), ("hr = a", []), ("dt IN (SELECT DATE '2026-01-01')", []), ("1 = 1", []),
    ("(dt = DATE '2026-01-01' OR hr = '05')", ["(dt = CAST('2026-01-01' AS DATE) OR hr = '05')"]),
])
def test_conditions_that_leave_objects_out(where: str, kept: list[str]) -> None:
    assert conditions(f"SELECT b FROM t WHERE {where}") == [kept]


def test_an_outer_join_keeps_every_object() -> None:
    assert conditions("SELECT u.a FROM u LEFT JOIN t ON t.a = u.a WHERE t.dt IS NULL") == [[], []]
    assert conditions("SELECT u.a FROM u JOIN t ON t.a = u.a WHERE t.dt = DATE '2026-01-01'")[1]


def test_the_rewritten_statement_reads_views() -> None:
    references, sql = planned('SELECT *, "$path" AS p FROM db.t')
    assert [reference.view for reference in references] == ["lake_0"]
    assert references[0].path
    assert sql == 'SELECT * EXCLUDE ("$path"), "$path" AS p FROM lake_0 AS "t"'
    assert planned("SELECT db.t.a FROM db.t AS t")[1] == "SELECT t.a FROM lake_0 AS t"


def test_tables_that_are_not_there() -> None:
    with pytest.raises(QueryFailed, match=r"line 2:7: Table 'awsdatacatalog\.db\.nope' does not exist"):
        planned("SELECT *\n FROM nope")
    with pytest.raises(QueryFailed, match="MISSING_SCHEMA_NAME"):
        planned("SELECT * FROM t", database="")


def test_names_of_a_result() -> None:
    def names(sql: str) -> list[str] | None:
        return output_names(sqlglot.parse_one(sql, read="trino"))

    assert names("SELECT a, t.b, 1, 'x' AS y, sum(a) FROM t") == ["a", "b", "_col2", "y", "_col4"]
    assert names("(SELECT a FROM t) UNION ALL SELECT 1") == ["a"]
    assert names("SELECT *, 1 FROM t") is None
