"""Stripe's objects as its API shows them, from the book's payments and operations."""

from __future__ import annotations

from typing import Any

from infra.local.gateways.book import Book
from infra.local.gateways.model import SECOND, Operation, Payment

STATUS = {"new": "requires_confirmation", "requires_action": "requires_action", "declined": "requires_payment_method",
          "authorized": "requires_capture", "captured": "succeeded", "voided": "canceled", "expired": "canceled"}
DECLINE_TEXT = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def intent(book: Book, payment: Payment, *, expand: tuple[str, ...] = ()) -> dict[str, Any]:
    """A PaymentIntent; `latest_charge` is an object where it is expanded."""
    waiting = payment.state == "requires_action"
    ends = [done for done in book.operations(payment.ref) if done.kind in ("void", "expire")]
    automatic = bool(ends) and ends[-1].kind == "expire"
    shown: Any = payment.charge or None
    if payment.charge and "latest_charge" in expand:
        shown = charge(book, payment)
    return {
        "id": payment.ref, "object": "payment_intent", "amount": payment.amount,
        "amount_capturable": payment.authorized if payment.state == "authorized" else 0,
        "amount_received": payment.captured, "canceled_at": ends[-1].at // SECOND if ends else None,
        "cancellation_reason": ("automatic" if automatic else ends[-1].reason or None) if ends else None,
        "capture_method": "manual" if payment.manual else "automatic",
        "client_secret": f"{payment.ref}_secret_simulator", "confirmation_method": "automatic",
        "created": payment.created // SECOND, "currency": payment.currency.lower(), "customer": None,
        "description": None, "last_payment_error": decline(payment) if payment.state == "declined" else None,
        "latest_charge": shown, "livemode": False, "metadata": payment.metadata,
        "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}} if waiting else None,
        "payment_method": None if payment.state == "declined" else payment.method or None,
        "payment_method_options": {}, "payment_method_types": ["card"], "processing": None,
        "status": STATUS[payment.state],
    }


def charge(book: Book, payment: Payment) -> dict[str, Any]:
    """The Charge of a payment."""
    failed = payment.state == "declined"
    captures = [done for done in book.operations(payment.ref) if done.kind == "capture" and done.status == "succeeded"]
    disputed = any(done.kind == "chargeback" for done in book.operations(payment.ref))
    partial = 0 < payment.authorized < payment.amount
    return {
        "id": payment.charge, "object": "charge", "amount": payment.authorized or payment.amount,
        "amount_captured": payment.captured, "amount_refunded": payment.refunded,
        "balance_transaction": transaction(captures[-1]) if captures else None, "captured": bool(captures),
        "created": payment.created // SECOND, "currency": payment.currency.lower(), "disputed": disputed,
        "failure_code": "card_declined" if failed else None, "failure_message": _text(payment) if failed else None,
        "livemode": False, "metadata": payment.metadata, "outcome": _outcome(payment), "paid": not failed,
        "payment_intent": payment.ref, "payment_method": payment.method,
        "payment_method_details": {"type": "card", "card": {
            "amount_authorized": payment.authorized or None, "brand": brand(payment.method),
            "capture_before": payment.expires // SECOND if payment.state == "authorized" else None,
            "country": "US", "funding": "credit",
            "partial_authorization": {"status": "partially_authorized" if partial else "fully_authorized"}}},
        "refunded": bool(payment.captured) and payment.refunded == payment.captured,
        "status": "failed" if failed else "succeeded",
    }


def refund(payment: Payment, done: Operation, *, failed: bool = False) -> dict[str, Any]:
    """A Refund."""
    return {
        "id": done.ref, "object": "refund", "amount": done.amount, "balance_transaction": transaction(done),
        "charge": payment.charge, "created": done.at // SECOND, "currency": payment.currency.lower(),
        "failure_reason": "unknown" if failed else None, "metadata": done.metadata,
        "payment_intent": payment.ref, "reason": None,
        "status": "failed" if failed else "succeeded",
    }


def dispute(payment: Payment, done: Operation, *, won: bool = False) -> dict[str, Any]:
    """A Dispute."""
    return {
        "id": done.ref, "object": "dispute", "amount": done.amount, "charge": payment.charge,
        "created": done.at // SECOND, "currency": payment.currency.lower(), "is_charge_refundable": False,
        "livemode": False, "metadata": {}, "payment_intent": payment.ref, "reason": "fraudulent",
        "status": "won" if won else "needs_response",
    }


def decline(payment: Payment) -> dict[str, Any]:
    """The error of a declined card."""
    if payment.code == "authentication_required":
        codes = {"code": "authentication_required", "decline_code": "authentication_required"}
    elif payment.code == "expired_card":
        codes = {"code": "expired_card", "decline_code": "expired_card"}
    else:
        codes = {"code": "card_declined", "decline_code": payment.code}
    return {"type": "card_error", **codes, "message": _text(payment), "charge": payment.charge}


def transaction(done: Operation, part: str = "") -> str:
    """Id of the balance transaction of an operation; `part` names a second one of it."""
    return f"txn_{done.ref.partition('_')[2] or done.ref}{part}{done.number}"


def page(path: str, data: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A list."""
    return {"object": "list", "url": path, "has_more": more, "data": data}


def brand(method: str) -> str:
    """Brand of the card behind a token."""
    return "mastercard" if "mastercard" in method else "visa"


def _text(payment: Payment) -> str:
    return DECLINE_TEXT.get(payment.code, "Your card was declined.")


def _outcome(payment: Payment) -> dict[str, Any]:
    if payment.state == "declined":
        return {"network_status": "declined_by_network", "reason": payment.code, "type": "issuer_declined"}
    return {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
