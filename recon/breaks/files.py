"""Small Parquet objects of the register: the same rows give the same bytes, and only declared columns come in."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.columns import Table
from pipeline.schemas.render import arrow_schema
from recon.store.port import Store

_AT_ONCE = 32
"""Reads under way at a time: on S3 each is a round trip."""


class Unreadable(ValueError):
    """Bytes are no object of their table: the message says why."""


def encode(table: Table, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """`rows` as one Parquet object of `table`, its pages with checksums."""
    out = io.BytesIO()
    data = pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(table))
    pq.write_table(data, out, compression="snappy", store_schema=False, write_page_checksum=True,
                   row_group_size=1 << 20)
    return out.getvalue()


def decode(table: Table, body: bytes) -> list[dict[str, Any]]:
    """The rows of an object, with every declared column. Raises Unreadable."""
    schema = arrow_schema(table)
    try:
        read = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True).read(use_threads=False)
        strange = sorted(set(read.column_names) - set(schema.names)) or [
            name for name in read.column_names if read.schema.field(name).type != schema.field(name).type]
        if strange or len(set(read.column_names)) != len(read.column_names):
            raise Unreadable(f"it has columns that {table.name} has not: {', '.join(strange) or 'one twice'}")
        rows: list[dict[str, Any]] = read.to_pylist()
    except (pa.ArrowException, OSError, MemoryError, OverflowError, UnicodeError) as error:
        raise Unreadable(f"it cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    empty = dict.fromkeys(schema.names)
    required = [field.name for field in schema if not field.nullable]
    for number, row in enumerate(rows, 1):
        lacking = [name for name in required if row.get(name) is None]
        if lacking:
            raise Unreadable(f"row {number} lacks {', '.join(lacking)}")
    return [empty | row for row in rows]


def read_all(store: Store, paths: Sequence[str]) -> list[bytes]:
    """The bytes of each object, in order. Raises Absent."""
    if len(paths) < 2:
        return [store.read(path) for path in paths]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(store.read, paths))
