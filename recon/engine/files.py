"""Which schemas the Parquet files of a table have, and whether they can be read as the declared one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipeline.schemas.columns import Column, Table, Type
from pipeline.schemas.render import duckdb_path
from recon.errors import Refused

_WHOLE = r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL\(\d+,\s*0\)"
_READABLE: dict[Type, re.Pattern[str]] = {
    Type.STRING: re.compile("VARCHAR"),
    Type.BIGINT: re.compile(_WHOLE),
    Type.INT: re.compile(_WHOLE),
    Type.BOOLEAN: re.compile("BOOLEAN"),
    Type.DATE: re.compile("DATE"),
    Type.TIMESTAMP: re.compile(r"TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP(_NS)? WITH TIME ZONE|TIMESTAMPTZ(_NS)?"),
    Type.DECIMAL_38_18: re.compile(_WHOLE + r"|DECIMAL\(\d+,\s*([0-9]|1[0-8])\)"),
}
"""What a file may hold for a declared type without a value being rounded or guessed: a float is never money."""

_WHOLE_TYPES = (Type.BIGINT, Type.INT)

EMPTY = "NULL"
"""The type of a column that holds nothing but NULLs."""


class FileRefused(Refused):
    """A Parquet file cannot be read as its table."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Files of one schema; `present` are those of its columns that hold values."""

    paths: tuple[str, ...]
    present: frozenset[str]


def alike(connection: duckdb.DuckDBPyConnection, table: Table, root: str, paths: Sequence[str]) -> list[Alike]:
    """`paths` (relative to `root`) grouped by schema, in the order of each group's first path.

    Raises FileRefused naming table, column and file where a required column is missing, a type cannot be read as
    the declared one, or a file is no Parquet.
    """
    groups: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for path, schema in _schemas(connection, table, root, paths):
        groups[schema].append(path)
    result = []
    for schema, members in groups.items():
        types = dict(schema)
        check(table, types, members[0])
        present = frozenset(name for name, kind in types.items() if kind != EMPTY)
        result.append(Alike(tuple(members), present))
    return result


def check(table: Table, types: Mapping[str, str], path: str, *, engine: str | None = None) -> None:
    """Raises FileRefused where a file with columns of these types (in DuckDB's names) cannot be read as `table`.

    `engine` names one that itself reads a column only as what it is: it cannot turn a decimal into a whole number,
    nor read a column that was written without a type.
    """
    for column in table.columns:
        kind = types.get(column.name)
        _check(table, column, kind, path)
        if engine and kind and (kind == EMPTY or (kind.startswith("DECIMAL") and column.type in _WHOLE_TYPES)):
            shown = "without a type" if kind == EMPTY else kind
            raise FileRefused(f"{table.name}: column {column.name} is {shown} in {path}, which engine {engine} cannot "
                              f"read as {column.type.value}; write the file anew with the declared type, or use "
                              "engine duckdb")


def _schemas(connection: duckdb.DuckDBPyConnection, table: Table, root: str,
             paths: Sequence[str]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """(path, ((column, type), ...)) per file, in the order of `paths`; columns not declared are left out."""
    query = """
        SELECT file_name, list(name ORDER BY name),
               list(CASE WHEN logical_type IN ('NullType()', 'UNKNOWN') THEN 'NULL' ELSE duckdb_type END ORDER BY name)
        FROM parquet_schema($files) WHERE list_contains($columns, name) AND num_children IS NULL
        GROUP BY file_name"""
    full = {f"{root}/{path}": path for path in paths}
    parameters = {"files": [duckdb_path(file) for file in full], "columns": [c.name for c in table.columns]}
    try:
        rows = connection.execute(query, parameters).fetchall()
    except duckdb.Error as error:
        named = next((path for whole, path in full.items() if whole in str(error)), None)
        raise FileRefused(f"{table.name}: {named or 'a file'} in {root} cannot be read as Parquet: "
                          f"{str(error).splitlines()[0]}") from None
    found = {full[file]: tuple(zip(names, types, strict=True)) for file, names, types in rows}
    return [(path, found.get(path, ())) for path in paths]


def _check(table: Table, column: Column, kind: str | None, path: str) -> None:
    if kind is None or kind == EMPTY:
        if not column.nullable:
            raise FileRefused(f"{table.name}: required column {column.name} ({column.type.value}) is missing in {path}")
        return
    if not _READABLE[column.type].fullmatch(kind):
        raise FileRefused(f"{table.name}: column {column.name} is {kind} in {path}; "
                          f"{column.type.value} was expected ({column.doc})")
