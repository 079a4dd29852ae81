"""What becomes of one message of the webhooks' queue: it waits on, is attempted, is queued again, or has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.dynamo import millis
from pipeline.notify.deliveries import Delivery
from pipeline.notify.fanout import Record
from pipeline.notify.posting import Answer
from pipeline.notify.schedule import Schedule, wish
from pipeline.notify.signing import headers
from pipeline.notify.told import Held
from pipeline.telemetry import log
from pipeline.telemetry.trace import span, trace_headers
from pipeline.times import Clock

EARLY_MS = 500
"""Nearer than this to its time a message is not sent round once more."""
GONE = 410
OVER = "over"


class Target(Protocol):
    """What an attempt needs of an endpoint."""

    @property
    def url(self) -> str: ...
    @property
    def disabled_at(self) -> datetime | None: ...
    def secrets(self, at: datetime) -> tuple[str, ...]:
        """What it is signed with at `at`."""
        ...


class Endpoints(Protocol):
    """What deliveries ask of the merchants' endpoints."""

    def get(self, merchant_id: str, endpoint_id: str) -> Target | None:
        """As it stands now."""
        ...

    def disable(self, merchant_id: str, endpoint_id: str, *, because: str, at: datetime) -> None:
        """Nothing more goes there."""
        ...


class Poster(Protocol):
    """Makes one attempt; see posting.Poster."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a delivery touches. `again` queues a delivery for after so many seconds, `give_up` puts it to the
    dead letters, `draw` gives a number from 0 to 1."""

    endpoints: Endpoints
    told: Record
    poster: Poster
    schedule: Schedule
    again: Callable[[Delivery, float], None]
    give_up: Callable[[Delivery, str], None]
    clock: Clock
    draw: Callable[[], float]


def deliver(delivery: Delivery, parts: Parts) -> str:
    """One word for what happened: early, repeated, disabled, delivered, failed, gone or exhausted.

    Raises Held where another has the same delivery in hand, Retryable and whatever queueing raises: the message must
    then come again, and an attempt may be made twice, with the same webhook-id.
    """
    now = parts.clock()
    early_ms = delivery.not_before - millis(now)
    if early_ms > EARLY_MS:
        parts.again(delivery, early_ms / 1000)
        return "early"
    try:
        done = parts.told.claim(delivery.key, at=now)
    except Held as held:
        if _was_made(delivery, held.done):
            return "repeated"
        raise
    try:
        return "repeated" if _was_made(delivery, done) else _attempted(delivery, parts)
    finally:
        parts.told.release(delivery.key)


def _attempted(delivery: Delivery, parts: Parts) -> str:
    endpoint = parts.endpoints.get(delivery.merchant_id, delivery.endpoint_id)
    if endpoint is None or endpoint.disabled_at is not None:
        parts.told.record(delivery.key, [OVER])
        return "disabled"
    with span("webhook", delivery.trace_id, kind="client", payment_id=delivery.payment_id,
              merchant_id=delivery.merchant_id, event_id=delivery.event_id, version=delivery.version,
              attempt=delivery.attempt) as made:
        at = parts.clock()
        signed = headers(delivery.event_id, delivery.payload, endpoint.secrets(at), at=at)
        trace = trace_headers(delivery.trace_id, made)
        answer = parts.poster.post(endpoint.url, {**signed, **trace}, delivery.payload.encode())
        made.set(http_status=answer.status, code=answer.code)
        if answer.status is None or not 200 <= answer.status < 300:
            made.fail(answer.code if answer.status is None else "refused")
    outcome = _concluded(delivery, answer, parts)
    log("webhook", outcome=outcome, event_id=delivery.event_id, payment_id=delivery.payment_id,
        merchant_id=delivery.merchant_id, trace_id=delivery.trace_id, version=delivery.version,
        attempt=delivery.attempt, http_status=answer.status, code=answer.code)
    return outcome


def _concluded(delivery: Delivery, answer: Answer, parts: Parts) -> str:
    """Queues what comes next before it writes down that this attempt was made: a crash repeats, and loses nothing."""
    now = parts.clock()
    if answer.status is not None and 200 <= answer.status < 300:
        parts.told.record(delivery.key, [OVER])
        return "delivered"
    if answer.status == GONE:
        parts.endpoints.disable(delivery.merchant_id, delivery.endpoint_id, because="it answered 410 Gone", at=now)
        parts.told.record(delivery.key, [OVER])
        return "gone"
    wished = wish(answer.retry_after, at=now) if answer.status in (429, 503) else 0
    delay_s = parts.schedule.after(delivery.attempt, parts.draw, wish_s=wished)
    if delay_s is None:
        # As the attempt after the last one, which is made where somebody sends the message back to its queue.
        parts.give_up(delivery.next(not_before=0), f"answered {answer.status}" if answer.status else answer.code)
        parts.told.record(delivery.key, [_name(delivery)])
        return "exhausted"
    parts.again(delivery.next(not_before=millis(now) + round(delay_s * 1000)), delay_s)
    parts.told.record(delivery.key, [_name(delivery)])
    return "failed"


def _was_made(delivery: Delivery, done: Collection[str]) -> bool:
    return OVER in done or _name(delivery) in done


def _name(delivery: Delivery) -> str:
    return f"attempt:{delivery.attempt}"
