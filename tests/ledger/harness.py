"""Payments for tests, driven through their life by changes as the saga makes them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pipeline.ledger.accounts import Balance
from pipeline.ledger.outbox import OutboxRow
from pipeline.ledger.port import Change, GatewayEvent, JournalStep, Ledger, NewPayment, Operation, Payment, Posting
from pipeline.ledger.statuses import Status
from pipeline.schemas.ids import compose

T0 = datetime(2026, 3, 5, 12, 0, 0, 123_000, tzinfo=UTC)
LEASE = timedelta(seconds=90)
LIMIT = 1_000_000
CURRENCY = "EUR"
FULL_LIFE = ("validate", "reserve", "authorizing", "authorize", "capturing", "capture", "commit")
_numbers = itertools.count(1)


def at(seconds: float = 0) -> datetime:
    """An instant of the tests' own day."""
    return T0 + timedelta(seconds=seconds)


def clock() -> datetime:
    """The time of recording of every test."""
    return at(0.5)


def fresh_id() -> int:
    """A payment id that no other test of this process has."""
    number = next(_numbers)
    return compose(T0 + timedelta(milliseconds=number >> 12), 1, number & 4095)


def new_payment(payment_id: int | None = None, merchant_id: str = "shop", amount_minor: int = 2_500,
                **columns: Any) -> NewPayment:
    """A payment that enters, with a hash of its own."""
    payment_id = payment_id or fresh_id()
    given: dict[str, Any] = {
        "currency": CURRENCY, "gateway": "stripe", "gateway_account": "acct_1", "capture_mode": "automatic",
        "method_token": "pm_card_visa", "idempotency_hash": f"hash-{payment_id}", "trace_id": f"trace-{payment_id}"}
    return NewPayment(payment_id=payment_id, merchant_id=merchant_id, amount_minor=amount_minor, **given | columns)


class LimitsAndOutbox(Protocol):
    """What Accounts and Outbox do."""

    def onboard(self, merchant_id: str, limits: Mapping[str, int], *, at: datetime) -> None: ...
    def balance(self, merchant_id: str, currency: str) -> Balance | None: ...
    def take(self, *, at: datetime, taken_until: datetime, limit: int, kinds: Collection[str] | None = None,
             ) -> list[OutboxRow]: ...
    def outbox_of(self, payment_id: int, *, at: datetime, taken_until: datetime, limit: int = 100,
                  kinds: Collection[str] | None = None) -> list[OutboxRow]: ...
    def delivered(self, outbox_ids: Sequence[str]) -> None: ...
    def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None: ...


class WebhookMemory(Protocol):
    """What the ledger remembers of gateways' events."""

    def seen(self, gateway: str, event_id: str) -> bool: ...
    def remember(self, gateway: str, event_id: str, *, kind: str, at: datetime, payment_id: int | None = None,
                 ) -> bool: ...
    def payment_of_merchant(self, payment_id: int, merchant_id: str) -> Payment | None: ...


class Both(Ledger, WebhookMemory, Protocol):
    """The port and the helpers beside it."""


@dataclass(frozen=True)
class Bench:
    """A ledger under test with its limits and its outbox."""

    ledger: Both
    books: LimitsAndOutbox

    def opened(self, **columns: Any) -> Payment:
        """A payment of a merchant with a limit, RECEIVED."""
        new = new_payment(**columns)
        if self.books.balance(new.merchant_id, new.currency) is None:
            self.books.onboard(new.merchant_id, {new.currency: LIMIT}, at=at())
        return self.ledger.open(new, execution="first", at=at(), lease_until=at() + LEASE)

    def driven(self, *names: str, **columns: Any) -> Payment:
        """A new payment after the named changes."""
        payment = self.opened(**columns)
        for name in names:
            payment = self.ledger.apply(change(payment, name))
        return payment

    def outbox(self, payment_id: int) -> list[OutboxRow]:
        """The payment's outbox rows, taken and given back."""
        rows = self.books.outbox_of(payment_id, at=at(), taken_until=at(1), limit=1_000)
        self.books.give_back([row.outbox_id for row in rows], taken_until=at(1))
        return rows


