"""What every engine must do with a lake: views over exact objects, scratch tables, parameters, results."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.schemas.tables import TABLES
from recon.engine import relations
from recon.engine.queries import BadQuery
from recon.errors import Refused
from recon.lake import Lake
from tests.engine.harness import Bench, sample

FOLDER = "ledger_entries/dt=2026-01-01/hr=05"
READ = "SELECT e.entry_id, e.amount_minor, e.event_at FROM ledger_entries AS e ORDER BY e.entry_id"


def read(bench: Bench) -> list[tuple[object, ...]]:
    return bench.rows(READ, inputs="ledger_entries")


def test_a_view_holds_exactly_the_objects_given(bench: Bench) -> None:
    first = bench.write("ledger_entries", f"{FOLDER}/a.parquet", sample("ledger_entries", entry_id=["A", "B"]))
    second = bench.write("ledger_entries", f"{FOLDER}/b.parquet", sample("ledger_entries", entry_id=["C", "D"]))
    bench.engine.expose("ledger_entries", [second])
    assert [row[0] for row in read(bench)] == ["C", "D"]
    bench.engine.expose("ledger_entries", [first, second])
    assert [row[0] for row in read(bench)] == ["A", "B", "C", "D"]
    bench.engine.expose("ledger_entries", [])
    assert read(bench) == []


def test_a_long_list_of_objects_holds_exactly_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too long to be written out, it goes to a table of its own; an engine that writes none out does not care."""
    monkeypatch.setattr(relations, "INLINE_BYTES", 0)
    objects = [bench.write("ledger_entries", f"{FOLDER}/{name}.parquet", sample("ledger_entries", 1, entry_id=[name]))
               for name in ("A", "B", "it's")]
    bench.engine.expose("ledger_entries", [objects[0], objects[2]])
    assert [row[0] for row in read(bench)] == ["A", "it's"]


@pytest.mark.parametrize("odd", ["a*", "a?", "[ab]", "a'b", 'a"b', "a%20b", "a b", "$a", "é"])
def test_marks_in_a_name_never_stand_for_other_objects(bench: Bench, odd: str) -> None:
    for name in ("a", "b", "ab", "a1"):
        bench.write("ledger_entries", f"{FOLDER}/{name}.parquet", sample("ledger_entries", rows=1))
    path = f"{FOLDER}/{odd}.parquet"
    bench.engine.expose("ledger_entries", [bench.write("ledger_entries", path, sample("ledger_entries", rows=1))])
    assert bench.rows("SELECT e.source_path FROM ledger_entries AS e", inputs="ledger_entries") == [(path,)]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_an_empty_view_has_every_declared_column(bench: Bench, name: str) -> None:
    bench.engine.expose(name, [])
    columns = ", ".join([f"t.{column.name}" for column in TABLES[name].all_columns()] + ["t.source_path"])
    assert bench.rows(f"SELECT {columns} FROM {name} AS t", inputs=name) == []


def test_partitions_and_source_path_come_with_each_row(bench: Bench) -> None:
    path = "settlement_lines/gateway=stripe/dt=2026-01-31/it's 1.parquet"
    item = bench.write("settlement_lines", path, sample("settlement_lines", rows=1))
    bench.engine.expose("settlement_lines", [item])
    sql = "SELECT l.gateway, l.dt, l.source_path FROM settlement_lines AS l"
    assert bench.rows(sql, inputs="settlement_lines") == [("stripe", date(2026, 1, 31), path)]


def test_hours_stay_text(bench: Bench) -> None:
    bench.engine.expose("ledger_entries", [bench.write("ledger_entries", f"{FOLDER}/a.parquet",
                                                       sample("ledger_entries", rows=1))])
    assert bench.rows("SELECT e.hr FROM ledger_entries AS e", inputs="ledger_entries") == [("05",)]


def test_other_writers_types_read_as_declared(bench: Bench) -> None:
    plain = sample("ledger_entries", rows=1, entry_id=["A"], event_at=[datetime(2026, 1, 1, 5)])
    at = plain.schema.get_field_index("event_at")
    minor = plain.schema.get_field_index("amount_minor")
    text = plain.schema.get_field_index("currency")
    five = datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=2)))
    odd = (plain.set_column(at, "event_at", pa.array([five], pa.timestamp("us", "Europe/Amsterdam")))
           .set_column(minor, "amount_minor", pa.array([7], pa.int16()))
           .set_column(text, "currency", pa.array(["EUR"]).dictionary_encode()))
    nanos = plain.set_column(at, "event_at", pa.array([datetime(2026, 1, 1, 5)], pa.timestamp("ns")))
    bench.engine.expose("ledger_entries", [
        bench.write("ledger_entries", f"{FOLDER}/{name}.parquet", rows)
        for name, rows in (("a", plain), ("b", odd), ("c", nanos))])
    assert sorted(read(bench)) == [("A", minor, datetime(2026, 1, 1, 5)) for minor in (1, 1, 7)]
    types = bench.engine.fetch(bench.catalog.add(READ, inputs="ledger_entries")).schema.types
    assert types == [pa.string(), pa.int64(), pa.timestamp("ms")]


