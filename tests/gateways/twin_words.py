"""How the book twin words its answers: stored as JSON, and read back for a first answer and for a replay."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime

from infra.local.gateways.keys import Reply
from infra.local.gateways.model import Payment, Refusal
from pipeline.gateways.port import Answer
from pipeline.outcomes import Outcome

_FAILURES = {
    "rate_limited": (Outcome.RETRYABLE, "rate_limit", "adyen_029"),
    "in_flight": (Outcome.IN_DOUBT, "idempotency_key_in_use", "in_flight"),
    "unauthorized": (Outcome.MISUSED, "http_401", "adyen_000"),
    "mismatch": (Outcome.MISUSED, "idempotency_error", "in_flight"),
    "too_long": (Outcome.MISUSED, "key_too_long", "key_too_long"),
    "error": (Outcome.IN_DOUBT, "http_500", "adyen_000"),
}
_STATES = {"new": "requires_action", "requires_action": "requires_action", "declined": "declined",
           "authorized": "authorized", "captured": "captured", "voided": "voided", "expired": "voided"}
_RANKS = ("declined", "voided", "requires_action", "authorized", "captured")


class TwinManners:
    """The desk's words for a twin of Stripe or Adyen."""

    def __init__(self, name: str) -> None:
        self._name = name

    def failure(self, kind: str) -> Reply:
        """What the adapters make of the same failure."""
        if kind == "unavailable":
            adyen = self._name == "adyen"
            return self.write(Answer(Outcome.RETRYABLE, "adyen_703") if adyen else Answer(Outcome.IN_DOUBT, "http_503"))
        outcome, stripe, adyen_code = _FAILURES[kind]
        return self.write(Answer(outcome, adyen_code if self._name == "adyen" else stripe))

    def replayed(self, reply: Reply, *, mismatch: bool) -> Reply:
        """Stripe refuses another request under a key, Adyen answers it with the first answer."""
        if mismatch and self._name == "stripe":
            return self.failure("mismatch")
        answer = self.read(reply)
        return self.write(replace(answer, replayed=self._name == "stripe"))

    def write(self, answer: Answer) -> Reply:
        """An answer as it is stored."""
        lapses = answer.expires_at.isoformat() if answer.expires_at else None
        return Reply(200, json.dumps({**asdict(answer), "expires_at": lapses}).encode())

    def read(self, reply: Reply) -> Answer:
        """The answer again."""
        values = json.loads(reply.body)
        lapses = datetime.fromisoformat(values["expires_at"]) if values["expires_at"] else None
        return Answer(**{**values, "outcome": Outcome(values["outcome"]), "expires_at": lapses})


def authorized(payment: Payment) -> tuple[Outcome, str | None]:
    """What an authorisation came to: outcome and short code."""
    if payment.state == "requires_action":
        return Outcome.VOID, "authentication_required"
    if payment.state != "declined":
        return Outcome.OK, None
    named = payment.code == "expired_card" or (payment.vendor == "adyen" and payment.code != "generic_decline")
    return Outcome.DECLINED, payment.code if named else "card_declined"


def rank(payment: Payment) -> int:
    """How far a payment has come, to tell which of several counts."""
    return _RANKS.index(state_of(payment))


def state_of(payment: Payment) -> str:
    """The port's word for a payment's state."""
    return _STATES[payment.state]


def refused(refusal: Refusal, kind: str, captured_minor: int) -> Answer:
    """What a refusal of Stripe's amounts to."""
    payment = refusal.payment
    assert payment is not None
    known = Answer(Outcome.OK, gateway_ref=payment.ref, replayed=True)
    if refusal.code == "already_captured":
        if kind == "capture":
            return replace(known, operation_ref=payment.charge, amount_minor=captured_minor)
        return replace(known, outcome=Outcome.DECLINED, code="captured", operation_ref=payment.charge)
    if refusal.code in ("already_voided", "expired") and kind == "void":
        return known
    if refusal.code == "already_voided":
        return replace(known, outcome=Outcome.DECLINED, code="canceled")
    codes = {"expired": (Outcome.DECLINED, "charge_expired_for_capture"),
             "fully_refunded": (Outcome.DECLINED, "charge_already_refunded"),
             "not_captured": (Outcome.MISUSED, "charge_not_captured"),
             "too_much": (Outcome.MISUSED, "amount_too_large")}
    outcome, code = codes.get(refusal.code, (Outcome.IN_DOUBT, "payment_intent_unexpected_state"))
    return Answer(outcome, code, gateway_ref=payment.ref)


def event_kind(name: str, kind: str) -> str:
    """The vendor's own name of an event."""
    stripe = {"authorize": "payment_intent.amount_capturable_updated", "capture": "payment_intent.succeeded",
              "void": "payment_intent.canceled", "refund": "refund.created", "refund_reversal": "refund.failed"}
    adyen = {"authorize": "AUTHORISATION", "capture": "CAPTURE", "capture_reversal": "CAPTURE_FAILED",
             "void": "CANCELLATION", "refund": "REFUND", "refund_reversal": "REFUND_FAILED"}
    return (adyen if name == "adyen" else stripe).get(kind, kind)
