"""How the vendors sign what they send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any


def stripe_signature(secret: str, payload: bytes, seconds: int) -> str:
    """The Stripe-Signature header of a payload sent at a Unix time."""
    signed = hmac.new(secret.encode(), str(seconds).encode() + b"." + payload, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"


def adyen_signature(key: str, item: dict[str, Any]) -> str:
    """The hmacSignature of one notification item; `key` is hexadecimal. Nothing is escaped in the signed text."""
    amount = item.get("amount") or {}
    parts = (item.get("pspReference"), item.get("originalReference"), item.get("merchantAccountCode"),
             item.get("merchantReference"), amount.get("value"), amount.get("currency"), item.get("eventCode"),
             item.get("success"))
    text = ":".join("" if part is None else str(part) for part in parts)
    return base64.b64encode(hmac.new(bytes.fromhex(key), text.encode("utf-8"), hashlib.sha256).digest()).decode()
