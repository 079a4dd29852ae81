"""Statements on DuckDB, where there is no Trino: translated, over objects that were read into memory."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from io import BytesIO
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.athena.backends.objects import Object, objects
from infra.local.athena.backends.plan import Reference, output_names, plan
from infra.local.athena.backends.port import STOPPED, Job, Rows, Written
from infra.local.athena.backends.reading import partitions, read
from infra.local.athena.backends.syntax import parsed, unparsed
from infra.local.athena.backends.values import arrow_type, column, text
from infra.local.athena.catalog import Catalog
from infra.local.athena.errors import QueryCancelled, QueryFailed, invalid
from infra.local.athena.statements import Unload, position, tokens
from infra.local.athena.storage import Store
from recon.engine.dialect import translate

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 2, "memory_limit": "2GB"}
# Error classes of DuckDB by the name that the engine of Athena has for the same.
_NAMES = ((duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
          (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
          (duckdb.CatalogException, "FUNCTION_NOT_FOUND"), (duckdb.BinderException, "TYPE_MISMATCH"),
          (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
          (duckdb.OutOfMemoryException, "EXCEEDED_LOCAL_MEMORY_LIMIT"))
_COLUMN = re.compile(r'column(?: named)? "?([^"\s]+)"? (?:not found|does not exist|cannot be)|does not have a column '
                     r'named "([^"]+)"', re.IGNORECASE)
_FUNCTION = re.compile(r"Function with name \"?([^\s\"]+)\"? does not exist")


class DuckDbBackend:
    """Knows of Trino what recon.engine.dialect translates; everything else means what DuckDB makes of it."""

    name = "duckdb"

    def __init__(self, catalog: Catalog, store: Store) -> None:
        self._catalog = catalog
        self._store = store

    def check(self, sql: str) -> None:
        """See Backend."""
        reason = unparsed(sql)
        if reason:
            raise invalid(reason)

    def select(self, sql: str, database: str, job: Job) -> Rows:
        """See Backend."""
        _, result = self._run(sql, database, job)
        columns = tuple(column(field.name, arrow_type(field.type)) for field in result.schema)
        lists = [[text(value) for value in part.to_pylist()] for part in result.columns]
        return Rows(columns, list(zip(*lists, strict=True)))

    def unload(self, statement: Unload, database: str, job: Job) -> Written:
        """See Backend."""
        kinds, result = self._run(statement.query, database, job)
        names = [name.lower() for name in result.schema.names]
        for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if name in names[:index]:
                raise QueryFailed("DUPLICATE_COLUMN_NAME", f"line 1:1: Column name '{name}' specified more than once")
            if kind == '"NULL"':
                raise QueryFailed("COLUMN_TYPE_UNKNOWN", f"line 1:1: Column type is unknown: {name}")
            if kind == "TIMESTAMP WITH TIME ZONE":
                raise QueryFailed("NOT_SUPPORTED", "Unsupported Hive type: timestamp(3) with time zone")
        if not result.num_rows:
            return Written((), 0)
        body = BytesIO()
        # Athena, too, writes times as INT96.
        codec: Any = statement.options.get("compression", "GZIP").lower()
        pq.write_table(result.rename_columns(names), body, compression=codec,
                       use_deprecated_int96_timestamps=True, store_schema=False)
        job.check()
        url = f"{statement.target}{uuid.uuid4()}"
        self._store.write(url, body.getvalue())
        return Written((url,), result.num_rows)

    def explain(self, sql: str, database: str, job: Job) -> list[str]:
        """See Backend."""
        query = sql[next(token.end for token in tokens(sql) if token.text.upper() == "EXPLAIN"):].strip()
        self.check(query)
        connection = self._connection(job)
        try:
            translated, _ = self._prepared(connection, query, database, Job())
            rows = connection.execute(f"EXPLAIN {translated}").fetchall()
        except duckdb.Error as error:
            raise _failure(error, query, job) from None
        finally:
            connection.close()
        return [line for row in rows for line in str(row[-1]).splitlines()]

    def _run(self, sql: str, database: str, job: Job) -> tuple[list[str], pa.Table]:
        """DuckDB's types of the result's columns, and the result under the names that Athena gives it."""
        connection = self._connection(job)
        try:
            translated, names = self._prepared(connection, sql, database, job)
            job.check()
            relation = connection.sql(translated)
            kinds = [str(kind) for kind in relation.types]
            result = relation.to_arrow_table()
        except duckdb.Error as error:
            raise _failure(error, sql, job) from None
        finally:
            connection.close()
        job.check()
        if names is not None and len(names) == result.num_columns:
            result = result.rename_columns(names)
        return kinds, _narrowed(result, kinds)

    def _connection(self, job: Job) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config=_CONFIG)
        connection.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_last'")
        job.on_cancel(lambda: _interrupt(connection))
        return connection

    def _prepared(self, connection: duckdb.DuckDBPyConnection, sql: str, database: str,
                  job: Job) -> tuple[str, list[str] | None]:
        """The statement in DuckDB's words and the names of its columns, its tables read and registered."""
        tree = parsed(sql)
        names = output_names(tree)
        scanned = 0
        job.account(scanned)
        for reference in plan(tree, sql, database, self._catalog):
            items = self._pruned(connection, reference)
            rows, scanned = read(reference, items, self._store, job, scanned)
            connection.register(reference.view, rows)
        return translate(tree), names

    def _pruned(self, connection: duckdb.DuckDBPyConnection, reference: Reference) -> list[Object]:
        """The objects that the statement's conditions on partitions and paths leave."""
        items = objects(reference.table, self._catalog, self._store)
        if not reference.conditions:
            return items
        connection.register("lake_objects", partitions(reference, items))
        conditions = " AND ".join(f"({translate(condition)})" for condition in reference.conditions)
        kept = connection.execute(f'SELECT "$path" FROM lake_objects WHERE {conditions}').fetchall()
        connection.unregister("lake_objects")
        urls = {url for (url,) in kept}
        return [item for item in items if item.url in urls]


