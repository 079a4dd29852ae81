"""Signatures of webhooks by Standard Webhooks: over id, time of the attempt, and exactly the bytes that are sent."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
_BYTES = 32


def new_secret(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A secret of 256 random bits, as receivers are given it."""
    return PREFIX + base64.b64encode(random(_BYTES)).decode()


def headers(event_id: str, payload: str, signed_with: Sequence[str], *, at: datetime) -> dict[str, str]:
    """webhook-id, webhook-timestamp and webhook-signature with one signature per secret, the newest first."""
    signatures = [Webhook(secret).sign(event_id, at, payload) for secret in signed_with]
    return {"webhook-id": event_id, "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures)}
