"""One engine under test, with queries written in the test itself."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.guard import applied, client
from infra.local.lake import declare, make_bucket
from infra.local.stack import Stack
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table as declared
from recon.engine import queries
from recon.engine.open import open_engine
from recon.engine.port import Engine, Scalar
from recon.lake import LakeObject
from recon.store import s3

LANDED = datetime(2026, 1, 2, tzinfo=UTC)
HEADER = "-- purpose: test\n-- grain: test\n-- inputs: {inputs}\n-- parameters: {parameters}\n"


class Catalog:
    """Queries by name, as recon/sql would hold them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, name: str) -> queries.Query:
        """The query that was added under `name`."""
        return queries.parse(name, self.texts[name])

    def add(self, sql: str, *, inputs: str = "none", parameters: str = "none", name: str = "probe") -> str:
        """Adds a statement with its header and returns its name."""
        self.texts[name] = HEADER.format(inputs=inputs, parameters=parameters) + sql
        return name


KINDS: dict[str, tuple[str, str | None]] = {
    "duckdb": ("duckdb", None),
    "duckdb_s3": ("duckdb", "stack"),
    "athena": ("athena", "stack"),
    "trino": ("trino", "trino_stack"),
    "athena_on_trino": ("athena", "trino_stack"),
}
"""Every engine that must hold the contract, as (name, fixture of the stack it needs): a lake in a folder needs none."""

PARAMS = [pytest.param(kind, marks=[pytest.mark.trino] if stack == "trino_stack" else [])
          for kind, (_, stack) in KINDS.items() if kind != "athena_on_trino"]
"""Athena on a Trino server differs from Athena on DuckDB by the server alone, which has a contract of its own."""
BUCKET = "contract-lakes"
_NUMBERS = count()


@contextmanager
def opened(kind: str, folder: Path, stack: Stack | None) -> Iterator[Bench]:
    """A bench with the engine of this kind over an empty lake: `folder`, or a place of its own on the stack's S3."""
    engine, _ = KINDS[kind]
    catalog = Catalog()
    if stack is None:
        with open_engine(engine, str(folder), catalog=catalog) as running:
            yield Bench(running, catalog, str(folder))
        return
    name = f"lake_{os.getpid()}_{next(_NUMBERS)}"
    settings = stack.environment()
    declare(BUCKET, name, name, aws=settings)
    make_bucket(client("s3", settings), BUCKET)
    with applied(settings | {"RECON_ATHENA_DATABASE": name, "RECON_TRINO_LAKE": f"lake.{name}"}):
        root = f"s3://{BUCKET}/{name}"
        with open_engine(engine, root, catalog=catalog) as running:
            yield Bench(running, catalog, root)


class Bench:
    """An engine over a lake of its own."""

    def __init__(self, engine: Engine, catalog: Catalog, root: str) -> None:
        self.engine = engine
        self.catalog = catalog
        self.root = root

    def write(self, table: str, path: str, rows: pa.Table) -> LakeObject:
        """Writes one object of `table` at `path` relative to the lake."""
        body = io.BytesIO()
        pq.write_table(rows, body)
        self.put(path, body.getvalue())
        return LakeObject(table, path, rows.num_rows, None, LANDED)

    def put(self, path: str, body: bytes) -> None:
        """Writes the bytes of one object."""
        if self.root.startswith("s3://"):
            bucket, prefix = s3.split(self.root)
            client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=body)
            return
        target = Path(self.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)

    def rows(self, sql: str, *, inputs: str = "none", parameters: str = "none",
             **params: Scalar) -> list[tuple[Any, ...]]:
        """Runs a statement and returns its rows as tuples."""
        fetched = self.engine.fetch(self.catalog.add(sql, inputs=inputs, parameters=parameters), **params)
        return list(zip(*(column.to_pylist() for column in fetched.columns), strict=True))


def sample(table: str, rows: int = 2, **values: list[Any]) -> pa.Table:
    """Rows of `table` in its declared Arrow types; required columns get plain values, the others NULL."""
    columns = {}
    for field in arrow_schema(declared(table)):
        given = values.get(field.name)
        columns[field.name] = pa.array(given if given is not None else _filler(field, rows), field.type)
    return pa.table(columns)


def _filler(field: pa.Field[Any], rows: int) -> list[Any]:
    if field.nullable:
        return [None] * rows
    if pa.types.is_string(field.type):
        return [f"{field.name}{row}" for row in range(rows)]
    if pa.types.is_timestamp(field.type):
        return [datetime(2026, 1, 1, row) for row in range(rows)]
    return list(range(1, rows + 1))
