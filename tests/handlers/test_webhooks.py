"""The function that gateways call: whole and signed, or refused; early, and asked to come again."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from pipeline.errors import Misused
from pipeline.gateways.adyen_events import sign
from pipeline.gateways.events import WebhookRefused
from pipeline.handlers.webhooks import receive
from tests.saga.world import World

SECRETS = {"stripe_webhook_secret": "whsec_test", "adyen_hmac_key": "ab" * 32}


def stripe(kind: str, what: dict[str, Any], *, secret: str = "whsec_test") -> dict[str, Any]:
    """A proxy event with a message of Stripe's."""
    body = json.dumps({"id": f"evt_{kind}", "object": "event", "type": kind, "created": int(time.time()),
                       "data": {"object": what}})
    at = int(time.time())
    signature = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"path": "/v1/webhooks/stripe", "body": body, "headers": {"Stripe-Signature": f"t={at},v1={signature}"}}


def adyen(code: str, payment_id: int, original: str | None, amount: int, currency: str) -> dict[str, Any]:
    """A proxy event with one item of Adyen's."""
    item: dict[str, Any] = {
        "eventCode": code, "success": "true", "pspReference": f"PSP{code}", "merchantAccountCode": "Shop",
        "merchantReference": str(payment_id), "eventDate": "2026-03-02T12:00:00+00:00",
        "amount": {"value": amount, "currency": currency}}
    if original is not None:
        item["originalReference"] = original
    item["additionalData"] = {"hmacSignature": sign(item, bytes.fromhex(SECRETS["adyen_hmac_key"]))}
    return {"path": "/v1/webhooks/adyen", "headers": {},
            "body": json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]})}


@pytest.mark.property(48)
def test_a_chargeback_is_booked_once_however_often_it_is_told() -> None:
    world = World()
    world.pay(gateway="adyen", currency="EUR")
    event = adyen("CHARGEBACK", 77, world.payment().gateway_ref, 1999, "EUR")
    for _ in range(3):
        response, _ = receive(world.ports, "adyen", event, SECRETS)
        assert (response["statusCode"], response["body"]) == (200, "[accepted]")
    assert world.payment().status == "CHARGED_BACK"
    assert [step for _, _, step, _ in world.ledger.entries()].count("CHARGEBACK") == 2


@pytest.mark.property(48)
def test_what_came_too_early_has_to_come_again() -> None:
    world = World()
    world.pay(gateway="adyen", currency="EUR")
    ref = world.payment().gateway_ref
    early = adyen("CHARGEBACK_REVERSED", 77, ref, 1999, "EUR")
    assert receive(world.ports, "adyen", early, SECRETS)[0]["statusCode"] == 503
    receive(world.ports, "adyen", adyen("CHARGEBACK", 77, ref, 1999, "EUR"), SECRETS)
    assert receive(world.ports, "adyen", early, SECRETS)[0]["statusCode"] == 200
    assert world.payment().status == "COMMITTED"


@pytest.mark.property(48)
def test_a_forged_message_is_refused_and_changes_nothing() -> None:
    world = World()
    world.pay()
    payment = world.payment()
    what = {"object": "refund", "id": "re_1", "payment_intent": payment.gateway_ref, "amount": 1999, "currency": "usd",
            "metadata": {"payment_id": "77"}, "status": "succeeded"}
    with pytest.raises(WebhookRefused, match="not ours"):
        receive(world.ports, "stripe", stripe("refund.created", what, secret="whsec_other"), SECRETS)
    with pytest.raises(WebhookRefused):
        receive(world.ports, "paypal", {"body": "{}"}, SECRETS)
    with pytest.raises(Misused):
        receive(world.ports, "stripe", stripe("refund.created", what), {})
    assert world.payment() == payment
    response, ends = receive(world.ports, "stripe", stripe("refund.created", what), SECRETS)
    assert (response["statusCode"], ends["applied"], world.payment().status) == (200, 1, "REFUNDED")


def test_a_message_of_another_system_is_taken_and_forgotten() -> None:
    world = World()
    response, ends = receive(world.ports, "adyen", adyen("CAPTURE", 12345, "PSP", 100, "EUR"), SECRETS)
    assert (response["statusCode"], dict(ends)) == (200, {"unknown": 1})
