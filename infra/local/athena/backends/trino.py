"""Statements on a Trino server: the engine that Athena is made of."""

from __future__ import annotations

import base64
import logging
import re
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import trino.client
import trino.exceptions
from trino.dbapi import Connection, Cursor

from infra.local.athena import storage
from infra.local.athena.backends.port import LIMIT_EXCEEDED, Column, Job, Rows, Written
from infra.local.athena.backends.syntax import unparsed
from infra.local.athena.backends.values import column, text
from infra.local.athena.errors import OTHER, SYSTEM, USER, QueryCancelled, QueryFailed, access_denied, invalid
from infra.local.athena.statements import Unload

LAKE = "lake"
SCRATCH = "scratch.athena"

_CANCELLED = ("USER_CANCELED", "ADMINISTRATIVELY_KILLED")
_PARSER = re.compile(r"line \d+:\d+: (mismatched|extraneous) input|line \d+:\d+: no viable alternative|"
                     r"line \d+:\d+: missing ")
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class TrinoBackend:
    """Catalog `lake` holds Glue's databases; UNLOAD goes through an external table of catalog `scratch`."""

    name = "trino"

    def __init__(self, url: str, store: storage.Store) -> None:
        parts = urlsplit(url)
        self._url = url.rstrip("/")
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 8080
        self._store = store
        self._has_schema = False

    def check(self, sql: str) -> None:
        """See Backend."""
        # Trino itself is asked only where our own parser is at a loss.
        if not unparsed(sql):
            return
        try:
            with self._connect("", Job()) as connection:
                connection.cursor().execute(f"EXPLAIN (TYPE VALIDATE) {sql}")
        except trino.exceptions.TrinoUserError as error:
            message = _shifted(str(error.message), len("EXPLAIN (TYPE VALIDATE) "))
            if error.error_name == "SYNTAX_ERROR" and _PARSER.match(message):
                raise invalid(message) from None

    def select(self, sql: str, database: str, job: Job) -> Rows:
        """See Backend."""
        def run(cursor: Cursor) -> Rows:
            rows = cursor.fetchall()
            columns = tuple(column(str(part[0]), str(part[1])) for part in cursor.description or ())
            return Rows(columns, [_texts(row, columns) for row in rows])

        return self._run(sql, database, job, run)

    def unload(self, statement: Unload, database: str, job: Job) -> Written:
        """See Backend."""
        if not self._has_schema:
            self._run(f"CREATE SCHEMA IF NOT EXISTS {SCRATCH}", database, Job(), _nothing)
            self._has_schema = True
        table = f"{SCRATCH}.unload_{uuid.uuid4().hex}"
        target = statement.target.replace("'", "''")
        frame = f"WITH (format = 'PARQUET', external_location = '{target}') AS\n"
        codec = {"scratch.compression_codec": statement.options.get("compression", "SNAPPY")}
        try:
            rows = self._run(f"CREATE TABLE {table} {frame}{statement.query}", database, job, _updated, codec)
        except QueryFailed as failure:
            if failure.name != "MISSING_COLUMN_NAME":
                raise failure.moved(-1) from None
            names = self._names(statement.query, database, job)
            rows = self._run(f"CREATE TABLE {table} ({names}) {frame}{statement.query}", database, job, _updated, codec)
        # The table is external: its files stay.
        self._run(f"DROP TABLE {table}", database, Job(), _nothing)
        return Written(self._files(statement.target), rows)

    def explain(self, sql: str, database: str, job: Job) -> list[str]:
        """See Backend."""
        rows = self._run(sql, database, job, lambda cursor: cursor.fetchall())
        return [line for row in rows for line in str(row[0]).splitlines()]

    def _names(self, query: str, database: str, job: Job) -> str:
        """The columns of `query` as a list of quoted names; those without one are called by their place."""
        def run(cursor: Cursor) -> list[str]:
            cursor.fetchall()
            return [str(part[0]) for part in cursor.description or ()]

        names = self._run(f"SELECT * FROM ({query}) LIMIT 0", database, job, run)
        return ", ".join('"' + name.replace('"', '""') + '"' for name in names)

    def _files(self, target: str) -> tuple[str, ...]:
        """Files below `target` that hold rows; one without rows goes, as Athena writes none."""
        kept = []
        for item in self._store.list(target):
            if pq.ParquetFile(self._store.open(item.url)).metadata.num_rows:
                kept.append(item.url)
            else:
                self._store.delete(item.url)
        return tuple(sorted(kept))

    def _connect(self, database: str, job: Job, session: dict[str, str] | None = None) -> Connection:
        properties = dict(session or {})
        if job.scan_limit is not None:
            properties["query_max_scan_physical_bytes"] = f"{job.scan_limit}B"
        return Connection(host=self._host, port=self._port, user="athena", catalog=LAKE, schema=database or "default",
                          http_scheme="http", session_properties=properties, legacy_primitive_types=True)

    def _run(self, sql: str, database: str, job: Job, read: Callable[[Cursor], _T],
             session: dict[str, str] | None = None) -> _T:
        job.check()
        with self._connect(database, job, session) as connection:
            cursor = connection.cursor()
            job.on_cancel(lambda: self._stop(cursor))
            try:
                cursor.execute(sql)
                # Stopped between its start and the server's first answer.
                if job.cancelled:
                    self._stop(cursor)
                result = read(cursor)
            except trino.exceptions.TrinoQueryError as error:
                _account(job, cursor, quietly=True)
                job.check()
                raise _failure(error) from None
            except (trino.exceptions.TrinoConnectionError, OSError) as error:
                raise QueryFailed("GENERIC_INTERNAL_ERROR", f"Trino does not answer: {error}", category=SYSTEM,
                                  retryable=True) from None
        job.check()
        _account(job, cursor)
        return result

    def _stop(self, cursor: Cursor) -> None:
        query = cursor.query_id
        if query:
            call = urllib.request.Request(f"{self._url}/v1/query/{query}", headers={"X-Trino-User": "athena"},
                                          method="DELETE")
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(call, timeout=10).close()
            except OSError as error:
                _log.warning("query %s could not be stopped: %s", query, error)