def test_columns_in_another_order_and_unknown_ones_do_no_harm(bench: Bench) -> None:
    rows = sample("ledger_entries", rows=1, entry_id=["A"])
    turned = rows.select(list(reversed(rows.column_names))).append_column("later", pa.array([[1]]))
    bench.engine.expose("ledger_entries", [
        bench.write("ledger_entries", f"{FOLDER}/a.parquet", rows),
        bench.write("ledger_entries", f"{FOLDER}/b.parquet", turned)])
    assert [row[:2] for row in read(bench)] == [("A", 1), ("A", 1)]


@pytest.mark.parametrize("together", [False, True])
def test_nullable_columns_missing_from_a_file_read_as_null(bench: Bench, together: bool) -> None:
    rows = sample("ledger_entries", rows=1, entry_id=["B"], gateway=["stripe"])
    objects = [bench.write("ledger_entries", f"{FOLDER}/b.parquet", rows.drop_columns(["gateway", "payment_id"]))]
    if together:
        objects.insert(0, bench.write("ledger_entries", f"{FOLDER}/a.parquet", rows))
    bench.engine.expose("ledger_entries", objects)
    found = bench.rows("SELECT e.gateway, e.payment_id FROM ledger_entries AS e ORDER BY e.gateway",
                       inputs="ledger_entries")
    assert found == [("stripe", None), (None, None)][not together:]


def test_a_column_without_a_type_is_an_empty_column_or_refused_by_name(bench: Bench) -> None:
    rows = sample("ledger_entries", rows=1)
    nulls = rows.set_column(rows.schema.get_field_index("gateway"), "gateway", pa.nulls(1))
    item = bench.write("ledger_entries", f"{FOLDER}/a.parquet", nulls)
    if bench.engine.name != "duckdb":
        with pytest.raises(Refused, match=f"column gateway is without a type in {FOLDER}/a.parquet, which engine"):
            bench.engine.expose("ledger_entries", [item])
        return
    bench.engine.expose("ledger_entries", [item])
    assert bench.rows("SELECT e.gateway FROM ledger_entries AS e", inputs="ledger_entries") == [(None,)]


def test_whole_decimals_read_as_whole_numbers_or_are_refused_by_name(bench: Bench) -> None:
    rows = sample("ledger_entries", rows=1)
    amounts = pa.array([Decimal(2**62)], pa.decimal128(20, 0))
    wide = rows.set_column(rows.schema.get_field_index("amount_minor"), "amount_minor", amounts)
    item = bench.write("ledger_entries", f"{FOLDER}/a.parquet", wide)
    if bench.engine.name != "duckdb":
        with pytest.raises(Refused, match=r"amount_minor is DECIMAL\(20, ?0\) in .*a.parquet, which engine"):
            bench.engine.expose("ledger_entries", [item])
        return
    bench.engine.expose("ledger_entries", [item])
    assert [row[1] for row in read(bench)] == [2**62]


def test_a_required_column_missing_is_refused_by_name(bench: Bench) -> None:
    good = sample("ledger_entries")
    objects = [bench.write("ledger_entries", f"{FOLDER}/a.parquet", good),
               bench.write("ledger_entries", f"{FOLDER}/b.parquet", good.drop_columns(["amount_minor"]))]
    with pytest.raises(Refused, match=rf"ledger_entries: required column amount_minor .* in {FOLDER}/b.parquet"):
        bench.engine.expose("ledger_entries", objects)


@pytest.mark.parametrize("column, values, shown", [
    ("amount_minor", pa.array([1.5]), "DOUBLE"),
    ("amount_minor", pa.array(["15"]), "VARCHAR"),
    ("amount_minor", pa.array([Decimal("1.50")]), r"DECIMAL\(3, ?2\)"),
    ("event_at", pa.array(["2026-01-01"]), "VARCHAR"),
    ("event_at", pa.array([date(2026, 1, 1)]), "DATE"),
    ("currency", pa.array([978]), "BIGINT"),
])
def test_a_type_that_would_be_guessed_at_is_refused(
    bench: Bench, column: str, values: pa.Array[Any], shown: str,
) -> None:
    rows = sample("ledger_entries", rows=1)
    odd = rows.set_column(rows.schema.get_field_index(column), column, values)
    item = bench.write("ledger_entries", f"{FOLDER}/odd.parquet", odd)
    wanted = rf"ledger_entries: column {column} is {shown} in {FOLDER}/odd.parquet; .* was expected"
    with pytest.raises(Refused, match=wanted):
        bench.engine.expose("ledger_entries", [item])


