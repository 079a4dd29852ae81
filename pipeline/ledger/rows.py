"""What the lake is told: the rows of pipeline/schemas/ledger.py as JSON lines, as they leave through the outbox."""

from __future__ import annotations

import json
from datetime import datetime

from pipeline.ledger.port import Event, Payment, Posting
from pipeline.ledger.postings import Entry
from pipeline.schemas.ids import minted_at
from pipeline.times import iso_ms

Row = dict[str, str | int | None]


def line(row: Row) -> str:
    """`row` as one line of JSON without blanks; text outside ASCII is escaped."""
    return json.dumps(row, separators=(",", ":"))


def entry_row(entry: Entry, payment: Payment, posting: Posting, *, entry_id: str, journal_id: str, entry_count: int,
              at: datetime, recorded_at: datetime) -> Row:
    """A row of the lake table ledger_entries; `payment` is as the journal's transaction leaves it."""
    return {
        "entry_id": entry_id, "journal_id": journal_id, "payment_id": payment.payment_id,
        "merchant_id": payment.merchant_id, "step": posting.step, "sequence": posting.sequence,
        "account": entry.account, "direction": entry.direction, "amount_minor": entry.amount_minor,
        "currency": entry.currency, "journal_entry_count": entry_count, "gateway": payment.gateway,
        "gateway_account": payment.gateway_account, "gateway_ref": payment.gateway_ref,
        "operation_ref": posting.operation_ref, "hold_expires_at": _iso(payment.hold_expires_at),
        "payment_version": payment.version, "trace_id": payment.trace_id, "event_at": iso_ms(at),
        "recorded_at": iso_ms(recorded_at),
    }


def state_row(payment: Payment, *, at: datetime, recorded_at: datetime) -> Row:
    """A row of the lake table payment_states for the transition that led to `payment`."""
    return {
        "payment_id": payment.payment_id, "merchant_id": payment.merchant_id, "version": payment.version,
        "status": payment.status.value, "amount_minor": payment.amount_minor, "currency": payment.currency,
        "gateway": payment.gateway, "gateway_account": payment.gateway_account, "gateway_ref": payment.gateway_ref,
        "capture_mode": payment.capture_mode, "hold_expires_at": _iso(payment.hold_expires_at),
        "id_at": iso_ms(minted_at(payment.payment_id)), "trace_id": payment.trace_id, "event_at": iso_ms(at),
        "recorded_at": iso_ms(recorded_at),
    }


def event_row(event: Event, payment: Payment, *, event_id: str, seq: int, at: datetime, recorded_at: datetime) -> Row:
    """A row of the lake table payment_events."""
    return {
        "event_id": event_id, "payment_id": payment.payment_id, "merchant_id": payment.merchant_id, "seq": seq,
        "step": event.step, "outcome": event.outcome, "attempt": event.attempt, "duration_us": event.duration_us,
        "error_code": event.error_code, "gateway": payment.gateway, "trace_id": payment.trace_id,
        "event_at": iso_ms(at), "recorded_at": iso_ms(recorded_at),
    }


def control_row(*, hour_start: datetime, covers_until: datetime, currency: str, step: str, bucket: int,
                entry_count: int, debit_minor: int, digest: str, recorded_at: datetime) -> Row:
    """A row of the lake table ledger_control: a revision of what the ledger holds of an hour."""
    return {
        "hour_start": iso_ms(hour_start), "covers_until": iso_ms(covers_until), "currency": currency, "step": step,
        "bucket": bucket, "entry_count": entry_count, "debit_minor": debit_minor, "digest": digest,
        "recorded_at": iso_ms(recorded_at),
    }


def outcome_row(payment: Payment, *, at: datetime) -> Row:
    """What merchants and subscribers are told of a final status; payment_id is text, as in all JSON but the lake's."""
    return {
        "payment_id": str(payment.payment_id), "merchant_id": payment.merchant_id, "status": payment.status.value,
        "version": payment.version, "amount_minor": payment.amount_minor, "currency": payment.currency,
        "captured_minor": payment.captured_minor, "refunded_minor": payment.refunded_minor,
        "gateway": payment.gateway, "gateway_ref": payment.gateway_ref, "reference": payment.reference,
        "cause": payment.cause, "trace_id": payment.trace_id, "event_at": iso_ms(at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso_ms(at)
