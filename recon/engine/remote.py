"""An engine that runs elsewhere, whatever it is: what the matcher asks, in terms of a few things a backend can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from pipeline.schemas.columns import Table
from pipeline.schemas.tables import table as declared
from recon.engine import cost, dialect, files, relations
from recon.engine import queries as shipped
from recon.engine.footers import Footer, footers
from recon.engine.port import Call, Scalar
from recon.engine.queries import BadQuery, Query
from recon.engine.statement import Statement, statement
from recon.lake import LakeObject


class Backend(Protocol):
    """A server that speaks Trino's SQL. Names that it returns are ready to stand in a statement."""

    name: str
    scanned_bytes: int
    """What it says it has read so far."""

    def lake_table(self, table: Table, root: str) -> str:
        """The catalog's table of that name. Raises Refused where it is absent, lies elsewhere or lacks columns."""
        ...

    def put(self, name: str, rows: pa.Table) -> str:
        """A new scratch table with these rows."""
        ...

    def make(self, name: str, statement: Statement) -> tuple[str, int]:
        """A new scratch table with the rows of a statement, and their number."""
        ...

    def select(self, statement: Statement) -> pa.Table:
        """The rows of a statement; times as timestamp(ms)."""
        ...

    def drop(self, name: str) -> None:
        """Lets a scratch table and its data go; `name` as put() or make() were given it."""
        ...

    def close(self) -> None:
        """Drops what is left and disconnects. Closing twice is no error."""
        ...


class RemoteEngine:
    """An Engine over a lake on S3 (`root` is Lake.root) and a backend that knows it. Close it, or use `with`."""

    def __init__(self, root: str, backend: Backend, *,
                 catalog: Callable[[str], Query] = shipped.load) -> None:
        self.name = backend.name
        self._root = root
        self._backend = backend
        self._catalog = catalog
        self._relations: dict[str, exp.Query] = {}
        self._footers: dict[str, list[Footer]] = {}
        self._scratch: dict[str, str] = {}
        self._made = 0

    def __enter__(self) -> RemoteEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def scanned_bytes(self) -> int:
        """See Engine."""
        return self._backend.scanned_bytes

    def expose(self, table: str, objects: Sequence[LakeObject]) -> None:
        """See Engine."""
        shape = declared(table)
        found = footers(shape, self._root, [item.path for item in objects])
        for footer in found:
            files.check(shape, footer.types, footer.path, engine=self.name)
        source = self._backend.lake_table(shape, self._root)
        if not objects:
            relation = relations.empty_relation(shape)
        elif relations.too_long_to_inline(self._root, objects):
            listing = self._backend.put(self._scratch_name(f"{table}_objects"), pa.table(
                {"path": pa.array([f"{self._root}/{item.path}" for item in objects], pa.string())}))
            relation = relations.lake_relation(shape, source, self._root, objects, listing)
        else:
            relation = relations.lake_relation(shape, source, self._root, objects)
        self._forget(table)
        self._footers[table] = found
        self._relations[table] = relation

    def register(self, name: str, rows: pa.Table) -> None:
        """See Engine."""
        scratch = self._scratch_name(name)
        source = self._backend.put(scratch, _milliseconds(rows))
        self._keep(name, scratch, source, rows.column_names)

    def materialize(self, name: str, query: str, /, **params: Scalar) -> int:
        """See Engine."""
        tree = self._statement(query, params)
        scratch = self._scratch_name(name)
        source, count = self._backend.make(scratch, statement(tree))
        self._keep(name, scratch, source, tree.named_selects)
        return count

    def fetch(self, query: str, /, **params: Scalar) -> pa.Table:
        """See Engine."""
        tree = self._statement(query, params)
        rows = _milliseconds(self._backend.select(statement(tree)))
        order = relations.order_of(tree)
        return rows.sort_by([(name, "descending" if desc else "ascending") for name, desc in order]) if order else rows

    def close(self) -> None:
        """See Engine."""
        self._backend.close()

    def estimate(self, calls: Sequence[Call], *, scratch: bool = False) -> int:
        """See Engine."""
        lake = sum(cost.scan_bytes(dialect.bind(self._catalog(name), params), self._footers) for name, params in calls)
        return lake + (cost.scratch_bytes(self._footers) if scratch else 0)

    def _statement(self, query: str, params: dict[str, Scalar]) -> exp.Query:
        found = self._catalog(query)
        missing = sorted(set(found.inputs) - set(self._relations))
        if missing:
            raise BadQuery(f"query {query} reads {', '.join(missing)}, which nobody has exposed, registered or made")
        bound = dialect.bind(found, params)
        return relations.with_relations(bound, {name: self._relations[name] for name in found.inputs})

    def _scratch_name(self, name: str) -> str:
        self._made += 1
        return f"{name}_{self._made}"

    def _keep(self, name: str, scratch: str, source: str, columns: Sequence[str]) -> None:
        self._forget(name)
        self._scratch[name] = scratch
        self._relations[name] = relations.table_relation(source, columns)

    def _forget(self, name: str) -> None:
        self._footers.pop(name, None)
        self._relations.pop(name, None)
        old = self._scratch.pop(name, None)
        if old is not None:
            self._backend.drop(old)


def _milliseconds(rows: pa.Table) -> pa.Table:
    schema = pa.schema([pa.field(f.name, pa.timestamp("ms")) if pa.types.is_timestamp(f.type) else f
                        for f in rows.schema])
    cast: pa.Table = rows.cast(schema, safe=False)
    return cast
