"""Adyen's webhooks: a batch of items, each with a signature of its own over eight of its fields."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime

from pipeline.errors import Misused
from pipeline.gateways.events import GatewayEvent, WebhookRefused
from pipeline.gateways.reading import Json, Unreadable, json_object, maybe_text, object_at, text_at, whole_at
from pipeline.money import UnrepresentableAmount, from_gateway
from pipeline.schemas.currency import UnknownCurrency

_KINDS = {
    "AUTHORISATION": "authorize", "CAPTURE": "capture", "CAPTURE_FAILED": "capture_reversal", "CANCELLATION": "void",
    "TECHNICAL_CANCEL": "void", "REFUND": "refund", "REFUND_FAILED": "refund_reversal",
    "REFUNDED_REVERSED": "refund_reversal", "CHARGEBACK": "chargeback", "SECOND_CHARGEBACK": "chargeback",
    "CHARGEBACK_REVERSED": "chargeback_reversal", "EXPIRE": "expire",
}


def read_adyen(body: bytes, *, key: str | None) -> list[GatewayEvent]:
    """The events of a batch of which every item is verified. Raises WebhookRefused; Misused without a usable key."""
    secret = _secret(key)
    try:
        items = _items(json_object(body))
    except Unreadable as failure:
        raise WebhookRefused("malformed", f"the batch cannot be read: {failure}") from None
    if not items:
        raise WebhookRefused("malformed", "the batch has no item")
    # All are compared before one is used; a batch with one forged item is forged.
    if not all([_is_ours(item, secret) for item in items]):
        raise WebhookRefused("forged", "the signature of an item is not ours")
    try:
        return [_event(item) for item in items]
    except Unreadable as failure:
        raise WebhookRefused("malformed", f"an item cannot be read: {failure}") from None


def sign(item: Json, secret: bytes) -> str:
    """The signature of an item: its fields as they stand, joined by colons, nothing escaped."""
    amount = object_at(item, "amount")
    fields = [item.get(name) for name in ("pspReference", "originalReference", "merchantAccountCode",
                                          "merchantReference")]
    fields += [amount.get("value"), amount.get("currency"), item.get("eventCode"), item.get("success")]
    text = ":".join("" if field is None else str(field) for field in fields)
    return base64.b64encode(hmac.new(secret, text.encode(errors="surrogatepass"), hashlib.sha256).digest()).decode()


def _secret(key: str | None) -> bytes:
    try:
        if key:
            return binascii.a2b_hex(key)
    except ValueError:
        pass
    raise Misused("the gateways' secret has no adyen_hmac_key in hexadecimal digits")


def _items(message: Json) -> list[Json]:
    listed = message.get("notificationItems")
    if not isinstance(listed, list):
        raise Unreadable("no notificationItems")
    items = [object_at(entry, "NotificationRequestItem") for entry in listed if isinstance(entry, dict)]
    if len(items) != len(listed) or not all(items):
        raise Unreadable("an entry without NotificationRequestItem")
    return items


def _is_ours(item: Json, secret: bytes) -> bool:
    given = maybe_text(item, "additionalData", "hmacSignature") or ""
    return hmac.compare_digest(sign(item, secret).encode(), given.encode("utf-8", errors="replace"))


def _event(item: Json) -> GatewayEvent:
    code, success, ref = text_at(item, "eventCode"), item.get("success"), text_at(item, "pspReference")
    if success not in ("true", "false"):
        raise Unreadable('success is neither "true" nor "false"')
    kind = _KINDS.get(code, "other")
    original = maybe_text(item, "originalReference")
    currency = maybe_text(item, "amount", "currency")
    return GatewayEvent(
        "adyen", f"{code}:{ref}:{success}", kind, _payment_id(item) if kind != "other" else None,
        gateway_ref=original or (ref if kind in ("authorize", "expire") else None),
        operation_ref=None if kind in ("authorize", "expire") else ref,
        amount_minor=_minor(item, currency) if kind != "other" else None,
        currency=currency, occurred_at=_time(text_at(item, "eventDate")), success=success == "true",
        gateway_account=maybe_text(item, "merchantAccountCode"), raw_kind=code)


def _payment_id(item: Json) -> int | None:
    text = maybe_text(item, "merchantReference") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("eventDate is no time") from None
    if at.tzinfo is None:
        raise Unreadable("eventDate has no zone")
    return at.astimezone(UTC)


def _minor(item: Json, currency: str | None) -> int | None:
    if currency is None:
        return None
    try:
        return from_gateway(whole_at(item, "amount", "value"), currency, "adyen")
    except (UnrepresentableAmount, UnknownCurrency):
        raise Unreadable("an amount that the ledger cannot count") from None
