"""Stripe's webhooks: the signature by Stripe's own code, the age by the clock that is passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.errors import Misused
from pipeline.gateways.events import GatewayEvent, WebhookRefused
from pipeline.gateways.reading import (
    Json,
    Unreadable,
    json_object,
    maybe_text,
    maybe_whole,
    object_at,
    text_at,
    whole_at,
)
from pipeline.money import UnrepresentableAmount, from_gateway
from pipeline.schemas.currency import UnknownCurrency

TOLERANCE = timedelta(minutes=5)

# Type of the event: kind, whether it came to pass, and the field with the amount.
_KINDS: dict[str, tuple[str, bool, str]] = {
    "payment_intent.amount_capturable_updated": ("authorize", True, "amount_capturable"),
    "payment_intent.payment_failed": ("authorize", False, "amount"),
    "payment_intent.succeeded": ("capture", True, "amount_received"),
    "payment_intent.canceled": ("void", True, "amount"),
    "refund.created": ("refund", True, "amount"),
    "refund.failed": ("refund_reversal", True, "amount"),
    "charge.expired": ("expire", True, "amount"),
    "charge.dispute.funds_withdrawn": ("chargeback", True, "amount"),
    "charge.dispute.funds_reinstated": ("chargeback_reversal", True, "amount"),
}


def read_stripe(body: bytes, signature: str | None, *, secret: str | None, at: datetime) -> GatewayEvent:
    """The event of a verified message. Raises WebhookRefused; Misused without a secret."""
    _verify(body, signature, secret, at)
    try:
        return _event(json_object(body))
    except Unreadable as failure:
        raise WebhookRefused("malformed", f"the event cannot be read: {failure}") from None


def _verify(body: bytes, signature: str | None, secret: str | None, at: datetime) -> None:
    from stripe import SignatureVerificationError, WebhookSignature

    if not secret:
        raise Misused("the gateways' secret has no stripe_webhook_secret")
    if not signature or not signature.isascii():
        raise WebhookRefused("forged", "there is no signature")
    try:
        WebhookSignature.verify_header(body, signature, secret)
    except UnicodeDecodeError:
        raise WebhookRefused("malformed", "the body is no UTF-8") from None
    except SignatureVerificationError:
        raise WebhookRefused("forged", "the signature is not ours") from None
    # The signature covers its own time; a replay of an old message is told by it.
    signed = next(int(part.split("=", 2)[1]) for part in signature.split(",") if part.startswith("t="))
    if abs(at.timestamp() - signed) > TOLERANCE.total_seconds():
        raise WebhookRefused("stale", "the signature is too old or from the future")


def _event(message: Json) -> GatewayEvent:
    if maybe_text(message, "object") != "event":
        raise Unreadable("no event")
    raw_kind, what = text_at(message, "type"), object_at(message, "data", "object")
    kind, success, amount = _KINDS.get(raw_kind, ("other", True, "amount"))
    if kind == "refund" and maybe_text(what, "status") in ("failed", "canceled"):
        success = False
    currency = (maybe_text(what, "currency") or "").upper() or None
    value = maybe_whole(what, amount)
    is_intent = maybe_text(what, "object") == "payment_intent"
    return GatewayEvent(
        "stripe", text_at(message, "id"), kind, _payment_id(what),
        gateway_ref=maybe_text(what, "id") if is_intent else maybe_text(what, "payment_intent"),
        operation_ref=maybe_text(what, "latest_charge") if is_intent else maybe_text(what, "id"),
        amount_minor=_minor(value, currency), currency=currency,
        occurred_at=_time(whole_at(message, "created")), success=success,
        gateway_account=maybe_text(message, "account"), raw_kind=raw_kind)


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Unreadable("created is no time") from None


def _payment_id(what: Json) -> int | None:
    text = maybe_text(what, "metadata", "payment_id") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None


def _minor(value: int | None, currency: str | None) -> int | None:
    if value is None or currency is None:
        return None
    try:
        return from_gateway(value, currency, "stripe")
    except (UnrepresentableAmount, UnknownCurrency):
        raise Unreadable("an amount that the ledger cannot count") from None
