"""The contract of a gateway, held against Stripe and Adyen over HTTP and within this process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.gateways.port import Found, void_key
from pipeline.gateways.retention import hold_ends
from pipeline.outcomes import Outcome
from tests.gateways.contract import SHORT_S, Form

pytestmark = pytest.mark.property(50)

LOST = ("timeout_before", "timeout_after", "cut_before", "cut_after", "garbage", "trickle")
"""Ways of not answering; the effect may have come to pass or not."""


def test_an_authorisation_holds_the_amount_and_says_until_when(form: Form) -> None:
    payment_id = form.new_id()
    answer = form.authorize(payment_id, 990, "USD")
    assert (answer.outcome, answer.code, answer.amount_minor) == (Outcome.OK, None, 990)
    assert form.done(payment_id, "authorize") == [990]
    assert hold_ends(answer, authorized_at=form.now()) > form.now()


@pytest.mark.property(41, 45)
def test_the_same_key_gives_the_same_authorisation(form: Form) -> None:
    payment_id = form.new_id()
    first, again = form.authorize(payment_id), form.authorize(payment_id)
    assert (again.outcome, again.gateway_ref, again.amount_minor) == (Outcome.OK, first.gateway_ref, 1250)
    assert form.done(payment_id, "authorize") == [1250]


@pytest.mark.property(41)
def test_the_same_key_with_another_amount_moves_nothing(form: Form) -> None:
    payment_id = form.new_id()
    first, other = form.authorize(payment_id, 1250), form.authorize(payment_id, 9900)
    if form.late:  # Adyen's first answer again
        assert (other.gateway_ref, other.amount_minor) == (first.gateway_ref, 1250)
    else:
        assert (other.outcome, other.code) == (Outcome.MISUSED, "idempotency_error")
    assert form.done(payment_id, "authorize") == [1250]


@pytest.mark.parametrize("token, code", [
    ("pm_card_chargeDeclined", "card_declined"), ("pm_card_chargeDeclinedExpiredCard", "expired_card")])
def test_a_decline_is_one_and_stays_one(form: Form, token: str, code: str) -> None:
    payment_id = form.new_id()
    for _ in range(2):
        answer = form.authorize(payment_id, token=token)
        assert (answer.outcome, answer.code) == (Outcome.DECLINED, code)
    assert form.done(payment_id, "authorize") == []


def test_a_shopper_who_would_have_to_authenticate_is_a_case_for_a_void(form: Form) -> None:
    payment_id = form.new_id()
    answer = form.authorize(payment_id, token="pm_sim_requires_action")
    assert (answer.outcome, answer.code) == (Outcome.VOID, "authentication_required")
    assert form.void(payment_id, answer.gateway_ref).outcome is Outcome.OK
    assert form.done(payment_id, "authorize") == []


def test_another_authorised_amount_is_told(form: Form) -> None:
    payment_id = form.new_id()
    answer = form.authorize(payment_id, 1200, token="pm_sim_partial")
    assert answer.outcome is Outcome.OK
    assert [answer.amount_minor] == form.done(payment_id, "authorize") != [1200]


@pytest.mark.property(41, 44)
@pytest.mark.parametrize("kind", LOST)
def test_an_authorisation_without_an_answer_is_in_doubt_and_the_same_key_tells(form: Form, kind: str) -> None:
    payment_id = form.new_id()
    form.fault(kind, operation="authorize", payment_id=str(payment_id), seconds=30.0)
    assert form.authorize(payment_id, budget_s=SHORT_S).outcome is Outcome.IN_DOUBT
    assert len(form.done(payment_id, "authorize")) == (kind not in ("timeout_before", "cut_before"))
    assert form.authorize(payment_id).outcome is Outcome.OK
    assert form.done(payment_id, "authorize") == [1250]


@pytest.mark.property(41, 44)
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "cut_after"])
def test_a_capture_without_an_answer_is_in_doubt_and_the_same_key_tells(form: Form, kind: str) -> None:
    payment_id, ref = form.held()
    form.fault(kind, operation="capture", payment_id=str(payment_id))
    assert form.capture(payment_id, ref, budget_s=SHORT_S).outcome is Outcome.IN_DOUBT
    again = form.capture(payment_id, ref)
    assert (again.outcome, again.amount_minor) == (Outcome.OK, 1250)
    assert form.done(payment_id, "capture") == [1250]


@pytest.mark.property(47)
@pytest.mark.parametrize("kind, held", [("error_after", True), ("error_before", False)])
def test_a_failure_that_is_stored_for_the_key_stays_in_doubt_and_a_void_settles_it(
        form: Form, kind: str, held: bool) -> None:
    payment_id = form.new_id()
    form.fault(kind, operation="authorize", payment_id=str(payment_id))
    first, again = form.authorize(payment_id), form.authorize(payment_id)
    assert (first.outcome, again.outcome) == (Outcome.IN_DOUBT, Outcome.IN_DOUBT)
    assert again.replayed is not form.late  # Adyen does not mark it
    assert form.done(payment_id, "authorize") == ([1250] if held else [])
    void = form.void(payment_id, None)
    assert void.outcome is (Outcome.OK if held or form.late else Outcome.DECLINED)
    assert form.done(payment_id, "void") == ([1250] if held else [])


@pytest.mark.property(47)
def test_a_capture_whose_failure_is_stored_for_the_key_is_found_by_looking_up(form: Form) -> None:
    payment_id, ref = form.held()
    form.fault("error_after", operation="capture", payment_id=str(payment_id))
    assert [form.capture(payment_id, ref).outcome for _ in range(2)] == [Outcome.IN_DOUBT] * 2
    found = form.look_up(payment_id, ref)
    if isinstance(found, Found):
        assert (found.state, found.captured_minor) == ("captured", 1250)
    else:
        assert (found.outcome, found.code) == (Outcome.IN_DOUBT, "no_lookup")
    assert form.done(payment_id, "capture") == [1250]


@pytest.mark.parametrize("kind, stripe, adyen", [
    ("rate_limited", "retryable", "retryable"), ("unavailable", "in_doubt", "retryable"),
    ("in_flight", "in_doubt", "in_doubt"), ("unauthorized", "misused", "misused")])
def test_what_is_refused_before_anything_happens_may_be_sent_again(
        form: Form, kind: str, stripe: str, adyen: str) -> None:
    payment_id = form.new_id()
    form.fault(kind, operation="authorize", payment_id=str(payment_id))
    assert form.authorize(payment_id).outcome == (adyen if form.late else stripe)
    assert form.authorize(payment_id).outcome is Outcome.OK
    assert form.done(payment_id, "authorize") == [1250]


@pytest.mark.property(41, 43)
def test_many_callers_with_one_key_authorise_once(form: Form) -> None:
    payment_id = form.new_id()
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: form.authorize(payment_id), range(16)))
    assert {answer.outcome for answer in answers} <= {Outcome.OK, Outcome.IN_DOUBT}
    assert len({answer.gateway_ref for answer in answers if answer.outcome is Outcome.OK}) == 1
    assert form.done(payment_id, "authorize") == [1250]


@pytest.mark.property(41)
def test_while_a_call_is_under_way_its_key_is_in_doubt(form: Form) -> None:
    if form.twin:
        return  # there a call is over before the next begins
    payment_id = form.new_id()
    form.fault("delay", operation="authorize", payment_id=str(payment_id), seconds=1.5)
    assert form.authorize(payment_id, budget_s=0.8).code == "timeout"
    assert form.authorize(payment_id).outcome is Outcome.IN_DOUBT


def test_a_capture_takes_what_is_asked_for(form: Form) -> None:
    payment_id, ref = form.held()
    answer = form.capture(payment_id, ref, 1000)
    assert (answer.outcome, answer.amount_minor) == (Outcome.OK, 1000)
    assert (answer.operation_ref or "").startswith("" if form.late else "ch_")
    assert form.done(payment_id, "capture") == [1000]


@pytest.mark.property(41, 45)
def test_no_second_capture_by_the_same_or_another_key(form: Form) -> None:
    payment_id, ref = form.held()
    first, again = form.capture(payment_id, ref), form.capture(payment_id, ref)
    assert (first.outcome, again.operation_ref) == (Outcome.OK, first.operation_ref)
    other = form.capture(payment_id, ref, key=f"{payment_id}:capture:2")
    assert (other.outcome, other.amount_minor) == (Outcome.OK, 1250)
    assert form.done(payment_id, "capture") == [1250]


def test_a_void_gives_the_hold_back_and_may_be_repeated(form: Form) -> None:
    payment_id, ref = form.held()
    assert [form.void(payment_id, ref).outcome for _ in range(2)] == [Outcome.OK] * 2
    assert form.void(payment_id, ref, key=void_key(payment_id, 2)).outcome is Outcome.OK
    assert form.done(payment_id, "void") == [1250]


def test_what_is_void_is_not_captured(form: Form) -> None:
    payment_id, ref = form.held()
    form.void(payment_id, ref)
    answer = form.capture(payment_id, ref)
    if not form.late:
        assert (answer.outcome, answer.code) == (Outcome.DECLINED, "canceled")
    assert form.done(payment_id, "capture") == []


@pytest.mark.property(32)
def test_what_is_captured_is_not_voided(form: Form) -> None:
    payment_id, ref = form.paid()
    answers = [form.void(payment_id, ref), form.void(payment_id, None, key=void_key(payment_id, 2))]
    if not form.late:
        assert [(answer.outcome, answer.code) for answer in answers] == [(Outcome.DECLINED, "captured")] * 2
    assert form.done(payment_id, "void") == []
    assert form.done(payment_id, "capture") == [1250]


def test_a_hold_is_given_back_by_our_own_reference(form: Form) -> None:
    payment_id, _ = form.held()
    assert form.void(payment_id, None).outcome is Outcome.OK
    assert form.done(payment_id, "void") == [1250]
    assert form.void(payment_id, None, key=void_key(payment_id, 2)).outcome is Outcome.OK


def test_a_void_by_our_own_reference_touches_nobody_else(form: Form) -> None:
    other, _ = form.held()
    answer = form.void(form.new_id(), None)
    if not form.late:
        assert (answer.outcome, answer.code) == (Outcome.DECLINED, "not_found")
    assert form.done(other, "void") == []


def test_a_void_without_an_answer_is_in_doubt_and_the_same_key_tells(form: Form) -> None:
    payment_id, ref = form.held()
    form.fault("timeout_after", operation="void", payment_id=str(payment_id))
    assert form.void(payment_id, ref, budget_s=SHORT_S).outcome is Outcome.IN_DOUBT
    assert form.void(payment_id, ref).outcome is Outcome.OK
    assert form.done(payment_id, "void") == [1250]


@pytest.mark.property(45)
def test_refunds_are_made_once_each_and_never_above_what_was_captured(form: Form) -> None:
    payment_id, ref = form.paid()
    first, again = form.refund(payment_id, ref, 500), form.refund(payment_id, ref, 500)
    second = form.refund(payment_id, ref, 750, 2)
    assert (first.outcome, second.outcome, first.amount_minor) == (Outcome.OK, Outcome.OK, 500)
    assert again.operation_ref == first.operation_ref != second.operation_ref
    assert (first.operation_ref or "").startswith("" if form.late else "re_")
    more = form.refund(payment_id, ref, 1, 3)
    assert form.late or more.outcome is Outcome.DECLINED
    assert form.done(payment_id, "refund") == [500, 750]


def test_a_refund_without_an_answer_is_in_doubt_and_the_same_key_tells(form: Form) -> None:
    payment_id, ref = form.paid()
    form.fault("timeout_after", operation="refund", payment_id=str(payment_id))
    assert form.refund(payment_id, ref, 500, budget_s=SHORT_S).outcome is Outcome.IN_DOUBT
    assert form.refund(payment_id, ref, 500).outcome is Outcome.OK
    assert form.done(payment_id, "refund") == [500]
