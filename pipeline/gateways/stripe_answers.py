"""What Stripe's PaymentIntents, refunds and errors mean in the port's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import stripe

from pipeline.gateways.port import Answer, Found
from pipeline.gateways.reading import (
    Json,
    Unreadable,
    maybe_text,
    maybe_whole,
    object_at,
    text_at,
    whole_at,
)
from pipeline.gateways.transport import outcome_of
from pipeline.money import UnrepresentableAmount, from_gateway
from pipeline.outcomes import Outcome
from pipeline.schemas.currency import UnknownCurrency

_STATES = {"requires_payment_method": "declined", "requires_confirmation": "requires_action",
           "requires_action": "requires_action", "processing": "processing", "requires_capture": "authorized",
           "canceled": "voided", "succeeded": "captured"}
_PROGRESS = ("declined", "voided", "requires_action", "processing", "authorized", "captured")
_NO_SUCH_METHOD = ("resource_missing", "payment_method_unexpected_state", "payment_method_not_available")


def authorized(intent: Json, *, replayed: bool) -> Answer:
    """A PaymentIntent that was confirmed. Raises Unreadable."""
    status, ref = text_at(intent, "status"), text_at(intent, "id")
    if status == "requires_capture":
        return Answer(Outcome.OK, gateway_ref=ref, operation_ref=_charge(intent), replayed=replayed,
                      amount_minor=_amount(intent, "amount_capturable"), expires_at=_lapses(intent))
    if status in ("requires_action", "requires_confirmation"):
        return Answer(Outcome.VOID, "authentication_required", gateway_ref=ref, replayed=replayed)
    if status in ("requires_payment_method", "canceled"):
        code = maybe_text(intent, "last_payment_error", "code") or status
        return Answer(Outcome.DECLINED, code, gateway_ref=ref, replayed=replayed)
    return Answer(Outcome.IN_DOUBT, status, gateway_ref=ref, replayed=replayed)


def captured(intent: Json, *, replayed: bool) -> Answer:
    """A PaymentIntent that was to be captured. Raises Unreadable."""
    status, ref = text_at(intent, "status"), text_at(intent, "id")
    if status == "succeeded":
        return Answer(Outcome.OK, gateway_ref=ref, operation_ref=_charge(intent), replayed=replayed,
                      amount_minor=_amount(intent, "amount_received"))
    if status == "canceled":
        return Answer(Outcome.DECLINED, "canceled", gateway_ref=ref, replayed=replayed)
    return Answer(Outcome.IN_DOUBT, status, gateway_ref=ref, replayed=replayed)


def voided(intent: Json, *, replayed: bool) -> Answer:
    """A PaymentIntent that was to be cancelled. Raises Unreadable."""
    status, ref = text_at(intent, "status"), text_at(intent, "id")
    if status == "canceled":
        return Answer(Outcome.OK, gateway_ref=ref, replayed=replayed)
    if status == "succeeded":
        return Answer(Outcome.DECLINED, "captured", gateway_ref=ref, operation_ref=_charge(intent), replayed=replayed)
    return Answer(Outcome.IN_DOUBT, status, gateway_ref=ref, replayed=replayed)


def refunded(refund: Json, gateway_ref: str, *, replayed: bool) -> Answer:
    """A refund; `pending` is OK, its failure comes as an event. Raises Unreadable."""
    status, ref = text_at(refund, "status"), text_at(refund, "id")
    if status in ("failed", "canceled"):
        code = maybe_text(refund, "failure_reason") or status
        return Answer(Outcome.DECLINED, code, gateway_ref=gateway_ref, operation_ref=ref, replayed=replayed)
    return Answer(Outcome.OK, gateway_ref=gateway_ref, operation_ref=ref, replayed=replayed,
                  amount_minor=_amount(refund, "amount"))


def found(intent: Json) -> Found:
    """A PaymentIntent as the book's state. Raises Unreadable."""
    status = text_at(intent, "status")
    if status not in _STATES:
        raise Unreadable(f"unknown status {status!r}")
    code = maybe_text(intent, "last_payment_error", "code")
    refunded_part = maybe_whole(intent, "latest_charge", "amount_refunded")
    return Found(
        _STATES[status], gateway_ref=text_at(intent, "id"), detail={"code": code} if code else {},
        capture_ref=_charge(intent) if status == "succeeded" else None,
        authorized_minor=_amount(intent, "amount_capturable") if status == "requires_capture" else None,
        captured_minor=_amount(intent, "amount_received"),
        refunded_minor=None if refunded_part is None else _minor(refunded_part, intent))


def refused(error: stripe.StripeError, settled: Callable[..., Answer] | None) -> Answer:
    """An error answer. `settled` reads the PaymentIntent inside it: one that is at its end is the answer."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    what, status = object_at(body, "error"), error.http_status or 0
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    intent, code = object_at(what, "payment_intent"), maybe_text(what, "code")
    answer = Answer(_refusal(what, status), code or maybe_text(what, "type") or f"http_{status}",
                    gateway_ref=maybe_text(intent, "id"), replayed=replayed)
    if status >= 500:
        return replace(answer, code=f"http_{status}")
    if answer.outcome is Outcome.DECLINED and code == "resource_missing":
        return replace(answer, code="invalid_method")
    if settled is not None and 400 <= status < 500:
        told = _settled(intent, settled)
        if told is not None:
            return told
        if code == "payment_intent_unexpected_state":
            # Refused for a state that is not final: a look-up has to tell, not the next call with this key.
            return replace(answer, outcome=Outcome.IN_DOUBT)
    return answer


def asked_again(answer: Answer) -> Answer:
    """The answer to a question that was not answered: nothing is in doubt by it, so it may be asked again."""
    return replace(answer, outcome=Outcome.RETRYABLE) if answer.outcome is Outcome.IN_DOUBT else answer


def payment_id_of(value: Json) -> int | None:
    """Our payment id in the metadata of an object, None where there is none."""
    text = maybe_text(value, "metadata", "payment_id")
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 19 else None


def progress(intent: Json) -> int:
    """How far a PaymentIntent has come, to tell which of several counts."""
    return _PROGRESS.index(_STATES.get(maybe_text(intent, "status") or "", "declined"))


def _settled(intent: Json, settled: Callable[..., Answer]) -> Answer | None:
    """What the PaymentIntent inside a refusal says by itself, None where it is not at its end."""
    try:
        told = settled(intent, replayed=True)
    except Unreadable:
        return None
    return None if told.outcome is Outcome.IN_DOUBT else told


def _refusal(what: Json, status: int) -> Outcome:
    code, kind, param = (maybe_text(what, name) for name in ("code", "type", "param"))
    if status >= 500:
        return Outcome.IN_DOUBT
    if kind == "card_error" or code == "charge_expired_for_capture" or code == "charge_already_refunded":
        return Outcome.DECLINED
    if param == "payment_method" and code in _NO_SUCH_METHOD:
        return Outcome.DECLINED
    return outcome_of(status)


def _charge(intent: Json) -> str | None:
    return maybe_text(intent, "latest_charge") or maybe_text(intent, "latest_charge", "id")


def _lapses(intent: Json) -> datetime | None:
    at = maybe_whole(intent, "latest_charge", "payment_method_details", "card", "capture_before")
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _amount(value: Json, name: str) -> int:
    return _minor(whole_at(value, name), value)


def _minor(amount: int, value: Json) -> int:
    try:
        return from_gateway(amount, text_at(value, "currency").upper(), "stripe")
    except (UnrepresentableAmount, UnknownCurrency):
        raise Unreadable("an amount that the ledger cannot count") from None
