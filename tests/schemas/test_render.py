"""One declaration, four renderings: they agree, and what one writes the others read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.schemas.columns import Column, Table, Type
from pipeline.schemas.dictionary import PAGE
from pipeline.schemas.render import arrow_schema, dictionary_page, duckdb_type, duckdb_view, glue_columns, glue_table
from pipeline.schemas.tables import TABLES, table

EVERY_TABLE = pytest.mark.parametrize("declared", TABLES.values(), ids=list(TABLES))

SAMPLE: dict[Type, Any] = {
    Type.STRING: "O'Neill, \u00e9",
    Type.BIGINT: 2**63 - 1,
    Type.INT: -(2**31),
    Type.BOOLEAN: True,
    Type.DATE: date(2026, 2, 28),
    Type.TIMESTAMP: datetime(2026, 3, 29, 1, 59, 59, 999000),
    Type.DECIMAL_38_18: Decimal("12345678901234567890.123456789012345678"),
}
PARTITION_SAMPLE = {"dt": "2026-03-29", "hr": "01", "gateway": "adyen"}


def written(declared: Table, root: Path, rows: pa.Table) -> str:
    """Path, relative to `root`, of a Parquet file at the place that the table's layout gives it."""
    folders = [f"{column.name}={PARTITION_SAMPLE[column.name]}" for column in declared.partitions]
    path = Path(declared.name, *folders, "rows.parquet")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, root / path, compression="snappy")
    return str(path)


def read(declared: Table, root: Path, paths: list[str], present: set[str] | None = None) -> list[dict[str, Any]]:
    """Rows of the view over `paths`, as dictionaries."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(duckdb_view(declared, paths, root=str(root), present=present))
        return list(connection.sql(f'SELECT * FROM "{declared.name}"').to_arrow_table().to_pylist())


def one_row(declared: Table) -> pa.Table:
    """A row with the sample value of each column's type."""
    return pa.Table.from_pylist([{c.name: SAMPLE[c.type] for c in declared.columns}], schema=arrow_schema(declared))


@EVERY_TABLE
def test_a_file_written_by_the_arrow_schema_reads_back_through_the_view(declared: Table, tmp_path: Path) -> None:
    path = written(declared, tmp_path, one_row(declared))
    (row,) = read(declared, tmp_path, [path])
    assert list(row) == [column.name for column in declared.all_columns()] + ["source_path"]
    assert row["source_path"] == path
    for column in declared.columns:
        assert row[column.name] == SAMPLE[column.type], column.name
    for column in declared.partitions:
        expected: Any = PARTITION_SAMPLE[column.name]
        assert row[column.name] == (date.fromisoformat(expected) if column.type is Type.DATE else expected)


@EVERY_TABLE
def test_the_view_has_the_declared_types_with_files_and_without(declared: Table, tmp_path: Path) -> None:
    expected = [(c.name, duckdb_type(c)) for c in declared.all_columns()] + [("source_path", "VARCHAR")]
    path = written(declared, tmp_path, one_row(declared))
    with duckdb.connect(":memory:") as connection:
        for paths in ([], [path]):
            connection.execute(duckdb_view(declared, paths, root=str(tmp_path)))
            described = connection.execute(f'DESCRIBE "{declared.name}"').fetchall()
            assert [(name, kind) for name, kind, *_ in described] == expected
        connection.execute(duckdb_view(declared, [], root=str(tmp_path)))
        assert connection.execute(f'SELECT count(*) FROM "{declared.name}"').fetchone() == (0,)


@EVERY_TABLE
def test_arrow_and_duckdb_name_the_same_types(declared: Table) -> None:
    empty = arrow_schema(declared).empty_table()
    with duckdb.connect(":memory:") as connection:
        connection.register("empty", empty)
        seen = {name: kind for name, kind, *_ in connection.execute("DESCRIBE empty").fetchall()}
    for column in declared.columns:
        # DuckDB keeps Arrow's milliseconds as TIMESTAMP_MS; the view casts them to its own TIMESTAMP.
        assert seen[column.name].removesuffix("_MS") == duckdb_type(column), column.name


@EVERY_TABLE
def test_glue_has_every_column_once_with_a_hive_type(declared: Table) -> None:
    hive_types = {"string", "bigint", "int", "boolean", "date", "timestamp", "decimal(38,18)"}
    rendered = glue_table(declared)
    columns = rendered["Columns"] + rendered["PartitionKeys"]
    assert [c["Name"] for c in columns] == [c.name for c in declared.all_columns()]
    assert {c["Type"] for c in columns} <= hive_types
    assert rendered["Columns"] == glue_columns(declared.columns)
    assert all(len(c["Comment"]) <= 255 for c in columns)
    for glue, column in zip(columns, declared.all_columns(), strict=True):
        assert glue["Type"].upper().replace("STRING", "VARCHAR").replace("INT", "INTEGER").replace(
            "BIGINTEGER", "BIGINT"
        ) == duckdb_type(column)


