"""How a call or a query fails, in the words of the Athena API."""

from __future__ import annotations

import re
from typing import Any

SYSTEM, USER, OTHER = 1, 2, 3
"""AthenaError's ErrorCategory."""

# ErrorType per kind of failure; the kinds that callers tell apart by text share the general ones.
_TYPES = {"EXHAUSTED": 0, "GENERIC_INTERNAL_ERROR": 200, "PERMISSION_DENIED": 1008, "HIVE_PATH_ALREADY_EXISTS": 1200,
          "TABLE_NOT_FOUND": 1301, "SCHEMA_NOT_FOUND": 1301, "COLUMN_NOT_FOUND": 1301, "SYNTAX_ERROR": 1301}
_GENERAL_TYPE = {SYSTEM: 200, USER: 1300, OTHER: 1999}


class ApiError(Exception):
    """A call that is answered with an error: `code` is the exception's name in the service model."""

    def __init__(self, code: str, message: str, *, status: int = 400, **more: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        # Modeled exceptions spell it Message, the front door's own message; botocore reads either.
        self.body: dict[str, Any] = {"__type": code, "Message": message, "message": message, **more}


def invalid(message: str) -> ApiError:
    """The call asks for something that cannot be."""
    return ApiError("InvalidRequestException", message, AthenaErrorCode="INVALID_INPUT")


class QueryFailed(Exception):
    """A query that ends FAILED. `name` is the engine's error name, which begins the reason that callers see."""

    def __init__(self, name: str, message: str, *, category: int = USER, retryable: bool = False,
                 prefixed: bool = True) -> None:
        self.reason = f"{name}: {message}" if prefixed else message
        super().__init__(self.reason)
        self.name = name
        self.category = category
        self.kind = _TYPES.get(name, _GENERAL_TYPE[category])
        self.retryable = retryable

    def moved(self, lines: int) -> QueryFailed:
        """The same with its position moved by `lines`, for a statement that was sent inside another."""
        self.reason = re.sub(r"\bline (\d+)(?=:\d+)", lambda found: f"line {max(int(found[1]) + lines, 1)}",
                             self.reason, count=1)
        return self

    def athena_error(self) -> dict[str, Any]:
        """The AthenaError structure of the status."""
        return {"ErrorCategory": self.category, "ErrorType": self.kind, "Retryable": self.retryable,
                "ErrorMessage": self.reason}


class QueryCancelled(Exception):
    """A query that ends CANCELLED, by its user or by the limit of its workgroup; the text is the reason."""


def access_denied(what: str) -> QueryFailed:
    """S3 refuses an object that the query needs."""
    return QueryFailed("PERMISSION_DENIED", f"{what} (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; "
                       "Request ID: 0000000000000000; S3 Extended Request ID: local; Proxy: null)", prefixed=False)
