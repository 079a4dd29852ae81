"""Parquet objects as one Arrow table in the types that Glue declares, and the bytes that reading them takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.local.athena.backends.objects import Object
from infra.local.athena.backends.plan import PATH, Reference
from infra.local.athena.backends.port import Job
from infra.local.athena.catalog import GlueTable
from infra.local.athena.errors import QueryFailed, access_denied
from infra.local.athena.storage import Store

_TYPES: dict[str, pa.DataType] = {"string": pa.string(), "bigint": pa.int64(), "int": pa.int32(), "integer": pa.int32(),
          "smallint": pa.int16(), "tinyint": pa.int8(), "boolean": pa.bool_(), "double": pa.float64(),
          "float": pa.float32(), "date": pa.date32(), "timestamp": pa.timestamp("us"), "binary": pa.binary()}
_DECIMAL = re.compile(r"decimal\((\d+)(?:,\s*(\d+))?\)")
_FAMILIES = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp, pa.types.is_date,
             pa.types.is_boolean)
_AT_ONCE = 8


def declared(table: GlueTable, name: str) -> pa.DataType:
    """The Arrow type of a column. Raises QueryFailed for a type that this server does not read."""
    kind = table.all_columns[name]
    match = _DECIMAL.fullmatch(kind)
    if match:
        return pa.decimal128(int(match[1]), int(match[2] or 0))
    if kind.startswith(("varchar", "char")):
        return pa.string()
    if kind not in _TYPES:
        raise QueryFailed("NOT_SUPPORTED", f"Column {name} of {table.database}.{table.name} is {kind}; this local "
                          f"server reads {', '.join(sorted(_TYPES))}, decimal and varchar")
    return _TYPES[kind]


def read(reference: Reference, items: Sequence[Object], store: Store, job: Job, before: int) -> tuple[pa.Table, int]:
    """The rows of `items` and the bytes scanned, `before` counted in.

    Scanned are the compressed column chunks of the columns that the statement names, over all row groups.
    """
    table = reference.table
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = list(pool.map(lambda item: _opened(item, store), items))
        scanned = before + sum(_chunks(file, reference.columns) for file in files)
        # Before the rows are read: a statement over its limit costs nothing here.
        job.account(scanned)
        parts = list(pool.map(lambda file, item: _rows(file, item, reference), files, items))
    schema = pa.schema([(name, declared(table, name)) for name in reference.columns]
                       + ([(PATH, pa.string())] if reference.path else []) + [("$row", pa.bool_())])
    job.check()
    whole = pa.concat_tables([pa.Table.from_batches([], schema), *parts])
    # A table needs some column to have rows.
    return (whole if whole.num_columns == 1 else whole.drop_columns(["$row"])), scanned


def partitions(reference: Reference, items: Sequence[Object]) -> pa.Table:
    """One row per object: its partition keys in their declared types, and "$path"."""
    table = reference.table
    columns = {key: pc.cast(pa.array([item.keys[key] for item in items], pa.string()), declared(table, key))
               for key in table.keys}
    return pa.table({**columns, PATH: pa.array([item.url for item in items], pa.string())})


def _opened(item: Object, store: Store) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(store.open(item.url))
    except (pa.ArrowInvalid, OSError) as error:
        message = str(error).splitlines()[0]
        if "ACCESS_DENIED" in message or "AccessDenied" in message:
            raise access_denied("Access Denied") from None
        raise QueryFailed("HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {item.url}: {message}") from None


def _chunks(file: pq.ParquetFile, columns: Sequence[str]) -> int:
    wanted = set(columns)
    metadata = file.metadata
    total = 0
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            if chunk.path_in_schema.partition(".")[0].lower() in wanted:
                total += chunk.total_compressed_size
    return total


def _rows(file: pq.ParquetFile, item: Object, reference: Reference) -> pa.Table:
    present = {name.lower(): name for name in file.schema_arrow.names}
    inside = [name for name in reference.columns if name in reference.table.columns]
    held = file.read(columns=[present[name] for name in inside if name in present])
    count = file.metadata.num_rows
    columns: dict[str, Any] = {}
    for name in reference.columns:
        kind = declared(reference.table, name)
        if name in reference.table.keys:
            columns[name] = pc.cast(pa.repeat(pa.scalar(item.keys[name]), count), kind)
        elif name in present:
            columns[name] = _typed(held.column(present[name]), kind, name, item)
        else:
            columns[name] = pa.array([None] * count, kind)
    if reference.path:
        columns[PATH] = pa.repeat(pa.scalar(item.url), count)
    columns["$row"] = pa.repeat(pa.scalar(True), count)
    return pa.table(columns)


def _typed(values: Any, kind: pa.DataType, name: str, item: Object) -> Any:
    if values.type == kind:
        return values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    text = (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)) and pa.types.is_string(kind)
    alike = text or pa.types.is_null(values.type) or any(of(values.type) and of(kind) for of in _FAMILIES)
    try:
        if alike:
            return values.cast(kind, safe=not pa.types.is_timestamp(kind))
    except pa.ArrowInvalid:
        pass
    raise QueryFailed("HIVE_BAD_DATA", f"Field {name}'s type {values.type} in parquet file {item.url} is incompatible "
                      f"with type {kind} defined in table schema")
