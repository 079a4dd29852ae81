"""The local engine: DuckDB in memory, spilling to a folder of its own that goes when it closes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from typing import Self

import duckdb
import pyarrow as pa

from pipeline.schemas.render import duckdb_select
from pipeline.schemas.tables import table as declared
from recon.engine import dialect, queries
from recon.engine.files import alike
from recon.engine.port import Call, Scalar
from recon.engine.queries import BadQuery, Query
from recon.lake import LakeObject
from recon.settings import Settings, from_environment
from recon.store.arrow import BucketFiles, filesystem


class DuckDbEngine:
    """An Engine over a lake in a folder or a bucket.

    `root` is the lake's (Lake.root); `catalog` finds a query by name. Use as a context manager, or close().
    """

    name = "duckdb"

    def __init__(self, root: str, *, settings: Settings | None = None,
                 catalog: Callable[[str], Query] = queries.load) -> None:
        chosen = settings or from_environment()
        self._root = root.rstrip("/")
        self._catalog = catalog
        self._known: set[str] = set()
        self._scratch = tempfile.TemporaryDirectory(prefix="recon-duckdb-", dir=chosen.scratch)
        # Nothing is ever fetched: what the wheel carries must do.
        self._connection = duckdb.connect(":memory:", config={
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
            "temp_directory": self._scratch.name, "threads": chosen.threads, "memory_limit": chosen.memory})
        for setting in ("TimeZone = 'UTC'", "default_null_order = 'nulls_last'", "parquet_metadata_cache = true"):
            self._connection.execute(f"SET {setting}")
        # In a notebook without ipywidgets even switching the bar off is an error; there it is off already.
        ((shows_bar,),) = self._connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
        if shows_bar:
            self._connection.execute("SET enable_progress_bar = false")
        if self._root.startswith("s3://"):
            # Arrow's client instead of an extension, which would have to be fetched.
            self._connection.register_filesystem(BucketFiles(filesystem(self._root)[0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expose(self, table: str, objects: Sequence[LakeObject]) -> None:
        """See Engine."""
        shape = declared(table)
        paths = [item.path for item in objects]
        groups = alike(self._connection, shape, self._root, paths) if paths else []
        selects = [duckdb_select(shape, group.paths, root=self._root, present=group.present, uniform=True)
                   for group in groups] or [duckdb_select(shape, (), root=self._root)]
        self._replace(table, f'CREATE VIEW "{table}" AS ' + " UNION ALL ".join(selects))

    def register(self, name: str, rows: pa.Table) -> None:
        """See Engine."""
        # Copied, so that the caller's table may go, and with microseconds like every other time here.
        self._connection.register("incoming_rows", rows)
        times = ", ".join(f'CAST("{field.name}" AS TIMESTAMP) AS "{field.name}"' for field in rows.schema
                          if pa.types.is_timestamp(field.type))
        replaced = f" REPLACE ({times})" if times else ""
        self._replace(name, f'CREATE TEMP TABLE "{name}" AS SELECT *{replaced} FROM incoming_rows')
        self._connection.unregister("incoming_rows")

    def materialize(self, name: str, query: str, /, **params: Scalar) -> int:
        """See Engine."""
        # Made beside the old one: a query may read the table that it replaces.
        self._replace("being_made", f"CREATE TEMP TABLE being_made AS {self._sql(query, params)}")
        self._replace(name, f'ALTER TABLE being_made RENAME TO "{name}"')
        self._known.discard("being_made")
        ((count,),) = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()
        return int(count)

    def fetch(self, query: str, /, **params: Scalar) -> pa.Table:
        """See Engine."""
        rows = self._connection.sql(self._sql(query, params)).to_arrow_table()
        schema = pa.schema([pa.field(f.name, pa.timestamp("ms")) if pa.types.is_timestamp(f.type) else f
                            for f in rows.schema])
        milliseconds: pa.Table = rows.cast(schema, safe=False)
        return milliseconds

    def estimate(self, calls: Sequence[Call], *, scratch: bool = False) -> int:
        """See Engine."""
        return 0

    @property
    def scanned_bytes(self) -> int:
        """See Engine."""
        return 0

    def close(self) -> None:
        """See Engine."""
        self._connection.close()
        self._scratch.cleanup()

    def _sql(self, query: str, params: dict[str, Scalar]) -> str:
        found = self._catalog(query)
        missing = sorted(set(found.inputs) - self._known)
        if missing:
            raise BadQuery(f"query {query} reads {', '.join(missing)}, which nobody has exposed, registered or made")
        return dialect.duckdb_sql(found, params)

    def _replace(self, name: str, ddl: str) -> None:
        """Runs `ddl`, which makes `name`, over whatever was called so before."""
        for kind in ("VIEW", "TABLE"):
            held = self._connection.execute(
                f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE {kind.lower()}_name = ?", [name]).fetchall()
            if held:
                self._connection.execute(f'DROP {kind} "{name}"')
        self._connection.execute(ddl)
        self._known.add(name)
