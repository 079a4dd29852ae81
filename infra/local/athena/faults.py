"""Failures that a test asks for, and the journal of calls that it may look at afterwards."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.local.athena.errors import SYSTEM, ApiError, QueryFailed, access_denied

_USER = "arn:aws:sts::000000000000:assumed-role/local/user"

CALLS = ("throttled", "too_many_requests", "expired_token", "invalid_token", "access_denied", "server_error", "drop")
"""Faults of a call: it is answered with an error (drop: it is carried out, but its answer is lost)."""

QUERIES = ("s3_denied", "output_denied", "exhausted", "internal", "slow", "queued", "scanned")
"""Faults of a query: how it ends or how long it takes; taken by the next StartQueryExecution that fits."""


@dataclass(slots=True)
class Fault:
    """`fault` is one of CALLS or QUERIES; it strikes `times` calls of `operation` that fit.

    `workgroup` and `containing` (text in the query) narrow it. `seconds` is for slow and queued, `bytes` for scanned.
    """

    fault: str
    operation: str = "StartQueryExecution"
    times: int = 1
    workgroup: str = ""
    containing: str = ""
    seconds: float = 0.0
    bytes: int = 0

    def fits(self, operation: str, request: dict[str, Any]) -> bool:
        """Whether it strikes this call."""
        return (self.times > 0 and self.operation in (operation, "*")
                and (not self.workgroup or request.get("WorkGroup", "primary") == self.workgroup)
                and self.containing in request.get("QueryString", ""))


@dataclass
class Faults:
    """What is still to strike, and every call that came, oldest first."""

    _waiting: list[Fault] = field(default_factory=list)
    _calls: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, asked: dict[str, Any]) -> None:
        """Takes in one fault as JSON. Raises ApiError where it is none."""
        try:
            fault = Fault(**asked)
        except TypeError as error:
            raise ApiError("InvalidFault", f"{error}; a fault has {', '.join(Fault.__dataclass_fields__)}") from None
        if fault.fault not in CALLS + QUERIES:
            raise ApiError("InvalidFault", f"no fault {fault.fault!r}; there are {', '.join(CALLS + QUERIES)}")
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Nothing more strikes, and the journal is empty."""
        with self._lock:
            self._waiting.clear()
            self._calls.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What is still to strike."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, kinds: tuple[str, ...], operation: str, request: dict[str, Any]) -> Fault | None:
        """The oldest fault of `kinds` that strikes this call, used up by one."""
        with self._lock:
            found = next((fault for fault in self._waiting if fault.fault in kinds and fault.fits(operation, request)),
                         None)
            if found:
                found.times -= 1
                self._waiting = [fault for fault in self._waiting if fault.times > 0]
            return found

    def record(self, operation: str, request: dict[str, Any], answer: str) -> None:
        """Notes a call; `answer` is "ok", an error's code, or "dropped"."""
        with self._lock:
            self._calls.append({"operation": operation, "request": request, "answer": answer})

    def calls(self) -> list[dict[str, Any]]:
        """The journal."""
        with self._lock:
            return list(self._calls)


def call_error(fault: str, operation: str) -> ApiError:
    """The answer to a call that is to fail."""
    if fault == "throttled":
        return ApiError("ThrottlingException", "Rate exceeded")
    if fault == "too_many_requests":
        return ApiError("TooManyRequestsException", "You have exceeded the limit for the number of queries you can run "
                        "concurrently. Reduce the number of concurrent queries submitted by this account. Contact "
                        "customer support to request a concurrent query limit increase.",
                        Reason="CONCURRENT_QUERY_LIMIT_EXCEEDED")
    if fault == "expired_token":
        return ApiError("ExpiredTokenException", "The security token included in the request is expired")
    if fault == "invalid_token":
        return ApiError("UnrecognizedClientException", "The security token included in the request is invalid.")
    if fault == "access_denied":
        return ApiError("AccessDeniedException", f"User: {_USER} is not authorized to perform: athena:{operation} on "
                        "resource: arn:aws:athena:us-east-1:000000000000:workgroup/primary because no identity-based "
                        f"policy allows the athena:{operation} action")
    return ApiError("InternalServerException", "Internal server error", status=500)


def query_error(fault: str, target: str) -> QueryFailed | None:
    """How a query is to fail; None for faults that do not end it."""
    if fault == "s3_denied":
        return access_denied("Access Denied")
    if fault == "output_denied":
        return QueryFailed("PERMISSION_DENIED", f"Access denied when writing output to url: {target} . Please ensure "
                           "you are allowed to access the S3 bucket. If you are encrypting query results with KMS key, "
                           "please ensure you are allowed to access your KMS key", prefixed=False)
    if fault == "exhausted":
        return QueryFailed("EXHAUSTED", "Query exhausted resources at this scale factor", category=SYSTEM,
                           retryable=True, prefixed=False)
    if fault == "internal":
        return QueryFailed("GENERIC_INTERNAL_ERROR", "Internal error", category=SYSTEM, retryable=True)
    return None