def _interrupt(connection: duckdb.DuckDBPyConnection) -> None:
    # A connection that is closed by now has nothing to interrupt.
    with suppress(duckdb.Error):
        connection.interrupt()


def _narrowed(result: pa.Table, kinds: list[str]) -> pa.Table:
    """HUGEINT, DuckDB's sum of BIGINT, as the bigint that it is in Trino."""
    for index, kind in enumerate(kinds):
        if kind == "HUGEINT":
            field = result.schema.field(index)
            try:
                values = result.column(index).cast(pa.int64())
            except pa.ArrowInvalid:
                raise QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE", "bigint addition overflow") from None
            result = result.set_column(index, field.name, values)
    return result


def _failure(error: duckdb.Error, sql: str, job: Job) -> Exception:
    """What Athena would say of a statement that DuckDB refused or gave up."""
    if isinstance(error, duckdb.InterruptException) or job.cancelled:
        return QueryCancelled(STOPPED)
    message = str(error).splitlines()[0].partition("Error: ")[2] or str(error).splitlines()[0]
    missing = _COLUMN.search(message)
    if missing and isinstance(error, duckdb.BinderException):
        name = missing[1] or missing[2]
        return QueryFailed("COLUMN_NOT_FOUND", f"{_place(sql, name)}: Column '{name}' cannot be resolved or requester "
                           "is not authorized to access requested resources")
    function = _FUNCTION.search(str(error))
    if function:
        return QueryFailed("FUNCTION_NOT_FOUND", f"{_place(sql, function[1])}: Function '{function[1]}' not registered")
    if "zero" in message.lower():
        return QueryFailed("DIVISION_BY_ZERO", "Division by zero")
    name = next((name for kind, name in _NAMES if isinstance(error, kind)), "GENERIC_USER_ERROR")
    return QueryFailed(name, message)


def _place(sql: str, name: str) -> str:
    wanted = name.rpartition(".")[2].strip('"').lower()
    for token in tokens(sql):
        if token.kind in ("word", "name") and wanted in token.text.lower().strip('"').split("."):
            return position(sql, token.start)
    return "line 1:1"
