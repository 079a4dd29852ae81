"""Footers of Parquet files, read side by side: what types they hold, how many rows, and how large each column is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pipeline.schemas.columns import Table
from recon.engine.files import EMPTY, FileRefused
from recon.store.arrow import filesystem, plainly

_AT_ONCE = 16
_NAMES = {
    pa.int8(): "TINYINT", pa.int16(): "SMALLINT", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT", pa.uint32(): "UINTEGER", pa.uint64(): "UBIGINT", pa.bool_(): "BOOLEAN",
    pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR", pa.large_string(): "VARCHAR",
    pa.string_view(): "VARCHAR", pa.date32(): "DATE", pa.null(): EMPTY,
}


@dataclass(frozen=True, slots=True)
class Footer:
    """One file: `types` by column in DuckDB's names, `column_bytes` compressed."""

    path: str
    rows: int
    size_bytes: int
    types: dict[str, str]
    column_bytes: dict[str, int]


def footers(table: Table, root: str, paths: Sequence[str]) -> list[Footer]:
    """The footers of `paths` (relative to `root`) in their order. Raises FileRefused naming table and file."""
    files, base = filesystem(root)

    def one(path: str) -> Footer:
        try:
            with plainly(f"{table.name}: {path} in {root} cannot be read"):
                return _footer(files, base, path)
        except (pa.ArrowException, OSError) as error:
            raise FileRefused(f"{table.name}: {path} in {root} cannot be read as Parquet: "
                              f"{str(error).splitlines()[0]}") from None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, paths))


def _footer(files: fs.FileSystem, base: str, path: str) -> Footer:
    with files.open_input_file(f"{base}/{path}") as source:
        size_bytes = source.size()
        metadata = pq.ParquetFile(source).metadata
    sizes: dict[str, int] = defaultdict(int)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            sizes[chunk.path_in_schema] += chunk.total_compressed_size
    types = {field.name: type_name(field.type) for field in metadata.schema.to_arrow_schema()}
    return Footer(path, metadata.num_rows, size_bytes, types, dict(sizes))


def type_name(kind: pa.DataType) -> str:
    """DuckDB's name for what Arrow reads, so that every engine refuses in the same words."""
    if isinstance(kind, pa.DictionaryType):
        return type_name(kind.value_type)
    if isinstance(kind, pa.TimestampType):
        unit = {"s": "_S", "ms": "_MS", "us": "", "ns": "_NS"}[kind.unit]
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else f"TIMESTAMP{unit}"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    return _NAMES.get(kind, str(kind).upper())


