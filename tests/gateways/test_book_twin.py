"""The twin without an adapter, beyond the contract: what only a clock that tests move can show."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.gateways.port import Found
from pipeline.outcomes import Outcome
from tests.gateways.book_twin import BookTwin, VirtualClock
from tests.gateways.contract import Form, of_the_book

ACCOUNT = "acct_twin"

pytestmark = pytest.mark.property(50)


def made(name: str) -> tuple[Form, BookTwin]:
    """A twin as a form of the contract."""
    form = of_the_book(name)
    assert isinstance(form.gateway, BookTwin)
    return form, form.gateway


@pytest.mark.property(44)
def test_an_authorisation_that_outlasts_its_caller_happens_when_its_time_has_come() -> None:
    form, twin = made("stripe")
    payment_id, sent_at = form.new_id(), form.now()
    form.fault("late", operation="authorize", seconds=15.0)
    assert form.authorize(payment_id, budget_s=12.0).code == "timeout"
    assert (form.now() - sent_at).total_seconds() == 12.0
    assert form.look_up(payment_id, None) == Found("none")
    assert form.authorize(payment_id).code == "idempotency_key_in_use"
    form.advance(3.0)
    found = form.look_up(payment_id, None)
    assert isinstance(found, Found)
    assert found.state == "authorized"
    assert form.authorize(payment_id).outcome is Outcome.OK
    assert form.done(payment_id, "authorize") == [1250]
    assert [(event.kind, event.success) for event in twin.events] == [("authorize", True)]


@pytest.mark.property(48)
def test_what_adyen_refuses_later_is_told_by_an_event() -> None:
    form, twin = made("adyen")
    payment_id = form.new_id()
    ref = form.authorize(payment_id, token="pm_sim_capture_fails").gateway_ref
    assert ref is not None
    captured = form.capture(payment_id, ref)
    form.void(payment_id, ref)
    told = [(event.kind, event.success, event.operation_ref == captured.operation_ref) for event in twin.events]
    assert told == [("authorize", True, False), ("capture", True, True), ("capture_reversal", True, True),
                    ("void", False, False)]


@pytest.mark.property(82)
def test_the_same_seed_gives_the_same_references() -> None:
    refs = []
    for _ in range(2):
        form, _ = made("adyen")
        refs.append([form.gateway.authorize(form.wanted(number), key=str(number), budget_s=1.0).gateway_ref
                     for number in range(1, 4)])
    assert refs[0] == refs[1]
    assert len(set(refs[0])) == 3


def test_both_gateways_may_share_one_book() -> None:
    clock = VirtualClock(datetime.fromisoformat("2026-03-02T12:00:00+00:00"))
    stripe = BookTwin("stripe", clock, account=ACCOUNT)
    adyen = BookTwin("adyen", clock, account=ACCOUNT, desk=stripe.desk)
    for twin in (stripe, adyen):
        form = Form(twin.name, twin, ACCOUNT, twin.operations, twin.fault, clock, False, True, clock.spend)
        assert form.authorize(7).outcome is Outcome.OK
        assert form.done(7, "authorize") == [1250]
