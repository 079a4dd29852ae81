"""The rest of the contract: amounts, looking up, what is refused, and what the passing of time changes."""

from __future__ import annotations

import pytest

from pipeline.gateways.port import Answer, Found, refund_key
from pipeline.gateways.retention import proves_absence, same_key_allowed
from pipeline.outcomes import Outcome
from tests.gateways.contract import ENOUGH_S, SHORT_S, Form

pytestmark = pytest.mark.property(50)


@pytest.mark.parametrize("amount_minor, currency", [
    (1500, "JPY"), (1500, "ISK"), (1500, "UGX"), (12340, "KWD"), (1500, "CLP"), (1200, "MGA"), (120000, "IDR"),
    (1200, "HUF"), (1, "USD")])
def test_amounts_reach_the_book_in_the_currencys_own_units(form: Form, amount_minor: int, currency: str) -> None:
    payment_id = form.new_id()
    answer = form.authorize(payment_id, amount_minor, currency)
    assert answer.amount_minor == amount_minor
    captured = form.capture(payment_id, answer.gateway_ref or "", amount_minor, currency)
    assert captured.amount_minor == amount_minor
    assert form.done(payment_id, "capture") == [amount_minor]


@pytest.mark.parametrize("amount_minor, currency, gateway", [
    (12345, "KWD", "stripe"), (1250, "MGA", "stripe"), (1250, "IDR", "adyen"), (1250, "CVE", "adyen")])
def test_an_amount_that_the_gateway_cannot_say_is_not_sent(
        form: Form, amount_minor: int, currency: str, gateway: str) -> None:
    if form.gateway.name != gateway:
        return
    payment_id = form.new_id()
    answer = form.authorize(payment_id, amount_minor, currency)
    assert (answer.outcome, answer.code) == (Outcome.MISUSED, "unrepresentable_amount")
    assert form.book(payment_id) == []


def test_looking_up_tells_the_state_with_and_without_a_reference(form: Form) -> None:
    if form.late:
        answer = form.look_up(form.new_id(), None)
        assert isinstance(answer, Answer)
        assert (answer.outcome, answer.code) == (Outcome.IN_DOUBT, "no_lookup")
        return
    assert form.look_up(form.new_id(), None) == Found("none")
    held, ref = form.held()
    for found in (form.look_up(held, ref), form.look_up(held, None)):
        assert isinstance(found, Found)
        assert (found.state, found.gateway_ref, found.authorized_minor) == ("authorized", ref, 1250)
    form.void(held, ref)
    assert _state(form, held) == "voided"
    captured, ref = form.paid()
    form.refund(captured, ref, 200)
    found = form.look_up(captured, None)
    assert isinstance(found, Found)
    assert (found.capture_ref or "").startswith("ch_")
    assert (found.state, found.captured_minor, found.refunded_minor) == ("captured", 1250, 200)
    for token, state in (("pm_card_chargeDeclined", "declined"), ("pm_sim_requires_action", "requires_action")):
        payment_id = form.new_id()
        form.authorize(payment_id, token=token)
        assert _state(form, payment_id) == state


@pytest.mark.property(44)
@pytest.mark.parametrize("kind", ["timeout_before", "cut_before", "error_before", "unavailable"])
def test_a_look_up_without_an_answer_may_simply_be_asked_again(form: Form, kind: str) -> None:
    if form.late:
        return
    payment_id, ref = form.held()
    form.fault(kind, operation="look_up")
    found = form.gateway.look_up(payment_id, ref, gateway_account=form.account, sent_at=form.now(), budget_s=SHORT_S)
    assert isinstance(found, Answer)
    assert found.outcome is Outcome.RETRYABLE
    assert _state(form, payment_id) == "authorized"


def test_another_account_is_refused(form: Form) -> None:
    payment_id = form.new_id()
    answer = form.gateway.authorize(form.wanted(payment_id, account="elsewhere"), key=str(payment_id),
                                    budget_s=ENOUGH_S)
    assert answer.outcome is Outcome.MISUSED
    assert form.book(payment_id) == []


def test_an_unknown_payment_is_refused(form: Form) -> None:
    payment_id = form.new_id()
    assert form.capture(payment_id, "pi_unknown").outcome is Outcome.MISUSED
    assert form.void(payment_id, "pi_unknown").outcome is Outcome.MISUSED
    assert form.refund(payment_id, "pi_unknown", 1).outcome is Outcome.MISUSED


def test_a_payment_method_that_does_not_exist_is_a_decline(form: Form) -> None:
    if form.late:
        return  # any token is a card there
    answer = form.authorize(form.new_id(), token="tok_unknown")
    assert (answer.outcome, answer.code) == (Outcome.DECLINED, "invalid_method")


def test_a_hold_that_has_lapsed_is_not_captured_and_void_already(twin: Form) -> None:
    payment_id, ref = twin.held()
    twin.advance(29 * 86_400)
    captured, void = twin.capture(payment_id, ref), twin.void(payment_id, ref)
    if not twin.late:
        assert captured.outcome is Outcome.DECLINED
    assert void.outcome is Outcome.OK
    assert twin.done(payment_id, "capture") == []


@pytest.mark.property(46)
def test_past_the_retention_a_key_is_no_longer_sent_because_it_would_charge_again(twin: Form) -> None:
    payment_id, _ = twin.held()
    first = twin.now()
    assert same_key_allowed(twin.gateway, first_sent_at=None, at=first)
    assert same_key_allowed(twin.gateway, first_sent_at=first, at=first)
    twin.advance(twin.gateway.key_retention.total_seconds() - 60)
    assert not same_key_allowed(twin.gateway, first_sent_at=first, at=twin.now())
    twin.advance(120)
    twin.authorize(payment_id)
    assert len(twin.done(payment_id, "authorize")) == 2  # what the helper is there to prevent


@pytest.mark.property(46)
def test_what_was_sent_by_a_later_attempt_is_still_found_after_the_retention(twin: Form) -> None:
    if twin.late:
        return
    payment_id, first_sent_at = twin.new_id(), twin.now()
    twin.advance(23 * 3600)
    twin.authorize(payment_id)
    twin.advance(7200)
    found = twin.gateway.look_up(payment_id, None, gateway_account=twin.account, sent_at=first_sent_at,
                                 budget_s=ENOUGH_S)
    assert isinstance(found, Found)
    assert found.state == "authorized"
    assert proves_absence(twin.gateway, last_sent_at=first_sent_at, at=twin.now()) is True
    assert proves_absence(twin.gateway, last_sent_at=twin.now(), at=twin.now()) is False
    assert twin.void(payment_id, None).outcome is Outcome.OK


def test_a_look_up_goes_through_all_pages(twin: Form) -> None:
    if twin.late:
        return
    payment_id, sent_at = twin.new_id(), twin.now()
    twin.authorize(payment_id)
    for _ in range(205):
        twin.authorize(twin.new_id())
    found = twin.gateway.look_up(payment_id, None, gateway_account=twin.account, sent_at=sent_at, budget_s=ENOUGH_S)
    assert isinstance(found, Found)
    assert found.state == "authorized"


def test_keys_fit_both_gateways_and_differ(form: Form) -> None:
    longest = 2**63 - 1
    assert len(refund_key(longest, 10**9)) <= 64


def _state(form: Form, payment_id: int) -> str:
    found = form.look_up(payment_id, None)
    assert isinstance(found, Found)
    return found.state
