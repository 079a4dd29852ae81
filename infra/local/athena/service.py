"""The operations of the API over workgroups and executions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from infra.local.athena.backends.port import Backend, Job
from infra.local.athena.catalog import Catalog
from infra.local.athena.errors import ApiError, invalid
from infra.local.athena.executions import Execution, Runner
from infra.local.athena.faults import CALLS, QUERIES, Faults, call_error
from infra.local.athena.results import PAGE, page
from infra.local.athena.statements import parse, unload
from infra.local.athena.storage import Store
from infra.local.athena.workgroups import PRIMARY, WorkGroups, output_location

_PAGE_OF_EXECUTIONS = 50

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class Dropped(Exception):
    """The call has been carried out, but its answer is to be lost."""


class Service:
    """All that the server remembers, in memory: a restart forgets."""

    def __init__(self, backend: Backend, catalog: Catalog, store: Store) -> None:
        self.faults = Faults()
        self._backend = backend
        self._store = store
        self._runner = Runner(backend, catalog, store)
        self._groups = WorkGroups()
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[dict[str, Any], str]] = {}
        self._lock = threading.Lock()
        self._model = get_session().get_service_model("athena")
        self._operations: dict[str, Operation] = {
            "StartQueryExecution": self._start, "GetQueryExecution": self._get, "BatchGetQueryExecution": self._batch,
            "StopQueryExecution": self._stop, "GetQueryResults": self._results,
            "GetQueryRuntimeStatistics": self._runtime, "ListQueryExecutions": self._list,
            "CreateWorkGroup": self._groups.create, "GetWorkGroup": self._groups.get,
            "UpdateWorkGroup": self._groups.update, "DeleteWorkGroup": self._groups.delete,
            "ListWorkGroups": self._groups.list}

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Carries out one call. Raises ApiError, and Dropped where the answer is to be lost."""
        answer = "ok"
        try:
            fault = self.faults.take(CALLS, operation, request)
            if fault and fault.fault != "drop":
                raise call_error(fault.fault, operation)
            result = self._operation(operation, request)(request)
            if fault:
                answer = "dropped"
                raise Dropped
        except ApiError as error:
            answer = error.code
            raise
        else:
            return result
        finally:
            self.faults.record(operation, request, answer)

    def close(self) -> None:
        """Stops what still runs."""
        for execution in list(self._executions.values()):
            if not execution.done:
                execution.job.cancel()

    def _operation(self, operation: str, request: dict[str, Any]) -> Operation:
        if operation not in self._operations:
            raise ApiError("UnknownOperationException", f"Operation {operation or '(none)'} is not known to this local "
                           f"server; it has {', '.join(sorted(self._operations))}")
        shape = self._model.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        if report.has_errors():
            raise invalid(report.generate_report())
        return self._operations[operation]

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("WorkGroup", PRIMARY)
        group = self._groups.named(name)
        if group["State"] != "ENABLED":
            raise invalid(f"WorkGroup {name} is disabled.")
        output = output_location(group, request.get("ResultConfiguration", {}).get("OutputLocation"))
        statement = parse(request["QueryString"])
        if not self._store.has_bucket(output):
            raise invalid(f"Unable to verify/create output bucket {output.split('/')[2]}")
        self._check(statement.kind, statement.sql)
        token = request.get("ClientRequestToken")
        with self._lock:
            known = self._tokens.get(token) if token else None
            if known:
                if known[0] != request:
                    raise invalid("Idempotent parameters do not match")
                return {"QueryExecutionId": known[1]}
            fault = self.faults.take(QUERIES, "StartQueryExecution", request)
            job = Job(group["Configuration"].get("BytesScannedCutoffPerQuery"),
                      fault.bytes if fault and fault.fault == "scanned" else None)
            execution = Execution(statement, request, name, output, job, fault)
            self._executions[execution.id] = execution
            if token:
                self._tokens[token] = (request, execution.id)
        self._runner.start(execution)
        return {"QueryExecutionId": execution.id}

    def _check(self, kind: str, sql: str) -> None:
        """Raises ApiError for a query that does not parse; what it means is decided when it runs."""
        if kind == "UNLOAD":
            sql = unload(sql).query
        if kind in ("SELECT", "UNLOAD"):
            self._backend.check(sql)

    def _named(self, request: dict[str, Any]) -> Execution:
        found = self._executions.get(request["QueryExecutionId"])
        if found is None:
            raise invalid(f"QueryExecution {request['QueryExecutionId']} was not found")
        return found

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"QueryExecution": self._named(request).show()}

    def _batch(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = request["QueryExecutionIds"]
        return {"QueryExecutions": [self._executions[name].show() for name in asked if name in self._executions],
                "UnprocessedQueryExecutionIds": [
                    {"QueryExecutionId": name, "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
                     "ErrorMessage": f"QueryExecution {name} was not found"}
                    for name in asked if name not in self._executions]}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        self._runner.stop(self._named(request))
        return {}

    def _results(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._named(request)
        if execution.state in ("QUEUED", "RUNNING"):
            raise invalid(f"Query has not yet finished. Current state: {execution.state}")
        if execution.state != "SUCCEEDED" or execution.rows is None:
            raise invalid(f"Query did not finish successfully. Final query state: {execution.state}")
        return page(execution.rows, header=execution.statement.kind == "SELECT", updated=execution.updated,
                    most=request.get("MaxResults", PAGE), token=request.get("NextToken"))

    def _runtime(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._named(request)
        returned = execution.updated or (len(execution.rows.values) if execution.rows else 0)
        return {"QueryRuntimeStatistics": {
            "Timeline": execution.timeline(),
            "Rows": {"InputRows": 0, "InputBytes": execution.job.scanned, "OutputRows": returned, "OutputBytes": 0}}}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        group = request.get("WorkGroup", PRIMARY)
        self._groups.named(group)
        newest = [item.id for item in reversed(list(self._executions.values())) if item.workgroup == group]
        start = int(request.get("NextToken", 0))
        end = start + (request.get("MaxResults") or _PAGE_OF_EXECUTIONS)
        answer: dict[str, Any] = {"QueryExecutionIds": newest[start:end]}
        if end < len(newest):
            answer["NextToken"] = str(end)
        return answer
