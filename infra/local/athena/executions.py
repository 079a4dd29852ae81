"""Query executions: one thread each, from QUEUED to its end, with what GetQueryExecution tells of it."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from infra.local.athena.backends.port import Backend, Column, Job, Rows
from infra.local.athena.catalog import Catalog
from infra.local.athena.errors import SYSTEM, QueryCancelled, QueryFailed
from infra.local.athena.faults import Fault, query_error
from infra.local.athena.results import write_metadata, write_rows
from infra.local.athena.statements import Statement, bind, unload
from infra.local.athena.storage import Store
from infra.local.athena.utilities import describe, show

_CANCEL_AGAIN = 0.2
_COUNT = (Column("rows", "bigint", 19),)
_log = logging.getLogger(__name__)


@dataclass
class Execution:
    """One query: the request as it came, where its results go, and how far it is. Times in seconds since 1970."""

    statement: Statement
    request: dict[str, Any]
    workgroup: str
    output: str
    job: Job
    fault: Fault | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    error: QueryFailed | None = None
    manifest: str | None = None
    rows: Rows | None = None
    updated: int | None = None
    submitted: float = field(default_factory=time.time)
    started: float | None = None
    completed: float | None = None

    @property
    def database(self) -> str:
        """Where names without a database are looked up."""
        return str(self.request.get("QueryExecutionContext", {}).get("Database") or "").lower()

    @property
    def location(self) -> str:
        """The object that the API names as the output."""
        return self.output + self.id + {"SELECT": ".csv", "UNLOAD": ""}.get(self.statement.kind, ".txt")

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return self.completed is not None

    def show(self) -> dict[str, Any]:
        """The API's QueryExecution."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.error:
            status["AthenaError"] = self.error.athena_error()
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        shown = {
            "QueryExecutionId": self.id, "Query": self.request["QueryString"],
            "StatementType": self.statement.type, "SubstatementType": self.statement.kind,
            "ResultConfiguration": {**self.request.get("ResultConfiguration", {}), "OutputLocation": self.location},
            "ResultReuseConfiguration": self.request.get("ResultReuseConfiguration")
            or {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": self.request.get("QueryExecutionContext", {}), "Status": status,
            "Statistics": self.statistics(), "WorkGroup": self.workgroup,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
            "QueryResultsS3AccessGrantsConfiguration": {"EnableS3AccessGrants": False,
                                                        "AuthenticationType": "DIRECTORY_IDENTITY"}}
        if self.request.get("ExecutionParameters"):
            shown["ExecutionParameters"] = self.request["ExecutionParameters"]
        return shown

    def timeline(self) -> dict[str, int]:
        """Milliseconds waited, run and in all."""
        end = self.completed or time.time()
        started = self.started or end
        return {"QueryQueueTimeInMillis": _millis(started - self.submitted), "ServicePreProcessingTimeInMillis": 0,
                "QueryPlanningTimeInMillis": 0, "EngineExecutionTimeInMillis": _millis(end - started),
                "ServiceProcessingTimeInMillis": 0, "TotalExecutionTimeInMillis": _millis(end - self.submitted)}

    def statistics(self) -> dict[str, Any]:
        """The API's QueryExecutionStatistics."""
        found: dict[str, Any] = {**self.timeline(), "DataScannedInBytes": self.job.scanned,
                                 "ResultReuseInformation": {"ReusedPreviousResult": False}}
        if self.manifest:
            found["DataManifestLocation"] = self.manifest
        return found


class Runner:
    """Runs executions on a backend, each in a thread of its own."""

    def __init__(self, backend: Backend, catalog: Catalog, store: Store) -> None:
        self._backend = backend
        self._catalog = catalog
        self._store = store

    def start(self, execution: Execution) -> None:
        """Begins; returns at once."""
        threading.Thread(target=self._run, args=[execution], name=execution.id, daemon=True).start()

    def stop(self, execution: Execution) -> None:
        """Has the backend end the query; returns at once. What has come to its end stays as it is."""
        threading.Thread(target=_cancelled, args=[execution], daemon=True).start()

    def _run(self, execution: Execution) -> None:
        state = "SUCCEEDED"
        try:
            self._strike(execution)
            self._carry_out(execution)
            execution.job.check()
        except QueryFailed as failure:
            state, execution.error, execution.reason = "FAILED", failure, failure.reason
        except QueryCancelled as cancelled:
            state, execution.reason = "CANCELLED", str(cancelled)
        except Exception as error:
            _log.exception("query %s", execution.id)
            execution.error = QueryFailed("GENERIC_INTERNAL_ERROR", str(error), category=SYSTEM)
            state, execution.reason = "FAILED", execution.error.reason
        execution.completed = time.time()
        # Last, for whoever polls the state reads the rest when it has ended.
        execution.state = state
        _log.info("query %s %s %s", execution.id, state, execution.reason or "")

    def _strike(self, execution: Execution) -> None:
        fault = execution.fault
        if fault and fault.fault == "queued":
            execution.job.wait(fault.seconds)
        execution.started = time.time()
        execution.state = "RUNNING"
        execution.job.check()
        if fault and fault.fault == "slow":
            execution.job.wait(fault.seconds)
        failure = query_error(fault.fault, execution.output) if fault else None
        if failure:
            raise failure

    def _carry_out(self, execution: Execution) -> None:
        kind, job, database = execution.statement.kind, execution.job, execution.database
        sql = bind(execution.statement.sql, execution.request.get("ExecutionParameters", []))
        if kind == "UNLOAD":
            self._unload(execution, sql)
            return
        if kind == "SELECT":
            rows = self._backend.select(sql, database, job)
        elif kind == "EXPLAIN":
            lines = self._backend.explain(sql, database, job)
            rows = Rows((Column("Query Plan", "varchar"),), [(line,) for line in lines])
        else:
            rows = show(sql, database, self._catalog) if kind == "SHOW" else describe(sql, database, self._catalog)
        write_rows(self._store, execution.location, rows, header=kind == "SELECT")
        execution.rows, execution.updated = rows, 0 if kind == "SELECT" else None

    def _unload(self, execution: Execution, sql: str) -> None:
        statement = unload(sql)
        _supported(statement.options)
        if self._store.holds(statement.target):
            raise QueryFailed("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table 'awsdatacatalog."
                              f"temp_table_{execution.id.replace('-', '')}' already exists: {statement.target}. You "
                              f"may need to manually clean the data at location '{execution.output}tables/"
                              f"{execution.id}' before retrying. Athena will not delete data in your account.")
        written = self._backend.unload(statement, execution.database, execution.job)
        manifest = f"{execution.output}{execution.id}-manifest.csv"
        self._store.write(manifest, "".join(f"{url}\n" for url in written.files).encode("utf-8"))
        write_metadata(self._store, f"{execution.location}.metadata", _COUNT)
        execution.manifest, execution.rows, execution.updated = manifest, Rows(_COUNT, []), written.rows


def _cancelled(execution: Execution) -> None:
    # A backend that is just about to begin does not hear the first call.
    while not execution.done:
        execution.job.cancel()
        time.sleep(_CANCEL_AGAIN)


def _supported(options: dict[str, str]) -> None:
    """Raises QueryFailed for formats and options of UNLOAD that are not written here."""
    if "format" not in options:
        raise QueryFailed("INVALID_TABLE_PROPERTY", "UNLOAD needs WITH (format = ...)")
    unknown = sorted(set(options) - {"format", "compression"})
    if options["format"].upper() != "PARQUET" or unknown:
        raise QueryFailed("NOT_SUPPORTED", f"UNLOAD with {unknown or options['format']}: this local server writes "
                          "format PARQUET with an optional compression")
    options.setdefault("compression", "GZIP")
    if options["compression"].upper() not in ("SNAPPY", "GZIP", "ZSTD", "NONE"):
        raise QueryFailed("INVALID_TABLE_PROPERTY", f"Unsupported compression {options['compression']}")
    options["compression"] = options["compression"].upper()


def _millis(seconds: float) -> int:
    return max(round(seconds * 1000), 0)
