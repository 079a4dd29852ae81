"""Sends rows of the outbox where their kind goes: at least once, and exactly what was delivered is forgotten."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.errors import Misused
from pipeline.telemetry.trace import span, trace_headers
from pipeline.times import Clock, iso_ms

OUTCOME = "payment_outcome"
"""The kind of what merchants and subscribers are told; all others are lines of lake tables."""

ROUND = 5_000
"""Rows that are taken at once: enough that each table's share fills most of a record."""
LENT = timedelta(seconds=60)
"""How long rows are lent; longer than the relay's timeout, so that two relays do not send the same ones."""

BATCH = 10
"""Messages that the queue takes at once."""
BATCH_BYTES = 250_000
"""Below the queue's limit of 256 KiB for all messages of a batch."""


class Row(Protocol):
    """A row of the outbox."""

    @property
    def outbox_id(self) -> str: ...
    @property
    def payment_id(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


class Outbox(Protocol):
    """What the relay asks of the ledger's outbox. All methods may raise Retryable."""

    def take(self, *, at: datetime, taken_until: datetime, limit: int,
             kinds: Collection[str] | None = None) -> Sequence[Row]:
        """Lends up to `limit` of the oldest free rows of `kinds` (None: of any)."""
        ...

    def outbox_of(self, payment_id: int, *, at: datetime, taken_until: datetime, limit: int = 100,
                  kinds: Collection[str] | None = None) -> Sequence[Row]:
        """The same of one payment."""
        ...

    def delivered(self, outbox_ids: Sequence[str]) -> None:
        """Forgets exactly these."""
        ...

    def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None:
        """Frees these at once."""
        ...


Send = Callable[[Sequence[Row]], frozenset[str]]
"""Sends rows of one kind and returns the outbox_ids of those that were accepted; the others will be sent again."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """taken: rows that were lent; delivered: of these, sent and forgotten; kinds: the delivered by their kind."""

    taken: int
    delivered: int
    kinds: Mapping[str, int] = field(default_factory=dict)


def relay(outbox: Outbox, routes: Mapping[str, Send], clock: Clock, *, payment_id: int | None = None,
          kinds: Collection[str] | None = None, limit: int = ROUND, until: datetime | None = None) -> Relayed:
    """Sends rows of one payment, or (None) round after round of the oldest until none is left or `until` is reached.

    `routes` says by kind who sends, in the order of sending; rows of other kinds, or (with `kinds`) of others than
    these, stay. What was not accepted is given back at the end, so that it holds up nothing behind it; a round of
    which nothing was accepted is the last. May raise Retryable, and Misused for a kind without a route.
    """
    chosen = list(routes) if kinds is None else list(kinds)
    if strangers := sorted(set(chosen) - routes.keys()):
        raise Misused(f"no route for {', '.join(strangers)}; there are {', '.join(routes)}")
    taken, counts, left = 0, Counter[str](), list[tuple[datetime, list[str]]]()
    while True:
        at = clock()
        lent = at + LENT
        rows = (outbox.take(at=at, taken_until=lent, limit=limit, kinds=chosen) if payment_id is None
                else outbox.outbox_of(payment_id, at=at, taken_until=lent, limit=limit, kinds=chosen))
        sent = _sent(rows, routes)
        # By their ids and never by a watermark: rows commit out of order.
        if sent:
            outbox.delivered(sorted(sent))
        taken += len(rows)
        counts.update(row.kind for row in rows if row.outbox_id in sent)
        if rest := sorted({row.outbox_id for row in rows} - sent):
            left.append((lent, rest))
        if len(rows) < limit or not sent or (until is not None and clock() >= until):
            break
    for lent, rest in left:
        outbox.give_back(rest, taken_until=lent)
    return Relayed(taken, counts.total(), dict(counts))


@dataclass(frozen=True, slots=True)
class Message:
    """A row as it goes to the queue; `key` names it within its batch, `trace` is the trace that the reader goes on."""

    key: str
    body: str
    trace: str = ""


def message(row: Row) -> Message:
    """A row as JSON: outbox_id, payment_id (a string), kind, created_at, and body, which is a JSON document as text."""
    payment_id = None if row.payment_id is None else str(row.payment_id)
    text = json.dumps({"outbox_id": row.outbox_id, "payment_id": payment_id, "kind": row.kind,
                       "created_at": iso_ms(row.created_at), "body": row.body}, separators=(",", ":"))
    return Message(row.outbox_id, text)


def queue(client: Any, url: str) -> Send:
    """Sends to an SQS queue; what a batch did not take is tried once more alone. `client`: boto3's sqs."""

    def put(batch: Sequence[Message]) -> set[str]:
        try:
            answer = client.send_message_batch(QueueUrl=url, Entries=[_entry(sent) for sent in batch])
        except Exception:
            # It may have arrived all the same; it is sent again, and receivers know it by its id.
            return set()
        return {str(entry["Id"]) for entry in answer.get("Successful", ())}

    def send(rows: Sequence[Row]) -> frozenset[str]:
        sent: set[str] = set()
        for batch in _batches([_traced(row) for row in rows]):
            accepted = put(batch)
            for rest in [one for one in batch if one.key not in accepted]:
                accepted |= put([rest])
            sent |= accepted
        return frozenset(sent)

    return send


def _traced(row: Row) -> Message:
    """The row's message; that it leaves is part of its payment's trace."""
    told = message(row)
    trace_id = _trace_id(row.body)
    if not trace_id:
        return told
    with span("relay", trace_id, kind="producer", payment_id=row.payment_id, outbox_id=row.outbox_id) as made:
        return replace(told, trace=trace_headers(trace_id, made)["X-Amzn-Trace-Id"])


def _trace_id(body: str) -> str:
    try:
        found = json.loads(body).get("trace_id")
    except (ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


def _entry(sent: Message) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": sent.key, "MessageBody": sent.body}
    if sent.trace:
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": {"StringValue": sent.trace, "DataType": "String"}}
    return entry


def _sent(rows: Sequence[Row], routes: Mapping[str, Send]) -> set[str]:
    sent: set[str] = set()
    for kind, send in routes.items():
        mine = [row for row in rows if row.kind == kind]
        if mine:
            sent |= _accepted(send, mine)
    return sent


def _accepted(send: Send, rows: Sequence[Row]) -> set[str]:
    try:
        return set(send(rows)) & {row.outbox_id for row in rows}
    except Exception:
        # Some may have arrived; all are sent again.
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