def _nothing(cursor: Cursor) -> None:
    cursor.fetchall()


def _updated(cursor: Cursor) -> int:
    """The rows that a CREATE TABLE AS wrote."""
    return sum(int(row[0]) for row in cursor.fetchall())


def _account(job: Job, cursor: Cursor, *, quietly: bool = False) -> None:
    scanned = int((cursor.stats or {}).get("physicalInputBytes") or 0)
    if quietly:
        job.scanned = max(job.scanned, scanned)
    else:
        job.account(max(job.scanned, scanned))


def _texts(row: Any, columns: Sequence[Column]) -> tuple[str | None, ...]:
    return tuple(text(_PRINTED.get(part.type, _as_is)(value)) if value is not None else None
                 for value, part in zip(row, columns, strict=True))


def _as_is(value: Any) -> Any:
    return value


def _milliseconds(value: str) -> str:
    """Athena shows three decimals whatever the precision."""
    moment, _, fraction = value.partition(".")
    return f"{moment}.{fraction[:3]:0<3}"


_PRINTED: dict[str, Callable[[Any], Any]] = {"timestamp": _milliseconds, "varbinary": base64.b64decode}


def _failure(error: Any) -> Exception:
    """What Athena would say of a query that Trino refused or gave up."""
    name, message = str(error.error_name), str(error.message)
    if name == "EXCEEDED_SCAN_LIMIT":
        return QueryCancelled(LIMIT_EXCEEDED)
    if name in _CANCELLED:
        return QueryCancelled("Query cancelled")
    if "Status Code: 403" in message or "AccessDenied" in message:
        return access_denied("Access Denied")
    if message.startswith("Unsupported Trino column type"):
        # The version that runs here has another name for it.
        name = "HIVE_BAD_DATA"
    if name == "COLUMN_NOT_FOUND":
        message += " or requester is not authorized to access requested resources"
    message = message.replace(f"'{LAKE}.", "'awsdatacatalog.")
    category = {"USER_ERROR": USER, "EXTERNAL": USER, "INTERNAL_ERROR": SYSTEM}.get(str(error.error_type), OTHER)
    return QueryFailed(name, message, category=category, retryable=category != USER)


def _shifted(message: str, by: int) -> str:
    """Positions in the first line as the caller counts them."""
    return re.sub(r"^line 1:(\d+)", lambda found: f"line 1:{max(int(found[1]) - by, 1)}", message)
