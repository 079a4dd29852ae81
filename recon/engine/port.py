"""What the matcher asks of an engine. Any engine that passes tests/engine may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, Self

import pyarrow as pa

from recon.lake import LakeObject

ENGINES = ("duckdb", "athena", "trino")
"""What `--engine` takes."""

Scalar = str | int | date | datetime | Decimal | bool | None
"""A query parameter. Datetimes are aware UTC with at most milliseconds; they become naive UTC literals."""

Call = tuple[str, Mapping[str, Scalar]]
"""A query's name and its parameters."""


class Engine(Protocol):
    """Views over lake objects and small tables, and the queries of recon/sql run on them."""

    name: str

    def expose(self, table: str, objects: Sequence[LakeObject]) -> None:
        """Makes `table` a view over exactly these objects: every declared column, and `source_path`.

        Nullable columns that a file lacks read as NULL. Raises Refused naming table, column and file where a file
        lacks a required column or holds a type that cannot be the declared one.
        """
        ...

    def register(self, name: str, rows: pa.Table) -> None:
        """Makes a small table known to the queries under `name`; a later call replaces it."""
        ...

    def materialize(self, name: str, query: str, /, **params: Scalar) -> int:
        """Runs recon/sql/{query}.sql into the scratch table `name` (replaced if there) and returns its row count."""
        ...

    def fetch(self, query: str, /, **params: Scalar) -> pa.Table:
        """Runs recon/sql/{query}.sql: sums as decimal128(38, 0), times as naive UTC timestamp(ms)."""
        ...

    def estimate(self, calls: Sequence[Call], *, scratch: bool = False) -> int:
        """Bytes that these calls will read of the exposed objects together; 0 where reading costs nothing.

        With `scratch` also what a run over these objects reads of the scratch tables that it makes on the way.
        """
        ...

    @property
    def scanned_bytes(self) -> int:
        """Bytes that the engine says it has read so far, scratch tables included; 0 where reading costs nothing."""
        ...

    def close(self) -> None:
        """Lets go of memory and scratch files. Closing twice is no error."""
        ...

    def __enter__(self) -> Self:
        """The engine itself; it closes at the end of the block."""
        ...

    def __exit__(self, *_: object) -> None:
        """Closes."""
        ...
