"""What the Adyen adapter sends, to the byte, and what it makes of each answer."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pipeline.gateways.adyen import AdyenGateway
from pipeline.gateways.port import Answer, Authorization, authorize_key, capture_key, refund_key
from pipeline.money import Money
from pipeline.outcomes import Outcome
from tests.gateways.scripted import Script, ScriptedServer, answering

ID = 2**63 - 1
KEY = "AQE-secret"
PAID = {"resultCode": "Authorised", "pspReference": "PSP1", "amount": {"value": 150000, "currency": "CLP"}}


def _gateway(server: ScriptedServer) -> AdyenGateway:
    return AdyenGateway(key=KEY, base=server.base + "/checkout")


def _authorize(server: ScriptedServer, key: str = "") -> Answer:
    wanted = Authorization(ID, Money(1500, "CLP"), "token-1", "ShopECOM", "merchant-1", reference="order 7")
    return _gateway(server).authorize(wanted, key=key or authorize_key(ID), budget_s=10)


def _void(server: ScriptedServer, ref: str | None = "PSP1") -> Answer:
    return _gateway(server).void(ID, ref, gateway_account="ShopECOM", key=f"{ID}:void", budget_s=10)


def _error(status: int, code: str, **headers: str) -> Script:
    return answering(status, {"status": status, "errorCode": code, "message": "secret words", "pspReference": "PSP9"},
                     **headers)


@pytest.mark.property(45)
def test_an_authorisation_is_one_payment_captured_by_hand() -> None:
    with ScriptedServer(answering(200, PAID)) as server:
        answer = _authorize(server)
        seen = server.only
    assert answer == Answer(Outcome.OK, gateway_ref="PSP1", amount_minor=1500)
    assert (seen.method, seen.path) == ("POST", "/checkout/v72/payments")
    assert seen.json == {
        "merchantAccount": "ShopECOM", "reference": str(ID), "amount": {"value": 150000, "currency": "CLP"},
        "shopperReference": "merchant-1", "shopperInteraction": "ContAuth", "recurringProcessingModel": "CardOnFile",
        "paymentMethod": {"type": "scheme", "storedPaymentMethodId": "token-1"},
        "additionalData": {"manualCapture": "true"}}
    assert seen.headers["idempotency-key"] == str(ID)
    assert seen.headers["x-api-key"] == KEY
    assert seen.headers["content-type"] == "application/json"


@pytest.mark.property(45)
@pytest.mark.parametrize("call, path, key, body", [
    ("capture", "/payments/PSP1/captures", capture_key(ID), {"amount": {"value": 100, "currency": "EUR"}}),
    ("refund", "/payments/PSP1/refunds", refund_key(ID, 2), {"amount": {"value": 100, "currency": "EUR"}}),
    ("void", "/payments/PSP1/cancels", f"{ID}:void", {}),
    ("void by reference", "/cancels", f"{ID}:void", {"paymentReference": str(ID)}),
])
def test_a_modification_is_received_under_its_own_key(call: str, path: str, key: str, body: dict[str, Any]) -> None:
    received = {"status": "received", "pspReference": "MOD1", "paymentPspReference": "PSP1", **body}
    with ScriptedServer(answering(201, received)) as server:
        gateway, account = _gateway(server), {"gateway_account": "ShopECOM"}
        if call.startswith("void"):
            answer = _void(server, "PSP1" if call == "void" else None)
        elif call == "capture":
            answer = gateway.capture(ID, "PSP1", Money(100, "EUR"), key=key, budget_s=10, **account)
        else:
            answer = gateway.refund(ID, "PSP1", Money(100, "EUR"), key=key, budget_s=10, **account)
        seen = server.only
    assert (answer.outcome, answer.operation_ref) == (Outcome.OK, "MOD1")
    assert answer.amount_minor == (100 if "amount" in body else None)
    assert seen.path == f"/checkout/v72{path}"
    assert seen.headers["idempotency-key"] == key
    assert seen.json == {"merchantAccount": "ShopECOM", "reference": str(ID), **body}


@pytest.mark.property(44, 47)
@pytest.mark.parametrize("script, outcome, code", [
    (answering(200, {**PAID, "resultCode": "Refused", "refusalReasonCode": "12"}), "declined", "insufficient_funds"),
    (answering(200, {**PAID, "resultCode": "Refused", "refusalReasonCode": "2"}), "declined", "card_declined"),
    (answering(200, {**PAID, "resultCode": "Error"}), "declined", "payment_error"),
    (answering(200, {**PAID, "resultCode": "Cancelled"}), "declined", "payment_cancelled"),
    (answering(200, {**PAID, "resultCode": "Pending"}), "in_doubt", "payment_pending"),
    (answering(200, {**PAID, "resultCode": "Received"}), "in_doubt", "payment_received"),
    (answering(200, {**PAID, "resultCode": "Unheard"}), "in_doubt", "payment_unheard"),
    (answering(200, {"resultCode": "RedirectShopper"}), "void", "authentication_required"),
    (answering(200, {"resultCode": "ChallengeShopper", "pspReference": "PSP1"}), "void", "authentication_required"),
    (answering(200, {"resultCode": "IdentifyShopper"}), "void", "authentication_required"),
    (_error(422, "704"), "in_doubt", "in_flight"),
    (_error(409, "704"), "in_doubt", "in_flight"),
    (_error(422, "704", transient_error="true"), "in_doubt", "in_flight"),
    (_error(503, "703", transient_error="true"), "retryable", "adyen_703"),
    (_error(500, "905", transient_error="true"), "retryable", "adyen_905"),
    (_error(500, "905", transient_error="false"), "in_doubt", "adyen_905"),
    (_error(500, "000"), "in_doubt", "adyen_000"),
    (_error(429, "029"), "retryable", "adyen_029"),
    (_error(422, "803"), "declined", "invalid_method"),
    (_error(422, "167"), "misused", "adyen_167"),
    (_error(401, "000"), "misused", "adyen_000"),
    (_error(403, "901"), "misused", "adyen_901"),
    (answering(502, "<html>"), "in_doubt", "http_502"),
    (answering(302, "", Location="https://elsewhere.invalid"), "in_doubt", "http_302"),
    (answering(200, "<html>"), "in_doubt", "unreadable_answer"),
    (answering(200, "[1]"), "in_doubt", "unreadable_answer"),
    (answering(200, b"\xff"), "in_doubt", "unreadable_answer"),
    (answering(200, {}), "in_doubt", "unreadable_answer"),
    (answering(200, {**PAID, "amount": {"value": 150001, "currency": "CLP"}}), "in_doubt", "unreadable_answer"),
    (answering(200, {**PAID, "pspReference": ""}), "in_doubt", "unreadable_answer"),
])
def test_each_answer_to_an_authorisation_has_one_meaning(script: Script, outcome: str, code: str) -> None:
    with ScriptedServer(script) as server:
        answer = _authorize(server)
        assert (answer.outcome, answer.code) == (outcome, code)
        assert server.connections == 1


def test_a_part_that_was_authorised_is_told() -> None:
    paid = {**PAID, "resultCode": "PartiallyAuthorised", "amount": {"value": 70000, "currency": "CLP"}}
    with ScriptedServer(answering(200, paid)) as server:
        assert _authorize(server).amount_minor == 700


def test_a_modification_that_is_not_received_is_in_doubt() -> None:
    with ScriptedServer(answering(201, {"status": "maybe", "pspReference": "MOD1"})) as server:
        assert _void(server) == Answer(Outcome.IN_DOUBT, "unreadable_answer")


@pytest.mark.property(45)
def test_a_key_that_adyen_would_cut_is_not_sent() -> None:
    with ScriptedServer(answering(200, PAID)) as server:
        assert _authorize(server, key="7" * 65) == Answer(Outcome.MISUSED, "key_too_long")
        assert server.connections == 0


@pytest.mark.property(80)
def test_nothing_of_a_call_is_logged_or_told(
        caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(_error(422, "167")) as server:
        answer = _authorize(server)
    told = caplog.text + "".join(capfd.readouterr()) + repr(answer)
    assert answer.gateway_ref == "PSP9"
    assert not [word for word in (KEY, "token-1", "secret words", str(ID)) if word in told]
