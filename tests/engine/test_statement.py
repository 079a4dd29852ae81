"""Statements as servers take them: lake tables as WITH clauses, parameters as literals or as marks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.schemas.tables import table as declared
from recon.engine import dialect, queries, relations
from recon.engine.queries import BadQuery
from recon.engine.statement import statement
from recon.lake import LakeObject
from tests.engine.harness import HEADER

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROOT = "s3://lake/it's"


def query(sql: str, inputs: str = "none", parameters: str = "none") -> queries.Query:
    """A query with a header."""
    return queries.parse("q", HEADER.format(inputs=inputs, parameters=parameters) + sql)


def item(path: str) -> LakeObject:
    """One object of the lake."""
    return LakeObject(path.split("/", maxsplit=1)[0], path, 1, None, NOON)


def test_marks_stand_in_the_order_of_their_values() -> None:
    found = query("SELECT :b AS b, :a AS a, :b AS again, :c AS c, :n AS n",
                  parameters="a text, b timestamp, c bigint, n text")
    made = statement(dialect.bind(found, {"a": "o'clock ?", "b": NOON, "c": -5, "n": None}))
    assert made.values == ("'2026-01-31 12:00:00.000'", "'o''clock ?'", "'2026-01-31 12:00:00.000'", "'-5'")
    assert made.marked.count("?") == 4
    parts = made.marked.split("?")
    whole = "".join(part + value for part, value in zip(parts, (*made.values, ""), strict=True))
    assert whole == made.text


def test_long_values_stay_in_the_text() -> None:
    made = statement(dialect.bind(query("SELECT :a AS a", parameters="a text"), {"a": "é" * 600}))
    assert (made.values, made.marked) == ((), made.text)


def test_a_lake_table_becomes_a_clause_over_exactly_its_objects() -> None:
    paths = ["batches/it's.parquet", "batches/b.parquet"]
    relation = relations.lake_relation(declared("batches"), "lake.db.batches", ROOT, [item(path) for path in paths])
    whole = relations.with_relations(query("WITH a AS (SELECT batch_id FROM batches) SELECT a.batch_id FROM a",
                                           inputs="batches").tree, {"batches": relation})
    text = whole.sql(dialect="trino")
    assert text.startswith("WITH batches AS (SELECT")
    assert "\"$path\" IN ('s3://lake/it''s/batches/it''s.parquet', 's3://lake/it''s/batches/b.parquet')" in text
    assert f'("$path", {len(ROOT) + 2}) AS source_path' in text
    assert text.endswith("), a AS (SELECT batch_id FROM batches) SELECT a.batch_id FROM a")


def test_days_bound_what_is_read() -> None:
    objects = [item(f"ledger_entries/dt=2026-01-0{day}/hr=05/a.parquet") for day in (3, 1, 2)]
    text = relations.lake_relation(declared("ledger_entries"), "t", ROOT, objects).sql(dialect="trino")
    assert "dt >= CAST('2026-01-01' AS DATE) AND dt <= CAST('2026-01-03' AS DATE)" in text


def test_many_objects_go_to_a_table() -> None:
    few = [item(f"batches/{number}.parquet") for number in range(10)]
    many = [item(f"batches/{number:060}.parquet") for number in range(1_000)]
    assert not relations.too_long_to_inline(ROOT, few)
    assert relations.too_long_to_inline(ROOT, many)
    text = relations.lake_relation(declared("batches"), "t", ROOT, many, "s.listing").sql(dialect="trino")
    assert '"$path" IN (SELECT path FROM s.listing)' in text


@pytest.mark.parametrize("sql, order", [
    ("SELECT t.a, t.b FROM t ORDER BY t.b DESC, a", [("b", True), ("a", False)]),
    ("SELECT t.a AS x FROM t ORDER BY 1", [("x", False)]),
    ("SELECT t.a FROM t", []),
])
def test_the_order_of_a_result_is_known(sql: str, order: list[tuple[str, bool]]) -> None:
    assert relations.order_of(query(sql, inputs="t").tree) == order


def test_an_order_that_the_result_does_not_show_is_refused() -> None:
    with pytest.raises(BadQuery, match=r"ordered by .*b.* is not among its columns \(a\)"):
        relations.order_of(query("SELECT t.a FROM t ORDER BY t.b", inputs="t").tree)


def test_every_shipped_order_can_be_kept() -> None:
    for name in queries.names():
        relations.order_of(queries.load(name).tree)
