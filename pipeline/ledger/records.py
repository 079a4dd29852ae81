"""Between rows of the database and the port's records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from pipeline.ledger.plan import Journal, Outgoing, Plan
from pipeline.ledger.port import Change, JournalStep, Payment
from pipeline.ledger.statuses import Status

_PAYMENT = tuple(field.name for field in fields(Payment))
_STEP = tuple(field.name for field in fields(JournalStep))
_WRITTEN = ("payment_id", "fence", "version", "status", "gateway_ref", "execution", "lease_until", "authorized_minor",
            "captured_minor", "refunded_minor", "hold_expires_at", "fraud_decision", "fraud_score", "fraud_model",
            "cause", "updated_at")

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


def opening(payment: Payment, token: str) -> Parameters:
    """Parameters of `open_payment`."""
    return {name: getattr(payment, name) for name in _PAYMENT} | {
        "status": payment.status.value, "metadata": json.dumps(payment.metadata), "last_change": token}


def writing(plan: Plan, change: Change, token: str) -> Parameters:
    """Parameters of `update_payment`."""
    return {name: getattr(plan.after, name) for name in _WRITTEN} | {
        "status": plan.after.status.value, "before_version": change.version, "event_seq": plan.event_seq,
        "last_change": token}


def journal_rows(journals: Sequence[Journal], after: Payment, *, at: datetime, recorded_at: datetime) -> Parameters:
    """Parameters of `insert_journals`."""
    return {
        "payment_id": after.payment_id, "merchant_id": after.merchant_id, "payment_version": after.version,
        "gateway_ref": after.gateway_ref, "hold_expires_at": after.hold_expires_at, "trace_id": after.trace_id,
        "at": at, "recorded_at": recorded_at,
        "journal_ids": [journal.journal_id for journal in journals],
        "steps": [journal.posting.step for journal in journals],
        "sequences": [journal.posting.sequence for journal in journals],
        "entry_counts": [len(journal.entries) for journal in journals],
        "operation_refs": [journal.posting.operation_ref for journal in journals],
    }


def entry_rows(journals: Sequence[Journal]) -> Parameters:
    """Parameters of `insert_entries`."""
    lines = [(journal, number, entry_id, entry) for journal in journals
             for number, (entry_id, entry) in enumerate(journal.entries, 1)]
    return {
        "entry_ids": [entry_id for _, _, entry_id, _ in lines],
        "journal_ids": [journal.journal_id for journal, _, _, _ in lines],
        "line_nos": [number for _, number, _, _ in lines],
        "entry_counts": [len(journal.entries) for journal, _, _, _ in lines],
        "accounts": [entry.account for _, _, _, entry in lines],
        "directions": [entry.direction for _, _, _, entry in lines],
        "amounts": [entry.amount_minor for _, _, _, entry in lines],
        "currencies": [entry.currency for _, _, _, entry in lines],
    }


def outbox_rows(outgoing: Sequence[Outgoing], payment_id: int, at: datetime) -> Parameters:
    """Parameters of `insert_outbox`."""
    return {"payment_id": payment_id, "at": at, "outbox_ids": [row.outbox_id for row in outgoing],
            "kinds": [row.kind for row in outgoing], "bodies": [row.body for row in outgoing]}


def merged(steps: Sequence[JournalStep]) -> dict[StepKey, JournalStep]:
    """One per step, sequence and direction: the last, with the detail of all."""
    by_key: dict[StepKey, JournalStep] = {}
    for step in steps:
        key = (step.step, step.sequence, step.direction)
        earlier = by_key[key].detail if key in by_key else {}
        by_key[key] = JournalStep(step.step, step.sequence, step.direction, step.state, step.fence, step.attempts,
                                  {**earlier, **step.detail})
    return by_key


def step_rows(steps: Sequence[JournalStep], written: int, payment_id: int, at: datetime) -> Parameters:
    """Parameters of `upsert_saga_journal`; `written` rows of the payment are there already."""
    rows = list(merged(steps).values())
    return {
        "payment_id": payment_id, "at": at, "steps": [row.step for row in rows],
        "sequences": [row.sequence for row in rows], "directions": [row.direction for row in rows],
        "positions": list(range(written + 1, written + 1 + len(rows))), "states": [row.state for row in rows],
        "fences": [row.fence for row in rows], "attempts": [row.attempts for row in rows],
        "details": [json.dumps(row.detail) for row in rows],
    }
