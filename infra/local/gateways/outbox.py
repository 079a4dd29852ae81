"""What the vendors will tell: events, written down with the change that they tell of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.gateways.model import SECOND, Payment
from infra.local.gateways.store import Store

API_VERSION = "2026-01-28.clover"


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook to be sent: Stripe's event, or one of Adyen's notification items, still unsigned."""

    number: int
    vendor: str
    kind: str
    payment_id: str
    body: dict[str, Any]
    at: int
    attempts: int


class Outbox:
    """Events in the order in which things happened."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def stripe(self, kind: str, payment: Payment, shown: dict[str, Any], at: int, *, key: str = "") -> None:
        """An event of Stripe; `shown` is the object as it is now."""
        ref = self._store.reference("evt_", 24)
        body = {"id": ref, "object": "event", "api_version": API_VERSION, "created": at // SECOND,
                "data": {"object": shown}, "livemode": False, "pending_webhooks": 1,
                "request": {"id": f"req_{ref[4:18]}", "idempotency_key": key or None}, "type": kind}
        self._add("stripe", kind, payment.payment_id, body, at)

    def adyen(self, kind: str, payment: Payment, psp: str, amount: int, at: int, *, success: bool = True,
              reason: str = "", original: bool = True, **more: str) -> None:
        """A notification item of Adyen; `original`: it is of a modification. `more` is additionalData."""
        body = {
            "additionalData": dict(more), "amount": {"currency": payment.currency, "value": amount},
            "eventCode": kind, "eventDate": datetime.fromtimestamp(at // SECOND, UTC).isoformat(),
            "merchantAccountCode": payment.account, "merchantReference": payment.payment_id,
            **({"originalReference": payment.ref} if original else {"operations": ["CANCEL", "CAPTURE", "REFUND"]}),
            "paymentMethod": "mc" if "mastercard" in payment.method else "visa", "pspReference": psp,
            "reason": reason, "success": "true" if success else "false",
        }
        self._add("adyen", kind, payment.payment_id, body, at)

    def waiting(self, vendor: str, limit: int = 100) -> list[Event]:
        """Those of a vendor that nobody has taken yet, oldest first."""
        return self._events("WHERE delivered IS NULL AND vendor = ? ORDER BY number LIMIT ?", vendor, limit)

    def backlog(self) -> int:
        """How many nobody has taken yet."""
        found = self._store.row("SELECT count(*) AS events FROM events WHERE delivered IS NULL")
        return int(found["events"]) if found else 0

    def all(self, payment_id: str = "") -> list[Event]:
        """Every event so far (of one payment)."""
        return self._events("WHERE ? IN ('', payment_id) ORDER BY number", payment_id)

    def sent(self, number: int, at: int | None) -> None:
        """An attempt was made; `at` is when it was taken, None where it was not."""
        self._store.change("UPDATE events SET attempts = attempts + 1, delivered = ? WHERE number = ?", at, number)

    def _events(self, which: str, *values: Any) -> list[Event]:
        found = self._store.rows(f"SELECT * FROM events {which}", *values)
        return [Event(row["number"], row["vendor"], row["kind"], row["payment_id"], json.loads(row["body"]), row["at"],
                      row["attempts"]) for row in found]

    def _add(self, vendor: str, kind: str, payment_id: str, body: dict[str, Any], at: int) -> None:
        self._store.change("INSERT INTO events (vendor, kind, payment_id, body, at) VALUES (?, ?, ?, ?, ?)", vendor,
                           kind, payment_id, json.dumps(body, separators=(",", ":")), at)
