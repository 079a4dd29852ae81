"""What the Stripe adapter sends, to the byte, and what it makes of each answer."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.gateways.port import Answer, Authorization, Found, authorize_key, capture_key
from pipeline.gateways.stripe import StripeGateway
from pipeline.gateways.stripe_client import API_VERSION
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.schemas.ids import compose
from tests.gateways.scripted import Script, ScriptedServer, answering

SENT_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = compose(SENT_AT, 1, 1)
KEY = "sk_test_secret"
HELD = {"id": "pi_1", "object": "payment_intent", "status": "requires_capture", "currency": "isk", "amount": 150000,
        "amount_capturable": 150000, "amount_received": 0, "latest_charge": {"id": "ch_1", "object": "charge"}}


def _gateway(server: ScriptedServer) -> StripeGateway:
    return StripeGateway(key=KEY, account="acct_1", base=server.base)


def _authorize(server: ScriptedServer, **more: Any) -> Answer:
    wanted = Authorization(ID, Money(1500, "ISK"), "pm_1", "acct_1", "merchant-1", reference="order 7")
    return _gateway(server).authorize(wanted, key=authorize_key(ID), budget_s=10, **more)


def _capture(server: ScriptedServer) -> Answer:
    return _gateway(server).capture(ID, "pi_1", Money(1500, "ISK"), gateway_account="acct_1", key=capture_key(ID),
                                    budget_s=10)


def _void(server: ScriptedServer, ref: str | None = "pi_1") -> Answer:
    return _gateway(server).void(ID, ref, gateway_account="acct_1", key=f"{ID}:void", budget_s=10)


def _error(status: int, **error: Any) -> Script:
    return answering(status, {"error": {"message": "secret words about a card", **error}})


@pytest.mark.property(45)
def test_an_authorisation_is_one_confirmed_intent_captured_by_hand() -> None:
    with ScriptedServer(answering(200, HELD)) as server:
        answer = _authorize(server)
        seen = server.only
    assert (answer.outcome, answer.gateway_ref, answer.operation_ref, answer.amount_minor) == (
        Outcome.OK, "pi_1", "ch_1", 1500)
    assert (seen.method, seen.path) == ("POST", "/v1/payment_intents")
    assert seen.form == {
        "amount": "150000", "currency": "isk", "payment_method": "pm_1", "confirm": "true",
        "capture_method": "manual", "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never", "metadata[payment_id]": str(ID),
        "metadata[merchant_id]": "merchant-1", "expand[0]": "latest_charge"}
    assert seen.headers["idempotency-key"] == str(ID)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["stripe-version"] == API_VERSION
    assert not {name for name in seen.headers if name.startswith("x-")}


def test_the_gateways_own_word_says_when_the_hold_lapses() -> None:
    charge = {"id": "ch_1", "payment_method_details": {"card": {"capture_before": 1772712000}}}
    with ScriptedServer(answering(200, {**HELD, "latest_charge": charge})) as server:
        assert _authorize(server).expires_at == datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.mark.property(45)
def test_the_other_operations_send_their_own_keys() -> None:
    with ScriptedServer(answering(200, {**HELD, "status": "succeeded", "amount_received": 150000})) as server:
        assert _capture(server).amount_minor == 1500
        assert (server.only.path, server.only.form) == ("/v1/payment_intents/pi_1/capture",
                                                        {"amount_to_capture": "150000"})
        assert server.only.headers["idempotency-key"] == f"{ID}:capture"
    with ScriptedServer(answering(200, {**HELD, "status": "canceled"})) as server:
        assert _void(server).outcome is Outcome.OK
        assert (server.only.path, server.only.form) == ("/v1/payment_intents/pi_1/cancel", {})
        assert server.only.headers["idempotency-key"] == f"{ID}:void"
    refund = {"id": "re_1", "object": "refund", "status": "pending", "amount": 100, "currency": "eur"}
    with ScriptedServer(answering(200, refund)) as server:
        answer = _gateway(server).refund(ID, "pi_1", Money(100, "EUR"), gateway_account="acct_1",
                                         key=f"{ID}:refund:1", budget_s=10)
        assert (answer.outcome, answer.operation_ref, answer.amount_minor) == (Outcome.OK, "re_1", 100)
        assert server.only.form == {"payment_intent": "pi_1", "amount": "100", "metadata[payment_id]": str(ID)}
        assert server.only.headers["idempotency-key"] == f"{ID}:refund:1"


def test_a_look_up_lists_and_never_searches() -> None:
    page = {"object": "list", "has_more": False, "data": [{**HELD, "metadata": {"payment_id": str(ID)}}]}
    with ScriptedServer(answering(200, page)) as server:
        found = _gateway(server).look_up(ID, None, gateway_account="acct_1", sent_at=SENT_AT, budget_s=10)
        assert isinstance(found, Found)
        assert (found.state, found.authorized_minor) == ("authorized", 1500)
        assert server.only.method == "GET"
        assert server.only.path.startswith("/v1/payment_intents?")
        assert "created[gte]=1772452500" in server.only.path
        assert "idempotency-key" not in server.only.headers


def test_of_several_intents_the_most_advanced_counts() -> None:
    ours = {"metadata": {"payment_id": str(ID)}}
    page = {"object": "list", "has_more": False, "data": [
        {**HELD, **ours, "id": "pi_3", "status": "canceled"},
        {**HELD, **ours, "id": "pi_2", "status": "succeeded", "amount_received": 150000},
        {**HELD, "id": "pi_0", "status": "succeeded", "metadata": {"payment_id": "1"}},
        {**HELD, **ours, "status": "requires_payment_method"}]}
    with ScriptedServer(answering(200, page)) as server:
        answer = _void(server, None)
        assert (answer.outcome, answer.code, answer.gateway_ref) == (Outcome.DECLINED, "captured", "pi_2")
        assert server.only.method == "GET"


@pytest.mark.property(44, 47)
@pytest.mark.parametrize("script, outcome, code", [
    (_error(402, type="card_error", code="card_declined", decline_code="lost_card"), "declined", "card_declined"),
    (_error(402, type="card_error", code="authentication_required"), "declined", "authentication_required"),
    (_error(400, type="idempotency_error"), "misused", "idempotency_error"),
    (_error(409, type="idempotency_error", code="idempotency_key_in_use"), "in_doubt", "idempotency_key_in_use"),
    (_error(429, type="invalid_request_error", code="rate_limit"), "retryable", "rate_limit"),
    (_error(429, type="invalid_request_error", code="lock_timeout"), "retryable", "lock_timeout"),
    (_error(401, type="invalid_request_error"), "misused", "invalid_request_error"),
    (_error(403, type="invalid_request_error"), "misused", "invalid_request_error"),
    (_error(400, type="invalid_request_error", code="parameter_unknown"), "misused", "parameter_unknown"),
    (_error(400, type="invalid_request_error", code="resource_missing", param="payment_method"), "declined",
     "invalid_method"),
    (_error(500, type="api_error"), "in_doubt", "http_500"),
    (_error(503, type="api_error", code="x"), "in_doubt", "http_503"),
    (answering(502, "<html>bad gateway"), "in_doubt", "http_502"),
    (answering(400, "<html>"), "misused", "http_400"),
    (answering(302, "", Location="https://elsewhere.invalid"), "in_doubt", "http_302"),
    (answering(200, "<html>"), "in_doubt", "unreadable_answer"),
    (answering(200, "[]"), "in_doubt", "unreadable_answer"),
    (answering(200, b"\xff\xfe"), "in_doubt", "unreadable_answer"),
    (answering(200, {"object": "payment_intent"}), "in_doubt", "unreadable_answer"),
    (answering(200, {**HELD, "amount_capturable": "x"}), "in_doubt", "unreadable_answer"),
    (answering(200, {**HELD, "amount_capturable": 150001}), "in_doubt", "unreadable_answer"),
    (answering(200, {**HELD, "currency": "???"}), "in_doubt", "unreadable_answer"),
    (answering(200, {**HELD, "status": "processing"}), "in_doubt", "processing"),
    (answering(200, {**HELD, "status": "succeeded"}), "in_doubt", "succeeded"),
    (answering(200, {**HELD, "status": "requires_action"}), "void", "authentication_required"),
    (answering(200, {**HELD, "status": "requires_payment_method", "last_payment_error": {"code": "card_declined"}}),
     "declined", "card_declined"),
])
def test_each_answer_to_an_authorisation_has_one_meaning(script: Script, outcome: str, code: str) -> None:
    with ScriptedServer(script) as server:
        answer = _authorize(server)
        assert (answer.outcome, answer.code) == (outcome, code)
        assert server.connections == 1


@pytest.mark.parametrize("intent, captured, voided", [
    ({"status": "succeeded", "amount_received": 150000}, ("ok", None), ("declined", "captured")),
    ({"status": "canceled"}, ("declined", "canceled"), ("ok", None)),
    ({"status": "processing"}, ("in_doubt", "payment_intent_unexpected_state"),
     ("in_doubt", "payment_intent_unexpected_state")),
    (None, ("in_doubt", "payment_intent_unexpected_state"), ("in_doubt", "payment_intent_unexpected_state")),
])
def test_a_refusal_for_the_state_is_read_from_the_intent_inside_it(
        intent: dict[str, Any] | None, captured: tuple[str, str | None], voided: tuple[str, str | None]) -> None:
    inside = {} if intent is None else {"payment_intent": {**HELD, **intent}}
    script = _error(400, type="invalid_request_error", code="payment_intent_unexpected_state", **inside)
    with ScriptedServer(script) as server:
        assert _ending(_capture(server)) == captured
        assert _ending(_void(server)) == voided


@pytest.mark.property(47)
def test_a_failure_that_is_replayed_for_the_key_says_so() -> None:
    with ScriptedServer(answering(500, {"error": {"type": "api_error"}}, Idempotent_Replayed="true")) as server:
        assert _authorize(server) == Answer(Outcome.IN_DOUBT, "http_500", replayed=True)
    with ScriptedServer(answering(200, HELD, Idempotent_Replayed="true")) as server:
        assert _authorize(server).replayed is True


@pytest.mark.property(44)
def test_the_sdk_sends_nothing_twice() -> None:
    with ScriptedServer(_error(500, type="api_error")) as server:
        server.script = answering(500, {"error": {}}, Stripe_Should_Retry="true")
        assert _authorize(server).outcome is Outcome.IN_DOUBT
        assert server.connections == 1


@pytest.mark.property(80)
def test_nothing_of_a_call_is_logged_or_told(
        caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(_error(402, type="card_error", code="card_declined", payment_intent=HELD)) as server:
        answer = _authorize(server)
    told = caplog.text + "".join(capfd.readouterr()) + repr(answer)
    assert answer.gateway_ref == "pi_1"
    assert not [word for word in (KEY, "pm_1", "secret words", str(ID)) if word in told]


def _ending(answer: Answer) -> tuple[str, str | None]:
    return str(answer.outcome), answer.code