def test_times_are_whole_milliseconds_for_hive() -> None:
    for declared in TABLES.values():
        for field in arrow_schema(declared):
            if pa.types.is_timestamp(field.type):
                assert (field.type.unit, field.type.tz) == ("ms", None), f"{declared.name}.{field.name}"


def test_required_columns_stay_required_in_arrow() -> None:
    schema = arrow_schema(table("ledger_entries"))
    assert not schema.field("amount_minor").nullable
    assert schema.field("operation_ref").nullable


FOREIGN = [
    pytest.param(Type.BIGINT, pa.array([42], pa.int32()), 42, id="a 32-bit integer"),
    pytest.param(Type.BIGINT, pa.array([42], pa.uint16()), 42, id="an unsigned integer"),
    pytest.param(Type.INT, pa.array([7], pa.int64()), 7, id="a wider integer"),
    pytest.param(Type.STRING, pa.array(["x"], pa.large_string()), "x", id="a large string"),
    pytest.param(Type.STRING, pa.array(["x"]).dictionary_encode(), "x", id="a dictionary"),
    pytest.param(Type.DECIMAL_38_18, pa.array([Decimal("1.25")], pa.decimal128(10, 2)),
                 Decimal("1.25"), id="a decimal"),
    pytest.param(Type.TIMESTAMP, pa.array([datetime(2026, 3, 29, 1, 30)], pa.timestamp("us")),
                 datetime(2026, 3, 29, 1, 30), id="microseconds"),
    pytest.param(Type.TIMESTAMP, pa.array([datetime(2026, 3, 29, 1, 30, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
                 datetime(2026, 3, 29, 1, 30), id="a UTC zone"),
    pytest.param(Type.TIMESTAMP,
                 pa.array([datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))],
                          pa.timestamp("us", "Europe/Amsterdam")),
                 datetime(2026, 3, 29, 1, 30), id="an Amsterdam zone"),
]  # fmt: skip


@pytest.mark.parametrize("kind, values, expected", FOREIGN)
def test_files_with_other_widths_and_zones_read_the_same(
    kind: Type, values: pa.Array[Any], expected: object, tmp_path: Path
) -> None:
    declared = Table("elsewhere", "a table", "one row", "a test", (Column("value", kind, "a value"),), ("value",))
    path = written(declared, tmp_path, pa.table({"value": values}))
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(duckdb_view(declared, [path], root=str(tmp_path)))
        assert connection.execute("SELECT value FROM elsewhere").fetchall() == [(expected,)]


def test_columns_that_the_files_lack_read_as_null(tmp_path: Path) -> None:
    declared = table("payment_events")
    kept = [c.name for c in declared.columns if c.name not in ("trace_id", "duration_us")]
    path = written(declared, tmp_path, one_row(declared).select(kept))
    (row,) = read(declared, tmp_path, [path], present=set(kept))
    assert row["trace_id"] is None
    assert row["duration_us"] is None
    assert row["event_id"] == SAMPLE[Type.STRING]


def test_files_of_two_generations_read_as_one_table(tmp_path: Path) -> None:
    declared = table("payment_events")
    older = written(declared, tmp_path, one_row(declared).drop_columns(["trace_id"]))
    newer = older.replace("rows.parquet", "newer.parquet")
    pq.write_table(one_row(declared), tmp_path / newer)
    rows = read(declared, tmp_path, [older, newer])
    assert {row["source_path"]: row["trace_id"] for row in rows} == {older: None, newer: SAMPLE[Type.STRING]}


def test_only_the_listed_objects_are_read(tmp_path: Path) -> None:
    declared = table("batches")
    path = written(declared, tmp_path, one_row(declared))
    pq.write_table(one_row(declared), tmp_path / path.replace("rows", "unlisted"))
    assert len(read(declared, tmp_path, [path])) == 1


def test_a_lake_in_an_oddly_named_folder_is_read(tmp_path: Path) -> None:
    root = tmp_path / "it's a lake"
    declared = table("batches")
    assert len(read(declared, root, [written(declared, root, one_row(declared))])) == 1


def test_the_committed_dictionary_is_what_the_declarations_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary_page(TABLES.values()), "run `make dictionary`"


def test_the_dictionary_names_every_column() -> None:
    page = dictionary_page(TABLES.values())
    for declared in TABLES.values():
        section = page.split(f"## {declared.name}\n", 1)[1].split("\n## ", 1)[0]
        for column in declared.all_columns():
            assert f"| {column.name} | {column.type.value} |" in section
