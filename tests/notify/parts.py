"""What the notifications touch, in memory: a clock that stands, records of what was told, endpoints, a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import Retryable
from pipeline.notify.deliveries import Delivery
from pipeline.notify.delivering import Parts, deliver
from pipeline.notify.events import Event, event_of
from pipeline.notify.posting import Answer
from pipeline.notify.schedule import STANDARD, Schedule
from pipeline.notify.signing import new_secret
from pipeline.notify.told import Held

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACE = "1-69a42f00-0123456789abcdef01234567"


def message(event_id: str = "01EVENT", **more: Any) -> str:
    """A message of the outbox queue; `more` replaces members of the outcome, None leaves one out."""
    row: dict[str, Any] = {
        "payment_id": "7000000000000000001", "merchant_id": "shop", "status": "COMMITTED", "version": 8,
        "amount_minor": 1999, "currency": "EUR", "captured_minor": 1999, "refunded_minor": 0, "gateway": "adyen",
        "gateway_ref": "PSP1", "reference": "order 1", "cause": None, "trace_id": TRACE,
        "event_at": "2026-03-01T12:00:00.000Z", **more}
    return json.dumps({"outbox_id": event_id, "payment_id": row["payment_id"], "kind": "payment_outcome",
                       "created_at": "2026-03-01T12:00:00.000Z",
                       "body": json.dumps({name: value for name, value in row.items() if value != "absent"})})


def event(event_id: str = "01EVENT", **more: Any) -> Event:
    """An event."""
    return event_of(message(event_id, **more))


@dataclass
class Clock:
    """Stands until it is moved."""

    now: datetime = AT

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        """So many seconds go by."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Memory:
    """What was told, as told.Told keeps it. `loses`: so many next records are lost, as when the process dies."""

    done: dict[str, set[str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    loses: int = 0

    def claim(self, key: str, *, at: datetime) -> frozenset[str]:
        if key in self.held:
            raise Held(self.done.get(key, ()))
        self.held.add(key)
        return frozenset(self.done.get(key, ()))

    def record(self, key: str, done: Collection[str]) -> None:
        if self.loses:
            self.loses -= 1
            raise Retryable("the record was lost")
        self.done.setdefault(key, set()).update(done)

    def release(self, key: str) -> None:
        self.held.discard(key)


@dataclass
class Heard:
    """A channel that keeps what it is told; it refuses what `refuses` says."""

    name: str
    names: Sequence[str] = ()
    refuses: Callable[[str, Event], bool] = lambda target, event: False
    got: list[tuple[str, str, int]] = field(default_factory=list)

    def targets(self, event: Event) -> Sequence[str]:
        return self.names or (self.name,)

    def tell(self, target: str, event: Event) -> None:
        if self.refuses(target, event):
            raise ConnectionError(target)
        self.got.append((target, event.event_id, event.version))


@dataclass
class Shop:
    """An endpoint."""

    url: str = "https://shop.example/webhooks"
    all_secrets: tuple[str, ...] = field(default_factory=lambda: (new_secret(),))
    disabled_at: datetime | None = None
    disabled_because: str | None = None

    def secrets(self, at: datetime) -> tuple[str, ...]:
        return self.all_secrets


@dataclass
class Sent:
    """An attempt as it went out."""

    at: datetime
    url: str
    headers: dict[str, str]
    body: bytes


class Network:
    """Endpoints, queue and clock of deliveries: `run` lets time pass until nothing waits any more."""

    def __init__(self, answers: Sequence[Answer], *, schedule: str = STANDARD, draw: float = 0.0) -> None:
        self.clock, self.told, self.shop = Clock(), Memory(), Shop()
        self.answers, self.draw = list(answers), draw
        self.sent: list[Sent] = []
        self.queued: list[tuple[datetime, Delivery]] = []
        self.delays: list[float] = []
        self.given_up: list[tuple[Delivery, str]] = []
        self.parts = Parts(self, self.told, self, Schedule.of(schedule), self._again, self._give_up, self.clock,
                           lambda: self.draw)

    def get(self, merchant_id: str, endpoint_id: str) -> Shop | None:
        return self.shop if endpoint_id == "we_1" else None

    def disable(self, merchant_id: str, endpoint_id: str, *, because: str, at: datetime) -> None:
        self.shop.disabled_at, self.shop.disabled_because = at, because

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.sent.append(Sent(self.clock.now, url, dict(headers), body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def run(self, delivery: Delivery | None = None) -> list[str]:
        """What became of a delivery and of what it queued, in order."""
        outcomes = [deliver(delivery or Delivery.of(event(), "we_1"), self.parts)]
        while self.queued:
            due, waiting = self.queued.pop(0)
            self.clock.now = max(due, self.clock.now)
            outcomes.append(deliver(Delivery.read(waiting.text()), self.parts))
        return outcomes

    def _again(self, delivery: Delivery, delay_s: float) -> None:
        held = min(delay_s, 900)
        self.delays.append(delay_s)
        self.queued.append((self.clock.now + timedelta(seconds=held), delivery))

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        self.given_up.append((delivery, reason))
