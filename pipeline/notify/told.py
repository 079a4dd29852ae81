"""What has been done about a message, by its key: so that duplicates and retries do only what was not done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from pipeline.dynamo import ConditionFailed, Row, call, millis
from pipeline.errors import Retryable

KEPT = timedelta(days=30)
"""Longer than any message can come again, from a dead-letter queue as well."""


class Held(Retryable):
    """Another works on the same message now; `done` is what it, or one before it, has done so far."""

    def __init__(self, done: Collection[str] = ()) -> None:
        super().__init__("another works on this message")
        self.done = frozenset(done)


class Told:
    """On a DynamoDB table with key `key` (S), the set `done` (SS), `held_by`, `held_until` (ms), `expires_at` (s).

    `client` is boto3's low-level client, `owner` names this worker, `lease` outlasts whatever it may be busy with.
    """

    def __init__(self, client: Any, table: str, *, owner: str, lease: timedelta) -> None:
        self._client, self._table, self._owner, self._lease = client, table, owner, lease

    def claim(self, key: str, *, at: datetime) -> frozenset[str]:
        """Holds the key for the lease and returns what was done about it. Raises Held, and Retryable."""
        try:
            answer = call(
                self._client.update_item, **self._item(key), ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                UpdateExpression="SET held_by = :me, held_until = :until, expires_at = :expires",
                ConditionExpression="attribute_not_exists(held_until) OR held_until <= :now OR held_by = :me",
                ExpressionAttributeValues={
                    ":me": {"S": self._owner}, ":now": _number(millis(at)), ":until": _number(millis(at + self._lease)),
                    ":expires": _number(millis(at + KEPT) // 1000)})
        except ConditionFailed as failed:
            raise Held(_done(failed.row or {})) from None
        return _done(answer["Attributes"])

    def record(self, key: str, done: Collection[str]) -> None:
        """These are done, whoever holds the key. Raises Retryable."""
        call(self._client.update_item, **self._item(key), UpdateExpression="ADD done :done",
             ExpressionAttributeValues={":done": {"SS": sorted(done)}})

    def release(self, key: str) -> None:
        """Lets another have the key at once, if this one still holds it; the lease ends anyway. Raises Retryable."""
        try:
            call(self._client.update_item, **self._item(key), UpdateExpression="REMOVE held_by, held_until",
                 ConditionExpression="held_by = :me", ExpressionAttributeValues={":me": {"S": self._owner}})
        except ConditionFailed:
            return

    def _item(self, key: str) -> dict[str, Any]:
        return {"TableName": self._table, "Key": {"key": {"S": key}}}


def _done(row: Row) -> frozenset[str]:
    return frozenset(row["done"]["SS"]) if "done" in row else frozenset()


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
