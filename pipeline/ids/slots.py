"""Worker slots on a DynamoDB table with key `slot` (N): leased by conditional writes, fenced by time bounds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from pipeline.dynamo import ConditionFailed, Row, call, number, text
from pipeline.errors import Retryable
from pipeline.ids.port import SLOTS, Lease, SlotLost

LEASE_MS = 60_000
MARGIN_MS = 10_000
"""How long a lease must have been over before another takes the slot."""

_BLIND_TRIES = 4
_SEEN_TRIES = 16


class DynamoSlots:
    """`client` is boto3's low-level DynamoDB client. `slots` and `lease_ms` differ in tests alone."""

    def __init__(self, client: Any, table: str, *, slots: int = SLOTS, lease_ms: int = LEASE_MS,
                 rng: random.Random | None = None) -> None:
        self._client, self._table, self._slots, self._lease_ms = client, table, slots, lease_ms
        self._rng = rng or random.SystemRandom()

    def claim(self, *, owner: str, at_ms: int) -> Lease:
        """See the port. Begins at random places, so that functions that start together do not queue for one slot."""
        for slot in self._rng.sample(range(self._slots), min(_BLIND_TRIES, self._slots)):
            if lease := self._try(slot, owner, at_ms):
                return lease
        free = self._free(at_ms)
        for slot in self._rng.sample(free, min(_SEEN_TRIES, len(free))):
            if lease := self._try(slot, owner, at_ms):
                return lease
        raise Retryable(f"no worker slot is free: {self._slots - len(free)} of {self._slots} are held")

    def renew(self, lease: Lease, *, at_ms: int) -> Lease:
        """See the port. A renewal whose answer was lost counts as lost: a copy of this process may have made it."""
        until = at_ms + self._lease_ms
        try:
            self._update(lease.slot, "SET lease_until = :until, ts_bound = :until",
                         "#owner = :me AND fence = :fence AND ts_bound = :bound AND ts_bound <= :until",
                         {":until": _n(until), ":me": {"S": lease.owner}, ":fence": _n(lease.fence),
                          ":bound": _n(lease.bound_ms)})
        except ConditionFailed:
            raise SlotLost(f"worker slot {lease.slot} is no longer held under fence {lease.fence}") from None
        return Lease(lease.slot, lease.owner, lease.fence, lease.start_ms, until, until)

    def in_use(self, *, at_ms: int) -> int:
        """How many slots cannot be claimed at `at_ms`. Reads the whole table; raises Retryable and Misused."""
        return self._slots - len(self._free(at_ms))

    def _try(self, slot: int, owner: str, at_ms: int) -> Lease | None:
        """The slot if it may be had. The bound of the one before is never in our future: where clocks differ by more
        than the margin, it is left to somebody with a later clock."""
        until = at_ms + self._lease_ms
        try:
            row = self._update(
                slot, "SET #owner = :me, fence = if_not_exists(fence, :none) + :one, lease_until = :until, "
                "ts_bound = :until",
                "attribute_not_exists(slot) OR (lease_until < :over AND ts_bound <= :now)",
                {":me": {"S": owner}, ":none": _n(0), ":one": _n(1), ":until": _n(until),
                 ":over": _n(at_ms - MARGIN_MS), ":now": _n(at_ms)})
        except ConditionFailed as failed:
            if failed.row is None or text(failed.row, "owner") != owner:
                return None
            row = failed.row
        return Lease(slot, owner, number(row, "fence"), at_ms + 1, until, until)

    def _free(self, at_ms: int) -> Sequence[int]:
        """Slots that nobody holds, as seen now."""
        held: set[int] = set()
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        while True:
            page = call(self._client.scan, **request)
            held |= {number(row, "slot") for row in page["Items"] if _is_held(row, at_ms)}
            if "LastEvaluatedKey" not in page:
                return sorted(set(range(self._slots)) - held)
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _update(self, slot: int, update: str, condition: str, values: dict[str, dict[str, str]]) -> Row:
        row: Row = call(
            self._client.update_item, TableName=self._table, Key={"slot": _n(slot)}, UpdateExpression=update,
            ConditionExpression=condition, ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues=values, ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD")["Attributes"]
        return row


def _is_held(row: Row, at_ms: int) -> bool:
    return number(row, "lease_until") >= at_ms - MARGIN_MS or number(row, "ts_bound") > at_ms


def _n(value: int) -> dict[str, str]:
    return {"N": str(value)}
