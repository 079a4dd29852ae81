"""Adyen: payments with manual capture; captures, voids and refunds are `received` and end in a webhook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from Adyen.exceptions import AdyenError

from pipeline.gateways import adyen_answers as answers
from pipeline.gateways.adyen_client import TEST_API, make_services
from pipeline.gateways.asking import answered
from pipeline.gateways.port import Answer, Authorization, Found
from pipeline.gateways.reading import Json
from pipeline.gateways.transport import Exchange, Transport
from pipeline.money import Money, to_gateway
from pipeline.outcomes import Outcome

_LONGEST_KEY = 64


class AdyenGateway:
    """One Adyen company account: its key store keeps a key for 7 days, for all merchant accounts of the company."""

    name = "adyen"
    key_retention = timedelta(days=7)
    horizon = timedelta(hours=24)

    def __init__(self, *, key: str, base: str | None = None, exchange: Exchange | None = None) -> None:
        """`base` None: Adyen's test address; it is where `/v72/payments` begins; `exchange` takes its place. Raises
        Misused for an address that may not be talked to."""
        self._payments, self._modifications = make_services(
            key, exchange or Transport(base or TEST_API, gateway="adyen"))

    def authorize(self, wanted: Authorization, *, key: str, budget_s: float) -> Answer:
        """See the port. Tokens are stored per merchant: the merchant is the shopper that they belong to at Adyen."""
        return self._ask(key, budget_s, lambda: answers.authorized(self._send(self._payments.payments, {
            "merchantAccount": wanted.gateway_account, "reference": str(wanted.payment_id),
            "amount": _amount(wanted.money), "shopperReference": wanted.merchant_id,
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": wanted.method_token},
            "shopperInteraction": "ContAuth", "recurringProcessingModel": "CardOnFile",
            "additionalData": {"manualCapture": "true"},
        }, key)))

    def capture(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
                budget_s: float) -> Answer:
        """See the port. OK means received: a capture that fails later comes as an event."""
        return self._ask(key, budget_s, lambda: answers.received(self._send(
            self._modifications.capture_authorised_payment,
            {**_modification(payment_id, gateway_account), "amount": _amount(money)}, key, gateway_ref)))

    def void(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, key: str,
             budget_s: float) -> Answer:
        """See the port. Without a reference Adyen cancels by ours, whatever came of the authorisation. OK means
        received: that there was nothing to void, or that it had been captured, comes as an event."""
        body = _modification(payment_id, gateway_account)

        def call() -> Answer:
            if gateway_ref is None:
                body["paymentReference"] = str(payment_id)
                return answers.received(self._send(self._modifications.cancel_authorised_payment, body, key))
            cancel = self._modifications.cancel_authorised_payment_by_psp_reference
            return answers.received(self._send(cancel, body, key, gateway_ref))
        return self._ask(key, budget_s, call)

    def refund(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
               budget_s: float) -> Answer:
        """See the port. OK means received: a refund that fails later comes as an event."""
        return self._ask(key, budget_s, lambda: answers.received(self._send(
            self._modifications.refund_captured_payment,
            {**_modification(payment_id, gateway_account), "amount": _amount(money)}, key, gateway_ref)))

    def look_up(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, sent_at: datetime,
                budget_s: float) -> Found | Answer:
        """Adyen's API tells no payment's state: the same key, a webhook or a void by reference has to."""
        return Answer(Outcome.IN_DOUBT, "no_lookup", gateway_ref=gateway_ref)

    def _send(self, service: Callable[..., Any], body: dict[str, Any], key: str, *path: str) -> Json:
        message: Json = service(body, *path, idempotency_key=key).message
        return message

    def _ask(self, key: str, budget_s: float, call: Callable[[], Answer]) -> Answer:
        if len(key) > _LONGEST_KEY:
            return Answer(Outcome.MISUSED, "key_too_long")
        try:
            return answered(budget_s, call)
        except AdyenError as refused:
            return answers.refused(refused.status_code, refused.raw_response, refused.headers)


def _amount(money: Money) -> dict[str, Any]:
    return {"value": to_gateway(money, "adyen"), "currency": money.currency}


def _modification(payment_id: int, gateway_account: str) -> dict[str, Any]:
    return {"merchantAccount": gateway_account, "reference": str(payment_id)}
