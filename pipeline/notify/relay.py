"""Sends rows of the outbox to its queue: at least once, and of what was taken exactly the delivered is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.times import Clock, iso_ms

BATCH = 10
"""Messages that the queue takes at once."""
BATCH_BYTES = 250_000
"""Below the queue's limit of 256 KiB for all messages of a batch."""
LENT = timedelta(seconds=60)
"""How long rows are lent; longer than the relay's timeout, so that two relays do not send the same ones."""


class Row(Protocol):
    """A row of the outbox."""

    @property
    def outbox_id(self) -> str: ...
    @property
    def payment_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


class Outbox(Protocol):
    """What the relay asks of the ledger's outbox. All methods may raise Retryable."""

    def take(self, *, at: datetime, taken_until: datetime, limit: int) -> Sequence[Row]:
        """Lends up to `limit` of the oldest free rows."""
        ...

    def outbox_of(self, payment_id: int, *, at: datetime, taken_until: datetime, limit: int = 100) -> Sequence[Row]:
        """The same of one payment."""
        ...

    def delivered(self, outbox_ids: Sequence[str]) -> None:
        """Forgets exactly these."""
        ...

    def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None:
        """Frees these at once."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A row as it goes to the queue; `key` names it within its batch."""

    key: str
    body: str


Send = Callable[[Sequence[Message]], frozenset[str]]
"""Sends up to BATCH messages and returns the keys of those that were accepted; the others may be sent again alone."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """taken: rows that were lent; delivered: of these, sent and forgotten."""

    taken: int
    delivered: int


def relay(outbox: Outbox, send: Send, clock: Clock, *, payment_id: int | None = None, limit: int = 100,
          until: datetime | None = None) -> Relayed:
    """Sends rows of one payment, or (None) round after round of the oldest until none is left or `until` is reached.

    What was not accepted is tried once more alone, then given back for the next relay. May raise Retryable.
    """
    taken = delivered = 0
    while True:
        at = clock()
        lent = at + LENT
        rows = (outbox.take(at=at, taken_until=lent, limit=limit) if payment_id is None
                else outbox.outbox_of(payment_id, at=at, taken_until=lent, limit=limit))
        sent = _send_all(rows, send)
        # By their ids and never by a watermark: rows commit out of order.
        if sent:
            outbox.delivered(sorted(sent))
        left = sorted({row.outbox_id for row in rows} - sent)
        if left:
            outbox.give_back(left, taken_until=lent)
        taken, delivered = taken + len(rows), delivered + len(sent)
        if left or len(rows) < limit or (until is not None and clock() >= until):
            return Relayed(taken, delivered)


def message(row: Row) -> Message:
    """A row as JSON: outbox_id, payment_id (a string), kind, created_at, and body, which is a JSON document as text."""
    text = json.dumps({"outbox_id": row.outbox_id, "payment_id": str(row.payment_id), "kind": row.kind,
                       "created_at": iso_ms(row.created_at), "body": row.body}, separators=(",", ":"))
    return Message(row.outbox_id, text)


def queue(client: Any, url: str) -> Send:
    """Sends to an SQS queue. `client`: boto3's sqs."""

    def send(messages: Sequence[Message]) -> frozenset[str]:
        answer = client.send_message_batch(QueueUrl=url, Entries=[
            {"Id": sent.key, "MessageBody": sent.body} for sent in messages])
        return frozenset(str(entry["Id"]) for entry in answer.get("Successful", ()))

    return send


def _send_all(rows: Sequence[Row], send: Send) -> set[str]:
    sent: set[str] = set()
    for batch in _batches([message(row) for row in rows]):
        accepted = _send(batch, send)
        for rest in [one for one in batch if one.key not in accepted]:
            accepted |= _send([rest], send)
        sent |= accepted
    return sent


def _send(batch: Sequence[Message], send: Send) -> set[str]:
    try:
        return set(send(batch))
    except Exception:
        # It may have arrived all the same; it is sent again, and receivers know it by its id.
        return set()


def _batches(messages: Sequence[Message]) -> list[list[Message]]:
    batches: list[list[Message]] = []
    size = 0
    for one in messages:
        length = len(one.body.encode())
        if not batches or len(batches[-1]) == BATCH or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(one)
        size += length
    return batches