def change(payment: Payment, name: str, *, amount: int | None = None, fee: int = 75, sequence: int = 1,
           **more: Any) -> Change:
    """The named change of `payment` as it stands; `more` replaces fields of it."""
    amount = payment.amount_minor if amount is None else amount
    made = replace(Change(payment.payment_id, payment.fence, payment.version, at(payment.version)),
                   **_FIELDS[name](payment, amount, fee, sequence))
    return replace(made, **more)


def operation(payment: Payment, kind: str, status: str, amount: int, sequence: int = 1) -> Operation:
    """Something asked of the gateway, as the saga journals it."""
    key = str(payment.payment_id) if kind == "authorize" else f"{payment.payment_id}:{kind}"
    return Operation(payment.payment_id, kind, sequence, amount, status, key,
                     None if status == "pending" else f"{kind}_{payment.payment_id}", None, at(2))


def step(payment: Payment, name: str, state: str = "intended", direction: str = "forward",
         **detail: str) -> JournalStep:
    """A row of the saga journal."""
    return JournalStep(name, 1, direction, state, payment.fence, 1, detail)


def _posted(status: Status, posting: str) -> Any:
    def fields(p: Payment, amount: int, fee: int, sequence: int) -> dict[str, Any]:
        return {"status": status, "postings": [Posting(posting, sequence, amount, f"{posting.lower()}_{sequence}")]}
    return fields


def _moved(status: Status) -> Any:
    return lambda p, amount, fee, sequence: {"status": status}


_S = Status
_FIELDS: dict[str, Any] = {
    "validate": lambda p, amount, fee, sequence: {
        "status": _S.VALIDATED, "updates": {"fraud_decision": "approve", "fraud_score": 12, "fraud_model": "rules-1"},
        "ends": [step(p, "validate", "done")]},
    "reject": _moved(_S.REJECTED),
    "reserve": lambda p, amount, fee, sequence: {
        "status": _S.RESERVED, "postings": [Posting("RESERVE", sequence, amount)],
        "begins": [step(p, "reserve")], "ends": [step(p, "reserve", "done")]},
    "authorizing": lambda p, amount, fee, sequence: {
        "status": _S.AUTHORIZING, "begins": [step(p, "authorize")],
        "operations": [operation(p, "authorize", "pending", amount)]},
    "authorize": lambda p, amount, fee, sequence: {
        "status": _S.AUTHORIZED, "ends": [step(p, "authorize", "done")],
        "updates": {"gateway_ref": f"pi_{p.payment_id}", "authorized_minor": amount, "hold_expires_at": at(600)},
        "operations": [operation(p, "authorize", "succeeded", amount)]},
    "doubt": _moved(_S.IN_DOUBT),
    "decline": _posted(_S.DECLINED, "RELEASE"),
    "capturing": lambda p, amount, fee, sequence: {
        "status": _S.CAPTURING, "begins": [step(p, "capture")],
        "operations": [operation(p, "capture", "pending", amount)]},
    "capture": lambda p, amount, fee, sequence: {
        "status": _S.CAPTURED, "postings": [Posting("CAPTURE", sequence, amount, f"ch_{p.payment_id}")],
        "updates": {"captured_minor": amount}, "ends": [step(p, "capture", "done")]},
    "commit": lambda p, amount, fee, sequence: {
        "status": _S.COMMITTED, "release_lease": True,
        "postings": [Posting("COMMIT", sequence, p.captured_minor or amount, fee_minor=fee)]},
    "voiding": _moved(_S.VOIDING),
    "void": _posted(_S.VOIDED, "RELEASE"),
    "reverse_capture": _posted(_S.VOIDED, "CAPTURE_REVERSAL"),
    "refund": lambda p, amount, fee, sequence: {
        "status": _S.REFUNDED if p.refunded_minor + amount == p.captured_minor else _S.PARTIALLY_REFUNDED,
        "postings": [Posting("REFUND", sequence, amount, f"re_{sequence}")],
        "updates": {"refunded_minor": p.refunded_minor + amount}},
    "charge_back": _posted(_S.CHARGED_BACK, "CHARGEBACK"),
    "webhook": lambda p, amount, fee, sequence: {"gateway_event": GatewayEvent("stripe", f"evt_{sequence}", "any")},
}