def test_a_file_that_is_no_parquet_is_refused_by_name(bench: Bench) -> None:
    good = bench.write("ledger_entries", f"{FOLDER}/a.parquet", sample("ledger_entries"))
    bad = bench.write("ledger_entries", f"{FOLDER}/b.parquet", sample("ledger_entries"))
    bench.put(bad.path, b"PAR1 but cut short")
    with pytest.raises(Refused, match=rf"ledger_entries: {FOLDER}/b.parquet .* cannot be read as Parquet"):
        bench.engine.expose("ledger_entries", [good, bad])


def test_a_lake_listing_can_be_exposed_as_it_is(bench: Bench) -> None:
    bench.write("ledger_entries", f"{FOLDER}/a.parquet", sample("ledger_entries", rows=1))
    bench.engine.expose("ledger_entries", Lake(bench.root).objects("ledger_entries"))
    assert len(read(bench)) == 1


def test_registered_tables_are_copied_and_replaced(bench: Bench) -> None:
    times = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "UTC"))
    bench.engine.register("small", pa.table({"n": [1], "t": times}))
    assert bench.rows("SELECT s.n, s.t FROM small AS s", inputs="small") == [(1, datetime(2026, 1, 1))]
    bench.engine.register("small", pa.table({"n": pa.array([], pa.int64())}))
    assert bench.rows("SELECT s.n FROM small AS s", inputs="small") == []


def test_materialized_tables_feed_the_next_query(bench: Bench) -> None:
    bench.engine.register("small", pa.table({"n": [1, 2, 3]}))
    first = bench.catalog.add("SELECT s.n + :plus AS n FROM small AS s", inputs="small", parameters="plus bigint",
                              name="first")
    assert bench.engine.materialize("more", first, plus=10) == 3
    again = bench.catalog.add("SELECT m.n FROM more AS m WHERE m.n > 11", inputs="more", name="again")
    assert bench.engine.materialize("more", again) == 2
    assert bench.rows("SELECT m.n FROM more AS m ORDER BY 1", inputs="more") == [(12,), (13,)]


def test_a_scratch_table_may_take_the_name_of_a_view(bench: Bench) -> None:
    bench.engine.expose("batches", [])
    name = bench.catalog.add("SELECT 1 AS n", name="one")
    assert bench.engine.materialize("batches", name) == 1
    bench.engine.expose("batches", [])
    assert bench.rows("SELECT b.batch_id FROM batches AS b", inputs="batches") == []


def test_reading_what_nobody_made_is_an_error_by_name(bench: Bench) -> None:
    with pytest.raises(BadQuery, match="query probe reads nowhere, which nobody has exposed"):
        bench.rows("SELECT n.a FROM nowhere AS n", inputs="nowhere")


def test_parameters_arrive_typed(bench: Bench) -> None:
    sql = "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f, :g AS g"
    noon = datetime(2026, 3, 29, 14, 0, 0, 1000, tzinfo=timezone(timedelta(hours=2)))
    rows = bench.rows(
        sql, parameters="a text, b bigint, c date, d timestamp, e decimal(38,18), f boolean, g timestamp",
        a="o'clock; -- \\ \n:b", b=-5, c=date(2026, 1, 31), d=noon, e=Decimal("1e-18"), f=False, g=None)
    assert rows == [("o'clock; -- \\ \n:b", -5, date(2026, 1, 31), datetime(2026, 3, 29, 12, 0, 0, 1000),
                     Decimal("0.000000000000000001"), False, None)]


def test_sums_come_back_exact(bench: Bench) -> None:
    bench.engine.register("big", pa.table({"n": [2**63 - 1] * 3}))
    name = bench.catalog.add("SELECT sum(CAST(b.n AS DECIMAL(38, 0))) AS total, count(*) AS rows_seen FROM big AS b",
                             inputs="big")
    fetched = bench.engine.fetch(name)
    assert fetched.schema.types == [pa.decimal128(38, 0), pa.int64()]
    assert fetched.to_pylist() == [{"total": Decimal(3 * (2**63 - 1)), "rows_seen": 3}]


def test_closing_twice_is_no_error(bench: Bench) -> None:
    bench.engine.close()
    bench.engine.close()
