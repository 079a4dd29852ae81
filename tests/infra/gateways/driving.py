"""Drives a simulator in this process: calls of both APIs, on a clock that tests move."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.local.gateways.desk import Ending
from infra.local.gateways.simulator import Simulator, opened
from infra.local.gateways.wire import Request, Secrets

SECRETS = Secrets()
Form = dict[str, Any]


class Driver:
    """Both APIs of one simulator whose clock stands still until `to` or `rest` moves it."""

    def __init__(self, folder: Path | None = None, *, at: str = "2026-04-01T10:00:00+00:00", seed: str = "s") -> None:
        self._real = _ms(at)
        self.rested: list[float] = []
        self.simulator: Simulator = opened(folder, secrets=SECRETS, seed=seed, real_now=lambda: self._real)

    def rest(self, seconds: float) -> None:
        """Lets time pass."""
        self._real += int(seconds * 1000)

    def to(self, at: str) -> None:
        """Moves the clock to an instant."""
        self._real += _ms(at) - self.simulator.now()

    def stripe(self, method: str, path: str, given: Form | None = None, *, key: str = "", **headers: str) -> Ending:
        """A call of Stripe's API."""
        text = urlencode(given or {})
        sent = {"authorization": f"Bearer {SECRETS.stripe_key}", "idempotency-key": key, **headers}
        query, body = (text, b"") if method == "GET" else ("", text.encode())
        return self._send(Request(method, f"/v1/{path}", query, sent, body))

    def adyen(self, path: str, given: Form, *, key: str = "", **headers: str) -> Ending:
        """A call of Adyen's API."""
        body = {"merchantAccount": SECRETS.adyen_account, **given}
        sent = {"x-api-key": SECRETS.adyen_key, "idempotency-key": key, "content-type": "application/json", **headers}
        return self._send(Request("POST", f"/v72/{path}", "", sent, json.dumps(body).encode()))

    def pay(self, vendor: str, payment_id: int, amount: int = 10_000, currency: str = "EUR", *,
            token: str = "pm_card_visa", capture: int | None = -1) -> str:
        """A payment, captured in full (-1), in part, or not (None); its reference."""
        if vendor == "stripe":
            made = read(self.stripe("POST", "payment_intents", intent(payment_id, amount, currency, token),
                                    key=str(payment_id)))
            ref = str(made.get("id", ""))
        else:
            made = read(self.adyen("payments", payment(payment_id, amount, currency, token), key=str(payment_id)))
            ref = str(made.get("pspReference", ""))
        if capture is not None:
            self.capture(vendor, payment_id, ref, amount if capture == -1 else capture, currency)
        return ref

    def capture(self, vendor: str, payment_id: int, ref: str, amount: int, currency: str = "EUR") -> Ending:
        """The payment's capture."""
        key = f"{payment_id}:capture"
        if vendor == "stripe":
            return self.stripe("POST", f"payment_intents/{ref}/capture", {"amount_to_capture": amount}, key=key)
        return self.adyen(f"payments/{ref}/captures", {"amount": {"value": amount, "currency": currency}}, key=key)

    def refund(self, vendor: str, payment_id: int, ref: str, amount: int, currency: str = "EUR", n: int = 1) -> Ending:
        """A refund of the payment."""
        key = f"{payment_id}:refund:{n}"
        if vendor == "stripe":
            return self.stripe("POST", "refunds", {"payment_intent": ref, "amount": amount}, key=key)
        return self.adyen(f"payments/{ref}/refunds", {"amount": {"value": amount, "currency": currency}}, key=key)

    def kinds(self, payment_id: int) -> list[tuple[str, str, int]]:
        """Kind, status and minor units of what the book holds of a payment."""
        return [(done["kind"], done["status"], done["amount_minor"]) for done in self.simulator.report()
                if done["payment_id"] == str(payment_id)]

    def events(self) -> list[tuple[str, str]]:
        """Kind and success (Stripe: status of the object) of every event."""
        return [(event.kind, event.body.get("success") or event.body["data"]["object"].get("status"))
                for event in self.simulator.outbox.all()]

    def _send(self, request: Request) -> Ending:
        def rest(seconds: float) -> None:
            self.rested.append(seconds)
            self._real += int(seconds * 1000)
        return self.simulator.handle(request, rest)


def intent(payment_id: int, amount: int = 10_000, currency: str = "EUR", token: str = "pm_card_visa") -> Form:
    """The form of a payment at Stripe."""
    return {"amount": amount, "currency": currency.lower(), "payment_method": token, "confirm": "true",
            "capture_method": "manual", "metadata[payment_id]": payment_id}


def payment(payment_id: int, amount: int = 10_000, currency: str = "EUR", token: str = "pm_card_visa") -> Form:
    """The body of a payment at Adyen."""
    return {"amount": {"value": amount, "currency": currency}, "reference": str(payment_id),
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": token}}


def read(ending: Ending) -> Form:
    """The JSON of an answer."""
    found: Form = json.loads(ending.reply.body)
    return found


def _ms(at: str) -> int:
    return int(datetime.fromisoformat(at).astimezone(UTC).timestamp() * 1000)
