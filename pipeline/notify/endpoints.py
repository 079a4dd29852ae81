"""Where merchants want their webhooks, and with which secrets these are signed.

A DynamoDB table with the keys `merchant_id` and `endpoint_id` (S) and the attributes `url`, `secret`, `old_secret`,
`old_until` (ms), `created_at` (ms), `disabled_at` (ms) and `disabled_because`. The table is encrypted at rest; who only
counts endpoints (`active`) needs no right to read `secret` and `old_secret`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.dynamo import ConditionFailed, Row, call, millis, number, text
from pipeline.errors import Misused
from pipeline.notify.signing import new_secret

MOST = 10
"""Endpoints of one merchant."""
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """As it stands at one moment; `old_secret` counts until `old_until`."""

    merchant_id: str
    endpoint_id: str
    url: str
    secret: str = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_until: datetime | None
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None

    def secrets(self, at: datetime) -> tuple[str, ...]:
        """What webhooks are signed with: the newest first, during a rotation both."""
        old = self.old_secret if self.old_until is not None and at < self.old_until else None
        return (self.secret,) if old is None else (self.secret, old)


class Endpoints:
    """The table; `client` is boto3's low-level client. Everything may raise Retryable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def create(self, merchant_id: str, url: str, *, at: datetime) -> Endpoint:
        """A new endpoint with a secret of its own. Raises Misused where the merchant has it, or as many as may be."""
        there = self.of(merchant_id)
        if any(endpoint.url == url for endpoint in there):
            raise Misused("the merchant has an endpoint with this url already")
        if len(there) >= MOST:
            raise Misused(f"the merchant has {MOST} endpoints already; delete one first")
        made = Endpoint(merchant_id, f"we_{secrets.token_hex(10)}", url, new_secret(), None, None, at, None, None)
        item = {"merchant_id": {"S": merchant_id}, "endpoint_id": {"S": made.endpoint_id}, "url": {"S": url},
                "secret": {"S": made.secret}, "created_at": _ms(at)}
        call(self._client.put_item, TableName=self._table, Item=item,
             ConditionExpression="attribute_not_exists(endpoint_id)")
        return made

    def of(self, merchant_id: str) -> list[Endpoint]:
        """All of a merchant, the oldest first."""
        rows = self._query(merchant_id)
        return sorted((_endpoint(row) for row in rows), key=lambda one: (one.created_at, one.endpoint_id))

    def active(self, merchant_id: str) -> list[str]:
        """Ids of those that are not disabled, without their addresses and secrets."""
        rows = self._query(merchant_id, ProjectionExpression="merchant_id, endpoint_id, disabled_at",
                           Select="SPECIFIC_ATTRIBUTES")
        return sorted(text(row, "endpoint_id") for row in rows if "disabled_at" not in row)

    def get(self, merchant_id: str, endpoint_id: str) -> Endpoint | None:
        """One of them, None where it is not there."""
        row = call(self._client.get_item, **self._item(merchant_id, endpoint_id), ConsistentRead=True).get("Item")
        return None if row is None else _endpoint(row)

    def rotate(self, merchant_id: str, endpoint_id: str, *, overlap: timedelta, at: datetime) -> Endpoint:
        """A new secret; the one until now counts for `overlap` more, one before that no more. Raises Misused."""
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise Misused(f"an overlap is from 0 to {LONGEST_OVERLAP // timedelta(seconds=1)} seconds")
        before = self.get(merchant_id, endpoint_id)
        if before is None:
            raise _absent(merchant_id, endpoint_id)
        self._update(
            merchant_id, endpoint_id, "SET secret = :new, old_secret = secret, old_until = :until",
            {":new": {"S": new_secret()}, ":until": _ms(at + overlap), ":seen": {"S": before.secret}},
            # Of two rotations at once one is refused: it would end the secret that the other has just told.
            condition="secret = :seen")
        after = self.get(merchant_id, endpoint_id)
        if after is None:
            raise _absent(merchant_id, endpoint_id)
        return after

    def disable(self, merchant_id: str, endpoint_id: str, *, because: str, at: datetime) -> None:
        """Nothing goes there from now on. May be repeated. Raises Misused."""
        self._update(merchant_id, endpoint_id,
                     "SET disabled_at = if_not_exists(disabled_at, :at), "
                     "disabled_because = if_not_exists(disabled_because, :because)",
                     {":at": _ms(at), ":because": {"S": because}})

    def enable(self, merchant_id: str, endpoint_id: str) -> None:
        """Goes on with what happens from now on. May be repeated. Raises Misused."""
        self._update(merchant_id, endpoint_id, "REMOVE disabled_at, disabled_because", None)

    def delete(self, merchant_id: str, endpoint_id: str) -> None:
        """Forgets it with its secrets. Raises Misused where it is not there."""
        try:
            call(self._client.delete_item, **self._item(merchant_id, endpoint_id),
                 ConditionExpression="attribute_exists(endpoint_id)")
        except ConditionFailed:
            raise _absent(merchant_id, endpoint_id) from None

    def _update(self, merchant_id: str, endpoint_id: str, change: str, values: dict[str, Any] | None, *,
                condition: str = "attribute_exists(endpoint_id)") -> None:
        more = {} if values is None else {"ExpressionAttributeValues": values}
        try:
            call(self._client.update_item, **self._item(merchant_id, endpoint_id), UpdateExpression=change,
                 ConditionExpression=condition, **more)
        except ConditionFailed:
            raise _absent(merchant_id, endpoint_id, changed="seen" in condition) from None

    def _query(self, merchant_id: str, **more: Any) -> list[Row]:
        # A merchant's few endpoints are one page.
        return list(call(self._client.query, TableName=self._table, ConsistentRead=True, **more,
                         KeyConditionExpression="merchant_id = :merchant_id",
                         ExpressionAttributeValues={":merchant_id": {"S": merchant_id}}).get("Items", ()))

    def _item(self, merchant_id: str, endpoint_id: str) -> dict[str, Any]:
        return {"TableName": self._table,
                "Key": {"merchant_id": {"S": merchant_id}, "endpoint_id": {"S": endpoint_id}}}


def _absent(merchant_id: str, endpoint_id: str, *, changed: bool = False) -> Misused:
    if changed:
        return Misused(f"the secret of {endpoint_id} was changed at the same time; look again")
    return Misused(f"the merchant {merchant_id} has no endpoint {endpoint_id}")


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        merchant_id=text(row, "merchant_id"), endpoint_id=text(row, "endpoint_id"), url=text(row, "url"),
        secret=text(row, "secret"), old_secret=text(row, "old_secret") if "old_secret" in row else None,
        old_until=_time(row, "old_until"), created_at=datetime.fromtimestamp(number(row, "created_at") / 1000, UTC),
        disabled_at=_time(row, "disabled_at"),
        disabled_because=text(row, "disabled_because") if "disabled_because" in row else None)


def _time(row: Row, name: str) -> datetime | None:
    return datetime.fromtimestamp(number(row, name) / 1000, UTC) if name in row else None


def _ms(at: datetime) -> dict[str, str]:
    return {"N": str(millis(at))}
