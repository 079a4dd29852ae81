"""One call to DynamoDB, and what its errors mean: a failed condition with the row as it was, or one of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import Misused, Retryable

Row = Mapping[str, Mapping[str, Any]]
"""An item in the low-level form: {"fence": {"N": "1"}}."""

_MS = timedelta(milliseconds=1)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_PASSING = frozenset({
    "InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException",
    "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "TransactionConflictException", "ReplicatedWriteConflictException", "RequestTimeout",
})


class ConditionFailed(Exception):
    """The condition did not hold; `row` is the item at that moment, None where there was none."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("the condition did not hold")
        self.row = row


def call(operation: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """The answer of one operation of a low-level client.

    Raises ConditionFailed; Retryable where DynamoDB could not be reached or was busy (a write may then have happened:
    its writer recognises it by its owner token); Misused for what no retry mends.
    """
    try:
        return dict(operation(**request))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed(error.response.get("Item") or None) from None
        if code in _PASSING or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
            raise Retryable(f"DynamoDB is busy: {code}") from error
        raise Misused(f"DynamoDB refused a request: {code}") from error
    except BotoCoreError as error:
        raise Retryable(f"DynamoDB could not be reached: {type(error).__name__}") from error


def millis(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware time."""
    return (at - _UNIX) // _MS


def number(row: Row, name: str) -> int:
    """An attribute that holds a whole number."""
    return int(row[name]["N"])


def text(row: Row, name: str) -> str:
    """An attribute that holds a string."""
    return str(row[name]["S"])
