"""One engine under test, with queries written in the test itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table as declared
from recon.engine import queries
from recon.engine.duckdb import DuckDbEngine
from recon.engine.port import Engine, Scalar
from recon.lake import LakeObject
from recon.settings import Settings

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


EngineMaker = Callable[[Path, Catalog], Engine]

ENGINES: dict[str, EngineMaker] = {
    "duckdb": lambda root, catalog: DuckDbEngine(str(root), settings=Settings(2, "1GB"), catalog=catalog),
}
"""Every engine that must hold the contract; a maker gets the lake's folder and the catalog."""


class Bench:
    """An engine over a lake in a temporary folder."""

    def __init__(self, engine: Engine, catalog: Catalog, root: Path) -> None:
        self.engine = engine
        self.catalog = catalog
        self.root = root

    def write(self, table: str, path: str, rows: pa.Table) -> LakeObject:
        """Writes one object of `table` at `path` relative to the lake."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, target)
        return LakeObject(table, path, rows.num_rows, None, LANDED)

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
