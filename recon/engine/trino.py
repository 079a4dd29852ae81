"""A Trino cluster: statements over its Python client, scratch tables in a Hive catalog of their own."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import trino
from trino.exceptions import Error, HttpError, TrinoConnectionError, TrinoQueryError

from pipeline.schemas.columns import Table
from recon.engine.catalog import check_columns, check_location
from recon.engine.statement import Statement
from recon.engine.types import arrow_type, trino_type
from recon.errors import Refused
from recon.settings import TrinoSettings
from recon.store.arrow import filesystem, plainly, remove, require_bucket

_COLUMN = re.compile(r'^   "?(\w+)"? [a-z]', re.MULTILINE)
_LOCATION = re.compile(r"external_location = '([^']*)'")


_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+)|(timed out|certificate verify failed)")
_CONNECT_S, _ANSWER_S = 5, 60


class TrinoRefused(Refused):
    """The cluster cannot be used as things stand."""


class TrinoBackend:
    """See Backend."""

    name = "trino"

    def __init__(self, settings: TrinoSettings, progress: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._progress = progress
        self.scanned_bytes = 0
        self._token = f"r{uuid.uuid4().hex[:12]}"
        self._location = f"{settings.scratch_location.rstrip('/')}/{self._token}"
        self._tables: dict[str, str] = {}
        self._files, self._base = filesystem(self._location)
        self._connection: Any = trino.dbapi.connect(  # type: ignore[no-untyped-call]
            host=settings.host, port=settings.port, http_scheme=settings.scheme, user=settings.user,
            auth=trino.auth.BasicAuthentication(settings.user, settings.password) if settings.password else None,
            source="recon", timezone="UTC", request_timeout=(_CONNECT_S, _ANSWER_S))
        self._ready = False
        require_bucket(self._files, self._base, f"RECON_TRINO_SCRATCH_LOCATION is {settings.scratch_location}")

    def lake_table(self, table: Table, root: str) -> str:
        """See Backend."""
        name = f"{self._settings.lake}.{table.name}"
        try:
            ddl = self._run(f"SHOW CREATE TABLE {name}").column(0)[0].as_py()
        except TrinoQueryError as error:
            if error.error_name in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND"):
                raise TrinoRefused(f"Trino at {self._settings.address} has no table {name} ({error.message}); "
                                   "see RECON_TRINO_LAKE, and declare the lake's tables first "
                                   "(on the local stack: pipeline lake)") from None
            raise
        check_columns(table, name, _COLUMN.findall(ddl))
        found = _LOCATION.search(ddl)
        check_location(name, found[1] if found else None, f"{root}/{table.name}")
        return name

    def put(self, name: str, rows: pa.Table) -> str:
        """See Backend."""
        whole, folder = self._names(name)
        with plainly(f"scratch folder {self._location}"), \
                self._files.open_output_stream(f"{self._base}/{name}/rows.parquet") as target:
            pq.write_table(rows, target, compression="snappy")
        columns = ", ".join(f'"{field.name}" {trino_type(field.type)}' for field in rows.schema)
        self._run(f"CREATE TABLE {whole} ({columns}) WITH (format = 'PARQUET', external_location = '{folder}')")
        self._tables[name] = whole
        return whole

    def make(self, name: str, statement: Statement) -> tuple[str, int]:
        """See Backend."""
        whole, folder = self._names(name)
        self._tables[name] = whole
        rows = self._run(f"CREATE TABLE {whole} WITH (format = 'PARQUET', external_location = '{folder}') AS "
                         f"{statement.text}")
        return whole, int(rows.column(0)[0].as_py())

    def select(self, statement: Statement) -> pa.Table:
        """See Backend."""
        return self._run(statement.text)

    def drop(self, name: str) -> None:
        """See Backend."""
        self._run(f"DROP TABLE IF EXISTS {self._tables.pop(name)}")
        remove(self._files, f"{self._base}/{name}")

    def close(self) -> None:
        """See Backend."""
        for name in list(self._tables):
            self.drop(name)
        if self._ready:
            remove(self._files, self._base)
        self._ready = False
        self._connection.close()

    def _names(self, name: str) -> tuple[str, str]:
        """(table, folder) of a scratch table; its schema is made with the first."""
        if not self._ready:
            try:
                self._run(f"CREATE SCHEMA IF NOT EXISTS {self._settings.scratch}")
            except TrinoQueryError as error:
                raise TrinoRefused(f"Trino at {self._settings.address} cannot make tables in {self._settings.scratch} "
                                   f"({error.message}); RECON_TRINO_SCRATCH names a Hive catalog and schema") from None
            self._ready = True
        return f"{self._settings.scratch}.{self._token}_{name}", f"{self._location}/{name}"

    @contextmanager
    def _telling(self, cursor: Any) -> Iterator[None]:
        """Tells once a second how a statement is getting on; the client itself says nothing before it is done."""
        if self._progress is None:
            yield
            return
        done = threading.Event()
        told = threading.Thread(target=_tell, args=(cursor, self._progress, done), daemon=True)
        told.start()
        try:
            yield
        finally:
            done.set()
            told.join()

    def _run(self, statement: str) -> pa.Table:
        cursor = self._connection.cursor()
        try:
            with self._telling(cursor):
                cursor.execute(statement)
                rows = cursor.fetchall()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                cursor.cancel()
            raise _plain(error, self._settings.address) from error
        self.scanned_bytes += int((cursor.stats or {}).get("physicalInputBytes", 0))
        return _table(rows, cursor.description or ())


def _tell(cursor: Any, progress: Callable[[str], None], done: threading.Event) -> None:
    while not done.wait(1):
        stats = cursor.stats or {}
        read = int(stats.get("physicalInputBytes", 0))
        progress(f"Trino: {str(stats.get('state', 'queued')).lower()}, {read:,} bytes read")


def _table(rows: list[list[Any]], description: Any) -> pa.Table:
    types = [arrow_type(column.type_code) for column in description]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return pa.Table.from_arrays([pa.array(values, kind) for values, kind in zip(columns, types, strict=True)],
                                names=[column.name for column in description])


def _plain(error: BaseException, address: str) -> BaseException:
    """What a user can act on as TrinoRefused; anything else as it is."""
    if isinstance(error, TrinoQueryError):
        if error.error_name in ("EXCEEDED_SCAN_LIMIT", "EXCEEDED_CPU_LIMIT", "EXCEEDED_TIME_LIMIT",
                                "EXCEEDED_GLOBAL_MEMORY_LIMIT", "QUERY_QUEUE_FULL"):
            return TrinoRefused(f"Trino at {address} stopped the query: {error.message}; ask for a higher limit, or "
                                "reconcile a shorter window")
        if error.error_name in ("PERMISSION_DENIED",) or "Access Denied" in str(error.message):
            return TrinoRefused(f"Trino at {address}: access denied: {error.message}; the cluster's role needs to read "
                                "the lake and to write the scratch folder")
        return error
    if isinstance(error, HttpError):
        code = str(error).split(":", 1)[0]
        return TrinoRefused(f"Trino at {address} does not take the query ({code}); check RECON_TRINO_URL, and "
                            "RECON_TRINO_USER with RECON_TRINO_PASSWORD")
    if isinstance(error, TrinoConnectionError | Error | OSError):
        found = _REASON.search(str(error))
        why = (found[1] or found[2]).strip() if found else str(error)
        return TrinoRefused(f"Trino at {address} does not answer: {why}; check RECON_TRINO_URL, and that the cluster "
                            "is up (the local stack's: pipeline status)")
    return error
