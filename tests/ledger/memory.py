"""A ledger in memory with the semantics of the one on PostgreSQL: both pass tests/ledger/test_contract.py."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.errors import Misused
from pipeline.ledger.accounts import Balance
from pipeline.ledger.outbox import OutboxRow
from pipeline.ledger.plan import (
    Journal,
    Outgoing,
    Plan,
    claimable,
    decided,
    first_line,
    opened,
    planned,
)
from pipeline.ledger.port import (
    Change,
    DuplicateEvent,
    DuplicatePosting,
    JournalStep,
    LimitReached,
    NewPayment,
    Operation,
    Payment,
    Tombstoned,
)
from pipeline.ledger.postings import Entry, Position, hold
from pipeline.ledger.records import StepKey, merged
from pipeline.ledger.statuses import Status
from pipeline.money import Money
from pipeline.schemas.ulid import UlidFactory
from pipeline.times import Clock


@dataclass
class _Kept:
    """All that belongs to one payment."""

    payment: Payment
    event_seq: int = 0
    journals: list[Journal] = field(default_factory=list)
    operations: dict[tuple[str, int], Operation] = field(default_factory=dict)
    steps: dict[StepKey, JournalStep] = field(default_factory=dict)


class MemoryLedger:
    """The port's Ledger with what Accounts and Outbox do. Thread-safe: one change at a time.

    Without a `clock` what was written is recorded at the instant of the change.
    """

    def __init__(self, *, clock: Clock | None = None, ids: UlidFactory | None = None) -> None:
        self._kept: dict[int, _Kept] = {}
        self._balances: dict[tuple[str, str], Balance] = {}
        self._events: dict[tuple[str, str], str] = {}
        self._outbox: dict[str, tuple[OutboxRow, datetime | None]] = {}
        self._clock = clock
        self._ids = ids or UlidFactory()
        self._lock = threading.RLock()

    def open(self, new: NewPayment, *, execution: str, at: datetime, lease_until: datetime) -> Payment:
        with self._lock:
            twin = self._kept.get(new.payment_id) or next(
                (kept for kept in self._kept.values() if kept.payment.merchant_id == new.merchant_id
                 and kept.payment.idempotency_hash == new.idempotency_hash), None)
            if twin is not None:
                return twin.payment
            payment = opened(new, execution=execution, at=at, lease_until=lease_until)
            self._kept[new.payment_id] = _Kept(payment)
            first = first_line(payment, ids=self._ids, recorded_at=self._recorded(at))
            self._put_out((first,), payment.payment_id, at)
            return payment

    def claim(self, payment_id: int, *, execution: str, at: datetime, lease_until: datetime, saga: str | None = None,
              saga_hash: str | None = None) -> Payment | None:
        with self._lock:
            kept = self._kept.get(payment_id)
            if kept is None:
                return None
            payment = kept.payment
            free = claimable(payment, execution=execution, at=at)
            if not free:
                return payment if free is None else None
            kept.payment = replace(
                payment, fence=payment.fence + 1, execution=execution, lease_until=lease_until, updated_at=at,
                saga=saga or payment.saga, saga_hash=saga_hash or payment.saga_hash,
                saga_sequence=payment.saga_sequence + (saga is not None))
            return kept.payment

    def payment(self, payment_id: int) -> Payment | None:
        kept = self._kept.get(payment_id)
        return kept.payment if kept else None

    def payment_of_merchant(self, payment_id: int, merchant_id: str) -> Payment | None:
        payment = self.payment(payment_id)
        return payment if payment is not None and payment.merchant_id == merchant_id else None

    def payment_of_reference(self, gateway: str, gateway_ref: str) -> Payment | None:
        return next((p for p in self._payments() if (p.gateway, p.gateway_ref) == (gateway, gateway_ref)), None)

    def operation(self, payment_id: int, kind: str, sequence: int = 1) -> Operation | None:
        kept = self._kept.get(payment_id)
        return kept.operations.get((kind, sequence)) if kept else None

    def journal(self, payment_id: int) -> list[JournalStep]:
        kept = self._kept.get(payment_id)
        return list(kept.steps.values()) if kept else []

    def open_hold_minor(self, payment_id: int) -> int:
        kept = self._kept.get(payment_id)
        return _position(kept).held_minor if kept else 0

    def unfinished(self, *, at: datetime, limit: int) -> list[int]:
        with self._lock:
            found = [(p.lease_until, p.payment_id) for p in self._payments()
                     if p.lease_until is not None and p.lease_until <= at]
            return [payment_id for _, payment_id in sorted(found)[:limit]]

    def expiring(self, *, before: datetime, limit: int) -> list[int]:
        with self._lock:
            found = [(p.hold_expires_at, p.payment_id) for p in self._payments()
                     if p.status is Status.AUTHORIZED and p.lease_until is None
                     and p.hold_expires_at is not None and p.hold_expires_at < before]
            return [payment_id for _, payment_id in sorted(found)[:limit]]

    def seen(self, gateway: str, event_id: str) -> bool:
        return (gateway, event_id) in self._events

    def remember(self, gateway: str, event_id: str, *, kind: str, at: datetime, payment_id: int | None = None) -> bool:
        with self._lock:
            return self._events.setdefault((gateway, event_id), key := f"{kind} {at} {payment_id}") is key

    def apply(self, change: Change) -> Payment:
        with self._lock:
            kept = self._kept.get(change.payment_id)
            if kept is None:
                raise Misused(f"there is no payment {change.payment_id}")
            decided(kept.payment, change)
            event = change.gateway_event
            if event is not None and self.seen(event.gateway, event.event_id):
                raise DuplicateEvent(f"{event.gateway} event {event.event_id}")
            _check_tombstones(kept, change)
            plan = planned(kept.payment, change, position=_position(kept), event_seq=kept.event_seq, ids=self._ids,
                           recorded_at=self._recorded(change.at))
            new = copy.copy(kept)
            _check_unique(kept, plan)
            new.operations, new.steps = _operations(kept, change), _steps(kept, change)
            self._hold(plan)
            new.payment, new.event_seq, new.journals = plan.after, plan.event_seq, [*kept.journals, *plan.journals]
            if event is not None:
                self._events[event.gateway, event.event_id] = event.kind
            self._put_out(plan.outgoing, change.payment_id, change.at)
            self._kept[change.payment_id] = new
            return plan.after

    def onboard(self, merchant_id: str, limits: Mapping[str, int], *, at: datetime) -> None:
        with self._lock:
            made: dict[tuple[str, str], Balance] = {}
            for amount in [Money(limit, currency) for currency, limit in sorted(limits.items())]:
                key = (hold(merchant_id), amount.currency)
                old = self._balances.get(key, Balance(*key, 0, 0))
                available = old.available_minor + amount.amount_minor - old.limit_minor
                if available < 0:
                    raise Misused(f"{merchant_id} has more held than {amount.amount_minor} {amount.currency}")
                made[key] = Balance(*key, amount.amount_minor, available)
            self._balances |= made

    def balance(self, merchant_id: str, currency: str) -> Balance | None:
        return self._balances.get((hold(merchant_id), currency))

    def entries(self) -> list[tuple[int, str, str, Entry]]:
        """Every entry with its payment, journal and step."""
        with self._lock:
            return [(payment_id, journal.journal_id, journal.posting.step, entry)
                    for payment_id, kept in self._kept.items() for journal in kept.journals
                    for _, entry in journal.entries]

    def take(self, *, at: datetime, taken_until: datetime, limit: int, kinds: Collection[str] | None = None,
             payment_id: int | None = None) -> list[OutboxRow]:
        with self._lock:
            free = [row for row, taken in self._outbox.values()
                    if (taken is None or taken <= at) and payment_id in (None, row.payment_id)
                    and (kinds is None or row.kind in kinds)]
            chosen = sorted(free, key=lambda row: row.outbox_id)[:limit]
            self._outbox |= {row.outbox_id: (row, taken_until) for row in chosen}
            return chosen

    def outbox_of(self, payment_id: int, *, at: datetime, taken_until: datetime, limit: int = 100,
                  kinds: Collection[str] | None = None) -> list[OutboxRow]:
        return self.take(at=at, taken_until=taken_until, limit=limit, kinds=kinds, payment_id=payment_id)

    def delivered(self, outbox_ids: Sequence[str]) -> None:
        with self._lock:
            for outbox_id in outbox_ids:
                self._outbox.pop(outbox_id, None)

    def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None:
        with self._lock:
            for outbox_id in outbox_ids:
                row, taken = self._outbox.get(outbox_id, (None, None))
                if row is not None and taken == taken_until:
                    self._outbox[outbox_id] = (row, None)

    def _payments(self) -> list[Payment]:
        return [kept.payment for kept in self._kept.values()]

    def _recorded(self, at: datetime) -> datetime:
        return at if self._clock is None else self._clock()

    def _put_out(self, outgoing: tuple[Outgoing, ...], payment_id: int, at: datetime) -> None:
        for row in outgoing:
            self._outbox[row.outbox_id] = (OutboxRow(row.outbox_id, payment_id, row.kind, row.body, at), None)

    def _hold(self, plan: Plan) -> None:
        if plan.held_more == 0:
            return
        key = (hold(plan.after.merchant_id), plan.after.currency)
        balance = self._balances.get(key)
        if balance is None or balance.available_minor < plan.held_more:
            raise LimitReached(f"{plan.after.merchant_id} has no room for {plan.held_more} more {plan.after.currency}")
        self._balances[key] = replace(balance, available_minor=balance.available_minor - plan.held_more)


def _position(kept: _Kept) -> Position:
    held = sum(entry.amount_minor if entry.direction == "D" else -entry.amount_minor
               for journal in kept.journals for _, entry in journal.entries
               if entry.account == hold(kept.payment.merchant_id))
    return Position(held, any(journal.posting.step == "COMMIT" for journal in kept.journals))


def _check_tombstones(kept: _Kept, change: Change) -> None:
    for step in change.begins:
        if step.direction == "forward" and (step.step, step.sequence, "undo") in kept.steps:
            raise Tombstoned(f"the undo of {step.step} {step.sequence} came first")


def _check_unique(kept: _Kept, plan: Plan) -> None:
    keys = [(journal.posting.step, journal.posting.sequence) for journal in (*kept.journals, *plan.journals)]
    if len(set(keys)) < len(keys):
        raise DuplicatePosting(f"payment {kept.payment.payment_id}: {keys}")


def _operations(kept: _Kept, change: Change) -> dict[tuple[str, int], Operation]:
    operations = dict(kept.operations)
    for new in change.operations:
        old = operations.get((new.kind, new.sequence), new)
        if old.gateway_key != new.gateway_key:
            raise Misused(f"{new.kind} {new.sequence} of payment {change.payment_id} has another gateway key")
        operations[new.kind, new.sequence] = replace(
            new, operation_ref=new.operation_ref or old.operation_ref,
            first_sent_at=old.first_sent_at or new.first_sent_at)
    return operations


def _steps(kept: _Kept, change: Change) -> dict[StepKey, JournalStep]:
    steps = dict(kept.steps)
    for key, step in merged([*change.begins, *change.ends]).items():
        earlier = steps[key].detail if key in steps else {}
        steps[key] = replace(step, detail={**earlier, **step.detail})
    return steps
