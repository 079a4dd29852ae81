"""The gate on a DynamoDB table with key `key_hash` (S) and the TTL attribute `expires_at` (N, seconds).

Every decision is a condition of the write itself, the expiry too: TTL deletes days late and is only housekeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipeline.dynamo import ConditionFailed, Row, call, millis, number, text
from pipeline.errors import Retryable
from pipeline.gate.port import Lost, Mismatch, Replay, Running, Won

RETENTION = timedelta(days=30)
"""How long a result is replayed; published to merchants."""
LEASE = timedelta(seconds=35)
"""Longer than the life of any request that claims: the edge gives up after 29 s, the function after 27 s."""
RECOVERY_LEASE = timedelta(minutes=2)
"""When a retry may ask again for itself although recovery has not closed the key: longer than a saga's lease. A step
that its machine took for dead may end the payment after all, and then nothing is left for recovery to find."""
SKEW = timedelta(seconds=2)
"""How far the clocks of two functions may be apart."""

_RUNNING, _RECOVERING, _COMPLETED = "IN_PROGRESS", "RECOVERING", "COMPLETED"
_OWNED = "#owner = :me AND fence = :fence AND #state = :held"
_END = ("SET #state = :completed, status_code = :code, body = :body, expires_at = :expires_at "
        "REMOVE lease_until")
_RETRY_AFTER = {_RUNNING: 2, _RECOVERING: 15}
_ROUNDS = 4
_Value = Mapping[str, str | bytes]


class DynamoGate:
    """`client` is boto3's low-level DynamoDB client, with few attempts and short timeouts."""

    def __init__(self, client: Any, table: str, *, lease: timedelta = LEASE, retention: timedelta = RETENTION) -> None:
        self._client, self._table, self._lease, self._retention = client, table, lease, retention

    def claim(self, key_hash: str, *, fingerprint: str, owner: str, mint: Callable[[], int], at: datetime,
              ) -> Won | Replay | Running | Mismatch:
        """See the port. Mints first: where no id is to be had nothing is written."""
        payment_id = mint()
        for _ in range(_ROUNDS):
            row = self._put(key_hash, fingerprint, owner, payment_id, at)
            if row is None:
                return Won(key_hash, payment_id, owner, fence=1, taken_over=False)
            if text(row, "owner") == owner:
                return _won(key_hash, row)
            if text(row, "fingerprint") != fingerprint:
                return Mismatch(number(row, "payment_id"))
            state = text(row, "state")
            if state == _COMPLETED:
                return Replay(number(row, "payment_id"), number(row, "status_code"), bytes(row["body"]["B"]))
            if number(row, "lease_until") >= millis(at - SKEW):
                return Running(number(row, "payment_id"), _RETRY_AFTER[state])
            if won := self._take_over(key_hash, row, owner, at):
                return won
        raise Retryable("the idempotency record changes hands too fast")

    def complete(self, won: Won, *, status_code: int, body: bytes, at: datetime) -> None:
        """Stores the final result. Raises Lost."""
        try:
            self._update(won.key_hash, _END, _OWNED, self._result(status_code, body, at) | _owned(won))
        except ConditionFailed as failed:
            if not _has_result(failed.row, won, status_code, body):
                raise Lost(f"payment {won.payment_id}: its idempotency record has another owner or is closed") from None

    def release(self, won: Won, *, at: datetime) -> None:
        """Forgets a claim before which nothing external happened. Raises Lost.

        What was taken over is not forgotten, as its first owner may have begun: its lease ends, so that the next retry
        inherits the payment_id at once.
        """
        try:
            if won.taken_over:
                over = millis(at - SKEW) - 1
                self._update(won.key_hash, "SET lease_until = :over", _OWNED, {":over": _n(over)} | _owned(won))
            else:
                call(self._client.delete_item, **self._conditional(won.key_hash, _OWNED, _owned(won)))
        except ConditionFailed as failed:
            if failed.row is not None:
                raise Lost(f"payment {won.payment_id}: its idempotency record has another owner") from None

    def hand_over(self, won: Won, *, at: datetime) -> None:
        """In doubt: recovery finishes it. It has no expiry until then. Raises Lost."""
        until = _n(millis(at + RECOVERY_LEASE))
        try:
            self._update(won.key_hash, "SET #state = :recovering, lease_until = :until REMOVE expires_at", _OWNED,
                         {":recovering": _s(_RECOVERING), ":until": until} | _owned(won))
        except ConditionFailed as failed:
            if not (_is_ours(failed.row, won) and failed.row and text(failed.row, "state") == _RECOVERING):
                raise Lost(f"payment {won.payment_id}: its idempotency record has another owner") from None

    def close(self, key_hash: str, *, payment_id: int, status_code: int, body: bytes, at: datetime) -> bool:
        """Recovery's end: stores the result of `payment_id` whoever owned the key.

        False where it was complete, or is no longer this payment's.
        """
        try:
            self._update(key_hash, _END, "payment_id = :payment AND #state <> :completed",
                         self._result(status_code, body, at) | {":payment": _n(payment_id)})
        except ConditionFailed:
            return False
        return True

    def _put(self, key_hash: str, fingerprint: str, owner: str, payment_id: int, at: datetime) -> Row | None:
        """None where the put won, else the row that stood in its way."""
        item = {
            "key_hash": _s(key_hash), "state": _s(_RUNNING), "owner": _s(owner), "fence": _n(1),
            "fingerprint": _s(fingerprint), "payment_id": _n(payment_id), "created_at": _n(millis(at)),
            "lease_until": _n(millis(at + self._lease)), "expires_at": _n(millis(at + self._retention) // 1000),
        }
        try:
            call(self._client.put_item, TableName=self._table, Item=item,
                 ConditionExpression="attribute_not_exists(key_hash) OR expires_at < :now",
                 ExpressionAttributeValues={":now": _n(millis(at - SKEW) // 1000)},
                 ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except ConditionFailed as failed:
            if failed.row is None:
                raise Retryable("DynamoDB refused a claim without showing the record") from None
            return failed.row
        return None

    def _take_over(self, key_hash: str, seen: Row, owner: str, at: datetime) -> Won | None:
        """The record with the next fence and the same payment; None where another was faster."""
        fence = number(seen, "fence") + 1
        won = Won(key_hash, number(seen, "payment_id"), owner, fence, taken_over=True)
        try:
            self._update(
                key_hash, "SET #state = :running, #owner = :me, fence = :next, lease_until = :until, "
                "expires_at = :expires_at",
                "fence = :seen AND #state <> :completed AND lease_until < :over AND fingerprint = :same",
                {":running": _s(_RUNNING), ":completed": _s(_COMPLETED), ":me": _s(owner), ":next": _n(fence),
                 ":seen": seen["fence"], ":same": seen["fingerprint"], ":over": _n(millis(at - SKEW)),
                 ":until": _n(millis(at + self._lease)),
                 ":expires_at": _n(millis(at + self._retention) // 1000)})
        except ConditionFailed as failed:
            return won if _is_ours(failed.row, won) else None
        return won

    def _result(self, status_code: int, body: bytes, at: datetime) -> dict[str, _Value]:
        return {":completed": _s(_COMPLETED), ":code": _n(status_code), ":body": {"B": body},
                ":expires_at": _n(millis(at + self._retention) // 1000)}

    def _update(self, key_hash: str, update: str, condition: str, values: Mapping[str, _Value]) -> None:
        request = self._conditional(key_hash, condition, values, update)
        call(self._client.update_item, UpdateExpression=update, **request)

    def _conditional(self, key_hash: str, condition: str, values: Mapping[str, _Value], update: str = "",
                     ) -> dict[str, Any]:
        said = f"{update} {condition}"
        names = {f"#{name}": name for name in ("state", "owner") if f"#{name}" in said}
        return {"TableName": self._table, "Key": {"key_hash": _s(key_hash)}, "ConditionExpression": condition,
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": dict(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def _owned(won: Won) -> dict[str, _Value]:
    return {":me": _s(won.owner), ":fence": _n(won.fence), ":held": _s(_RUNNING)}


def _is_ours(row: Row | None, won: Won) -> bool:
    return row is not None and text(row, "owner") == won.owner and number(row, "fence") == won.fence


def _has_result(row: Row | None, won: Won, status_code: int, body: bytes) -> bool:
    if row is None or not _is_ours(row, won) or text(row, "state") != _COMPLETED:
        return False
    return (number(row, "status_code"), bytes(row["body"]["B"])) == (status_code, body)


def _won(key_hash: str, row: Row) -> Won:
    """Our own write, whose answer was lost."""
    fence = number(row, "fence")
    return Won(key_hash, number(row, "payment_id"), text(row, "owner"), fence, taken_over=fence > 1)


def _s(value: str) -> _Value:
    return {"S": value}


def _n(value: int) -> _Value:
    return {"N": str(value)}
