"""What a change comes to, decided without a database: the payment after it, its journals, what the outbox is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.errors import Misused, Superseded
from pipeline.ledger.port import Change, Conflict, NewPayment, Payment, Posting
from pipeline.ledger.postings import Entry, Position, entries_of
from pipeline.ledger.rows import entry_row, event_row, line, outcome_row, state_row
from pipeline.ledger.statuses import FINAL, TRANSITIONS, Status
from pipeline.schemas.ulid import UlidFactory

UPDATABLE = frozenset({"gateway_ref", "authorized_minor", "captured_minor", "refunded_minor", "hold_expires_at",
                       "fraud_decision", "fraud_score", "fraud_model", "cause"})
"""Columns that a Change may set by name."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal to write, with the ids of its entries."""

    journal_id: str
    posting: Posting
    entries: tuple[tuple[str, Entry], ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row of the outbox: kind is ledger_entry, payment_state, payment_event or payment_outcome, body a JSON line."""

    outbox_id: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`held_more` is what the merchant's open holds grow by (negative: released); `event_seq` the last one given."""

    after: Payment
    journals: tuple[Journal, ...]
    outgoing: tuple[Outgoing, ...]
    held_more: int
    event_seq: int


def opened(new: NewPayment, *, execution: str, at: datetime, lease_until: datetime) -> Payment:
    """The row of a payment that enters."""
    return Payment(
        payment_id=new.payment_id, merchant_id=new.merchant_id, amount_minor=new.amount_minor, currency=new.currency,
        status=Status.RECEIVED, version=1, fence=1, gateway=new.gateway, gateway_account=new.gateway_account,
        gateway_ref=None, capture_mode=new.capture_mode, method_token=new.method_token,
        idempotency_hash=new.idempotency_hash, trace_id=new.trace_id, reference=new.reference,
        metadata=dict(new.metadata), saga="pay", saga_hash=new.idempotency_hash, saga_sequence=1, execution=execution,
        lease_until=lease_until, authorized_minor=None, captured_minor=0, refunded_minor=0, hold_expires_at=None,
        fraud_decision=None, fraud_score=None, fraud_model=None, cause=None, created_at=at, updated_at=at)


def claimable(payment: Payment, *, execution: str, at: datetime) -> bool | None:
    """Whether `execution` may take the payment over at `at`; None where it holds it already."""
    if payment.lease_until is None or payment.lease_until <= at:
        return True
    return None if payment.execution == execution else False


def decided(payment: Payment, change: Change) -> Payment:
    """`payment` after `change`. Raises Superseded, Conflict or Misused, in this order."""
    if change.fence < payment.fence:
        raise Superseded(f"payment {payment.payment_id} has fence {payment.fence}, this writer {change.fence}")
    if change.fence > payment.fence:
        raise Misused(f"fence {change.fence} of payment {payment.payment_id} was never given; it has {payment.fence}")
    if change.version != payment.version:
        raise Conflict(f"payment {payment.payment_id} is at version {payment.version}, not {change.version}")
    if change.status is not None and change.status not in TRANSITIONS[payment.status]:
        raise Misused(f"payment {payment.payment_id} cannot go from {payment.status} to {change.status}")
    if unknown := sorted(change.updates.keys() - UPDATABLE):
        raise Misused(f"a change cannot set {', '.join(unknown)}; it may set {', '.join(sorted(UPDATABLE))}")
    updates: dict[str, Any] = dict(change.updates)
    if min(updates.get("captured_minor", 0), updates.get("refunded_minor", 0)) < 0:
        raise Misused(f"payment {payment.payment_id}: less than nothing cannot be captured or refunded")
    if change.status is not None:
        updates |= {"status": change.status, "version": payment.version + 1}
    if change.release_lease:
        updates |= {"execution": None, "lease_until": None}
    elif change.lease_until is not None:
        if payment.lease_until is None:
            raise Misused(f"nobody holds payment {payment.payment_id}: a lease is claimed, not renewed")
        updates["lease_until"] = change.lease_until
    return replace(payment, updated_at=change.at, **updates)


def planned(payment: Payment, change: Change, *, position: Position, event_seq: int, ids: UlidFactory,
            recorded_at: datetime) -> Plan:
    """All that `change` writes beside operations and saga journal. Raises Superseded, Conflict or Misused."""
    after = decided(payment, change)
    journals: list[Journal] = []
    held_before = position.held_minor
    lines: list[tuple[str, str]] = []
    for posting in change.postings:
        entries, position = entries_of(posting, payment, position)
        journal = Journal(ids.new(change.at), posting, tuple((ids.new(change.at), entry) for entry in entries))
        journals.append(journal)
        lines += [("ledger_entry", line(entry_row(
            entry, after, posting, entry_id=entry_id, journal_id=journal.journal_id, entry_count=len(entries),
            at=change.at, recorded_at=recorded_at))) for entry_id, entry in journal.entries]
    if change.status is not None:
        lines.append(("payment_state", line(state_row(after, at=change.at, recorded_at=recorded_at))))
    for seq, event in enumerate(change.events, event_seq + 1):
        lines.append(("payment_event", line(event_row(
            event, after, event_id=ids.new(change.at), seq=seq, at=change.at, recorded_at=recorded_at))))
    if change.status in FINAL:
        lines.append(("payment_outcome", line(outcome_row(after, at=change.at))))
    return Plan(after=after, journals=tuple(journals),
                outgoing=tuple(Outgoing(ids.new(change.at), kind, body) for kind, body in lines),
                held_more=position.held_minor - held_before, event_seq=event_seq + len(change.events))


def first_line(payment: Payment, *, ids: UlidFactory, recorded_at: datetime) -> Outgoing:
    """What the outbox is told of a payment that was opened."""
    body = line(state_row(payment, at=payment.created_at, recorded_at=recorded_at))
    return Outgoing(ids.new(payment.created_at), "payment_state", body)
