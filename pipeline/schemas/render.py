"""A declared table as pyarrow schema, DuckDB view, Glue columns or dictionary page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pyarrow as pa

from pipeline.schemas.columns import Column, Table, Type

_ARROW: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.BIGINT: pa.int64(),
    Type.INT: pa.int32(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("ms"),
    Type.DECIMAL_38_18: pa.decimal128(38, 18),
}

_DUCKDB: dict[Type, str] = {
    Type.STRING: "VARCHAR",
    Type.BIGINT: "BIGINT",
    Type.INT: "INTEGER",
    Type.BOOLEAN: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.DECIMAL_38_18: "DECIMAL(38,18)",
}

_HIVE_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"

_PROJECTION: dict[str, dict[str, str]] = {
    "dt": {"type": "date", "format": "yyyy-MM-dd", "range": "2020-01-01,NOW+2DAYS", "interval": "1",
           "interval.unit": "DAYS"},
    "hr": {"type": "integer", "range": "0,23", "digits": "2"},
    "gateway": {"type": "enum", "values": "adyen,stripe"},
}


def arrow_schema(table: Table) -> pa.Schema:
    """What a Parquet file of `table` holds: its columns without the partition columns."""
    return pa.schema([pa.field(c.name, _ARROW[c.type], nullable=c.nullable) for c in table.columns])


def duckdb_type(column: Column) -> str:
    """DuckDB's name for the column's type."""
    return _DUCKDB[column.type]


def duckdb_view(table: Table, paths: Sequence[str], *, root: str, present: Collection[str] | None = None) -> str:
    """DDL of a DuckDB view over exactly `paths`; see duckdb_select."""
    return f'CREATE OR REPLACE VIEW "{table.name}" AS {duckdb_select(table, paths, root=root, present=present)}'


def duckdb_select(table: Table, paths: Sequence[str], *, root: str, present: Collection[str] | None = None,
                  uniform: bool = False) -> str:
    """DuckDB query over exactly `paths` (each below `root`), with `source_path` relative to `root`.

    Every column is cast to its declared type, so a file written with other widths or with a zone reads the same.
    `present` names the columns that the files have; the others read as NULL (None: the files have them all).
    `uniform` says that all files have one schema, which spares reading every footer whenever a query is bound.
    With no paths the result is empty but has all its columns.
    """
    columns = table.all_columns()
    if not paths:
        nulls = ", ".join(f'CAST(NULL AS {duckdb_type(c)}) AS "{c.name}"' for c in columns)
        return f"SELECT {nulls}, CAST(NULL AS VARCHAR) AS source_path WHERE false"
    prefix = root.rstrip("/") + "/"
    files = ", ".join(_quoted(duckdb_path(prefix + path)) for path in paths)
    casts = ", ".join(_cast(c, present is None or c.name in present or c in table.partitions) for c in columns)
    hive = "true, hive_types_autocast = false" if table.partitions else "false"
    union = "false" if uniform else "true"
    return (
        f"SELECT {casts}, substr(filename, {len(prefix) + 1}) AS source_path "
        f"FROM read_parquet([{files}], filename = true, union_by_name = {union}, hive_partitioning = {hive})"
    )


def duckdb_path(path: str) -> str:
    """`path` as DuckDB's file lists want it: there *, ? and [ would stand for other files."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def glue_columns(columns: Iterable[Column]) -> list[dict[str, str]]:
    """Columns as Glue's `StorageDescriptor.Columns` (or `PartitionKeys`) wants them."""
    return [{"Name": c.name, "Type": c.type.value, "Comment": c.doc[:255]} for c in columns]


def glue_table(table: Table) -> dict[str, Any]:
    """Columns, partition keys and comment of the Glue table."""
    return {
        "Name": table.name,
        "Description": table.doc,
        "Columns": glue_columns(table.columns),
        "PartitionKeys": glue_columns(table.partitions),
    }


def glue_storage(columns: Sequence[dict[str, str]], location: str) -> dict[str, Any]:
    """`StorageDescriptor` of a Parquet table with these Glue columns at `location` (s3://bucket/folder)."""
    return {
        "Columns": list(columns),
        "Location": location,
        "InputFormat": f"{_HIVE_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_HIVE_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_HIVE_PARQUET}.serde.ParquetHiveSerDe", "Parameters": {}},
        # Readers of Glue expect these to be there, whatever they say.
        "Compressed": False,
        "NumberOfBuckets": -1,
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": {},
    }


def glue_projection(table: Table, location: str) -> dict[str, str]:
    """Table parameters by which Athena and Trino work out the partitions of `table` at `location` without a catalog.

    Empty for a table without partitions. Raises KeyError for a partition column that nobody has said the values of.
    """
    if not table.partitions:
        return {}
    parameters = {"projection.enabled": "true"}
    for column in table.partitions:
        for name, value in _PROJECTION[column.name].items():
            parameters[f"projection.{column.name}.{name}"] = value
    folders = "/".join(f"{column.name}=${{{column.name}}}" for column in table.partitions)
    return parameters | {"storage.location.template": f"{location.rstrip('/')}/{folders}"}


def dictionary_page(tables: Iterable[Table]) -> str:
    """The data dictionary as Markdown: one section per table, in the order given."""
    parts = ["# Data dictionary", "", "Made by `make dictionary`. Times are UTC, amounts are minor units.", ""]
    for table in tables:
        parts += [f"## {table.name}", "", table.doc, "",
                  f"- Grain: {table.grain}", f"- Key: {', '.join(table.key)}", f"- Writer: {table.writer}"]
        parts += [f"- Partitions: {', '.join(c.name for c in table.partitions) or 'none'}"]
        parts += [f"- Mind: {warning}" for warning in table.warnings]
        parts += ["", "| column | type | null | meaning |", "|---|---|---|---|"]
        parts += [_dictionary_row(column) for column in table.all_columns()]
        parts.append("")
    return "\n".join(parts)


def _cast(column: Column, present: bool) -> str:
    source = f'"{column.name}"' if present else "NULL"
    return f'CAST({source} AS {duckdb_type(column)}) AS "{column.name}"'


def _dictionary_row(column: Column) -> str:
    return f"| {column.name} | {column.type.value} | {'yes' if column.nullable else 'no'} | {column.doc} |"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
