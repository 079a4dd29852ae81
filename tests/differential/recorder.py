"""An engine that remembers every answer: what each query of a run gave, wherever it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pyarrow as pa

from recon.engine import queries
from recon.engine.port import Call, Engine, Scalar
from recon.engine.queries import Query
from recon.lake import LakeObject

_ROWS_OF = "rows_of_"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call of a query gave: columns as (name, type), rows sorted unless the query orders them."""

    query: str
    params: tuple[tuple[str, Scalar], ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, query: Query, params: dict[str, Scalar], table: pa.Table) -> Answer:
        """The answer `table`; the order of rows counts where the query says one."""
        rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        if query.tree.args.get("order") is None:
            rows.sort(key=repr)
        columns = tuple((item.name, str(item.type)) for item in table.schema)
        return cls(query.name, tuple(sorted(params.items())), columns, tuple(rows))


class Catalog:
    """The shipped queries, and for each scratch table a query that gives all its rows."""

    def __init__(self) -> None:
        self._rows_of: dict[str, Query] = {}

    def __call__(self, name: str) -> Query:
        """See recon.engine.queries.load."""
        return self._rows_of[name] if name in self._rows_of else queries.load(name)

    def rows_of(self, table: str, columns: Sequence[str]) -> str:
        """The name of a query for all rows of `table`."""
        name = _ROWS_OF + table
        text = (f"-- purpose: all rows\n-- grain: one row\n-- inputs: {table}\n-- parameters: none\n"
                f"SELECT {', '.join(columns)} FROM {table}")
        self._rows_of[name] = queries.parse(name, text)
        return name


@dataclass
class Recorder:
    """See Engine. `answers` are in the order of the calls."""

    engine: Engine
    catalog: Catalog
    answers: list[Answer] = field(default_factory=list)
    name: str = field(init=False)
    own_bytes: int = 0
    """What the recorder itself has read, which a run would not."""

    def __post_init__(self) -> None:
        self.name = self.engine.name

    @classmethod
    def over(cls, make: Callable[[Catalog], Engine]) -> Recorder:
        """A recorder of the engine that `make` makes with the recorder's catalog."""
        catalog = Catalog()
        return cls(make(catalog), catalog)

    def expose(self, table: str, objects: Sequence[LakeObject]) -> None:
        """See Engine."""
        self.engine.expose(table, objects)

    def register(self, name: str, rows: pa.Table) -> None:
        """See Engine."""
        self.engine.register(name, rows)

    def materialize(self, name: str, query: str, /, **params: Scalar) -> int:
        """See Engine."""
        count = self.engine.materialize(name, query, **params)
        found = self.catalog(query)
        assert found.tree.args.get("order") is None, f"{query}: a table keeps no order"
        before = self.engine.scanned_bytes
        rows = self.engine.fetch(self.catalog.rows_of(name, list(found.columns)))
        self.own_bytes += self.engine.scanned_bytes - before
        assert rows.num_rows == count
        self.answers.append(Answer.of(found, params, rows))
        return count

    def fetch(self, query: str, /, **params: Scalar) -> pa.Table:
        """See Engine."""
        rows = self.engine.fetch(query, **params)
        self.answers.append(Answer.of(self.catalog(query), params, rows))
        return rows

    def estimate(self, calls: Sequence[Call], *, scratch: bool = False) -> int:
        """See Engine."""
        return self.engine.estimate(calls, scratch=scratch)

    @property
    def scanned_bytes(self) -> int:
        """See Engine."""
        return self.engine.scanned_bytes - self.own_bytes

    def close(self) -> None:
        """See Engine."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
