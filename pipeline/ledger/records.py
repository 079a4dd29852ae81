"""Between rows of the database and the port's records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from pipeline.ledger.plan import Journal, Outgoing, Plan
from pipeline.ledger.port import Change, JournalStep, Payment
from pipeline.ledger.statuses import Status

_PAYMENT = tuple(field.name for field in fields(Payment))
_STEP = tuple(field.name for field in fields(JournalStep))
_OPERATION = ("kind", "sequence", "amount_minor", "status", "gateway_key", "operation_ref", "error_code")
_WRITTEN = ("payment_id", "merchant_id", "fence", "version", "status", "gateway_ref", "execution", "lease_until",
            "authorized_minor", "captured_minor", "refunded_minor", "hold_expires_at", "fraud_decision", "fraud_score",
            "fraud_model", "cause", "trace_id")

Parameters = dict[str, Any]
StepKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Locked:
    """A payment whose row is locked; `last_change` is the token of its last writer."""

    payment: Payment
    event_seq: int
    last_change: str


def payment_of(row: DictRow) -> Payment:
    """The payment in a row of `payments`."""
    return Payment(**{name: row[name] for name in _PAYMENT} | {"status": Status(row["status"])})


def locked_of(row: DictRow) -> Locked:
    """The same with what only the ledger knows of it."""
    return Locked(payment_of(row), row["event_seq"], row["last_change"])


def step_of(row: DictRow) -> JournalStep:
    """The step in a row of `saga_journal`."""
    return JournalStep(**{name: row[name] for name in _STEP})


def opening(payment: Payment, first: Outgoing, token: str) -> Parameters:
    """Parameters of `open_payment`."""
    return {name: getattr(payment, name) for name in _PAYMENT} | {
        "status": payment.status.value, "metadata": json.dumps(payment.metadata), "last_change": token,
        "outbox_id": first.outbox_id, "body": first.body}


def writing(plan: Plan, change: Change, token: str, recorded_at: datetime) -> Parameters:
    """Parameters of `write_change`."""
    return {name: getattr(plan.after, name) for name in _WRITTEN} | {
        "status": plan.after.status.value, "before_version": change.version, "event_seq": plan.event_seq,
        "last_change": token, "at": change.at, "recorded_at": recorded_at, "journals": _journals(plan.journals),
        "entries": _entries(plan.journals), "operations": _operations(change),
        "outgoing": json.dumps([{"outbox_id": row.outbox_id, "kind": row.kind, "body": row.body}
                                for row in plan.outgoing])}


def step_rows(change: Change) -> tuple[str, int]:
    """The JSON of `write_steps` and how many rows it has, one per step, sequence and direction."""
    begun = {_key(step) for step in change.begins}
    rows = [{name: getattr(step, name) for name in _STEP} | {"number": number, "begins": key in begun}
            for number, (key, step) in enumerate(merged([*change.begins, *change.ends]).items(), 1)]
    return json.dumps(rows), len(rows)


def merged(steps: Sequence[JournalStep]) -> dict[StepKey, JournalStep]:
    """One per step, sequence and direction: the last, with the detail of all."""
    by_key: dict[StepKey, JournalStep] = {}
    for step in steps:
        earlier = by_key.get(_key(step))
        by_key[_key(step)] = replace(step, detail={**earlier.detail, **step.detail}) if earlier else step
    return by_key


def _key(step: JournalStep) -> StepKey:
    return step.step, step.sequence, step.direction


def _journals(journals: Sequence[Journal]) -> str:
    return json.dumps([
        {"journal_id": journal.journal_id, "step": journal.posting.step, "sequence": journal.posting.sequence,
         "entry_count": len(journal.entries), "operation_ref": journal.posting.operation_ref} for journal in journals])


def _entries(journals: Sequence[Journal]) -> str:
    return json.dumps([
        {"entry_id": entry_id, "journal_id": journal.journal_id, "line_no": number, "entry_count": len(journal.entries),
         "account": entry.account, "direction": entry.direction, "amount_minor": entry.amount_minor,
         "currency": entry.currency}
        for journal in journals for number, (entry_id, entry) in enumerate(journal.entries, 1)])


def _operations(change: Change) -> str:
    return json.dumps([{name: getattr(operation, name) for name in _OPERATION} | {
        "first_sent_at": operation.first_sent_at.isoformat() if operation.first_sent_at else None}
        for operation in change.operations])
