"""An outcome as the queue brings it, and the one document in which every channel tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Misused
from pipeline.notify.relay import OUTCOME

MAX_BYTES = 20_000
"""Of a document: receivers of webhooks may refuse more."""

_TEXTS = ("payment_id", "merchant_id", "status", "currency", "event_at", "trace_id")
_NUMBERS = ("version", "amount_minor", "captured_minor", "refunded_minor")
_MAYBE = ("gateway", "gateway_ref", "reference", "cause")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Malformed(Misused):
    """A message that no retry mends."""


@dataclass(frozen=True, slots=True)
class Event:
    """A payment came to rest. `event_id` is the same however often it is told; `document` is the JSON text that is
    told, with the payment's version: who has seen a higher one ignores it."""

    event_id: str
    payment_id: str
    merchant_id: str
    status: str
    version: int
    trace_id: str
    happened_at: str
    document: str

    @property
    def type(self) -> str:
        """payment.committed, payment.declined ..."""
        return f"payment.{self.status.lower()}"


def event_of(text: str) -> Event:
    """The event of a message as relay.message writes it. Raises Malformed."""
    message = _object(text, "the message")
    event_id, kind = message.get("outbox_id"), message.get("kind")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise Malformed("the message has no outbox_id")
    if kind != OUTCOME:
        raise Malformed(f"the message is no {OUTCOME}")
    row = _object(message.get("body"), "the body")
    data = _data(row)
    document = json.dumps({"type": f"payment.{data['status'].lower()}", "event_id": event_id,
                           "timestamp": data["event_at"], "data": data}, separators=(",", ":"))
    if len(document.encode()) > MAX_BYTES:
        raise Malformed(f"the document is longer than {MAX_BYTES} bytes")
    return Event(event_id, data["payment_id"], data["merchant_id"], data["status"], data["version"], data["trace_id"],
                 data["event_at"], document)


def _data(row: Mapping[str, Any]) -> dict[str, Any]:
    """What of an outcome is told: members on a list, so that nothing else ever gets out."""
    for name in _TEXTS:
        if not isinstance(row.get(name), str) or not row[name]:
            raise Malformed(f"the body has no {name}")
    for name in _NUMBERS:
        if not isinstance(row.get(name), int) or isinstance(row[name], bool):
            raise Malformed(f"{name} of the body is no whole number")
    if not row["payment_id"].isascii() or not row["payment_id"].isdigit():
        raise Malformed("payment_id of the body is no number in digits")
    return {name: row[name] for name in (*_TEXTS, *_NUMBERS)} | {name: row.get(name) for name in _MAYBE}


def _object(text: object, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        # Its text is not shown: it is not ours.
        raise Malformed(f"{what} is no JSON object")
    return found
