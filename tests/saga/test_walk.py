"""How a payment goes when nothing breaks, and how it ends when somebody says no."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pipeline.ledger.statuses import Status
from pipeline.saga.answer import answer, summary
from tests.saga.world import World

GATEWAYS = pytest.mark.parametrize("gateway", ["stripe", "adyen"])


@GATEWAYS
def test_a_payment_is_captured_and_committed_with_one_call_each(gateway: str) -> None:
    world = World()
    ended = world.pay(gateway=gateway)
    assert ended.status == "SUCCEEDED"
    assert ended.output["outcome"] == "ok"
    payment = world.check()
    assert payment.status is Status.COMMITTED
    assert world.moved() == payment.captured_minor == 1999
    assert [(done["kind"], done["key"]) for done in world.booked()] == [("authorize", "77"), ("capture", "77:capture")]
    assert world.relay.drained == [77]
    assert answer(ended.output["payment"]) == answer(summary(payment))
    assert answer(summary(payment)).status_code == 201


@GATEWAYS
def test_a_decline_is_one_change_that_releases_the_hold(gateway: str) -> None:
    world = World()
    ended = world.pay(gateway=gateway, token="pm_card_chargeDeclined")
    assert ended.output["outcome"] == "declined"
    assert world.check().status is Status.DECLINED
    told = answer(ended.output["payment"])
    assert (told.status_code, told.final) == (402, True)
    assert json.loads(told.body)["code"] == ended.output["code"]


@pytest.mark.property(49)
def test_fraud_is_decided_before_any_hold_and_once() -> None:
    world = World()
    world.scorer.decision = "reject"
    assert world.pay().output["outcome"] == "rejected"
    assert world.check().status is Status.REJECTED
    assert not world.booked()
    assert not world.ledger.entries()
    world.scorer.decision = "approve"
    again = world.pay()
    assert again.output["outcome"] == "done"
    assert world.scorer.asked == 1
    assert world.payment().fraud_decision == "reject"


@pytest.mark.property(49)
@pytest.mark.parametrize("mode, status", [("reject", Status.REJECTED), ("review", Status.VOIDED),
                                          ("approve", Status.COMMITTED)])
def test_a_silent_scorer_follows_the_fail_mode(mode: str, status: Status) -> None:
    from pipeline.saga.ports import Policy

    world = World(policy=Policy(fraud_fail_mode=mode))
    world.scorer.decision = None
    world.pay()
    payment = world.check()
    assert (payment.status, payment.fraud_decision) == (status, mode)


def test_a_hold_above_the_limit_is_refused_and_nothing_is_asked_of_the_gateway() -> None:
    world = World(limit=1000)
    assert world.pay().output["code"] == "limit_reached"
    assert world.check().status is Status.REJECTED
    assert not world.booked()


@GATEWAYS
@pytest.mark.parametrize("token, decision, cause", [
    ("pm_card_visa", "review", "fraud_review"), ("pm_sim_requires_action", "approve", "authentication_required"),
    ("pm_sim_partial", "approve", "amount_mismatch")])
def test_what_must_not_be_captured_is_voided(gateway: str, token: str, decision: str, cause: str) -> None:
    world = World()
    world.scorer.decision = decision
    ended = world.pay(gateway=gateway, token=token, amount=2000)
    payment = world.check()
    assert (payment.status, payment.cause) == (Status.VOIDED, cause)
    assert world.moved() == 0
    told = answer(ended.output["payment"])
    assert (told.status_code, json.loads(told.body)["code"]) == (402, cause)


@GATEWAYS
def test_a_manual_capture_rests_without_a_lease_until_the_merchant_captures(gateway: str) -> None:
    world = World()
    ended = world.pay(gateway=gateway, capture_mode="manual")
    assert ended.output["outcome"] == "resting"
    assert world.check(resting=True).hold_expires_at is not None
    assert answer(ended.output["payment"]).status_code == 201
    assert world.sweep() == 0
    captured = world.operate("capture", amount=500)
    assert captured.output["outcome"] == "ok"
    payment = world.check()
    assert (payment.status, payment.captured_minor, world.moved()) == (Status.COMMITTED, 500, 500)
    assert world.operate("capture", amount=500).output["outcome"] == "done"
    assert world.operate("cancel", key="late").output["code"] == "state_conflict"
    assert world.check() == payment


@GATEWAYS
def test_a_merchants_cancel_gives_the_hold_back(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway, capture_mode="manual")
    ended = world.operate("cancel")
    payment = world.check()
    assert (payment.status, payment.cause) == (Status.VOIDED, "cancelled")
    assert answer(ended.output["payment"]).status_code == 201
    assert world.operate("capture", key="late").output["code"] == "state_conflict"


def test_an_operation_on_anothers_payment_or_of_too_much_is_refused() -> None:
    world = World()
    world.pay(capture_mode="manual")
    stranger = world.request(77) | {"saga": "capture", "hash": "x", "merchant_id": "m-2", "request": {}}
    assert world.execute(stranger).output["code"] == "not_found"
    assert world.operate("capture", amount=2000).output["code"] == "amount_above_authorized"
    assert world.operate("capture", 78).output["code"] == "not_found"
    world.check(resting=True)


@GATEWAYS
def test_a_hold_that_lapses_soon_is_given_back_by_the_sweep(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway, capture_mode="manual")
    lapses = world.payment().hold_expires_at
    assert lapses is not None
    assert world.sweep(lapses - world.clock() - timedelta(hours=2)) == 0
    assert world.sweep(timedelta(hours=1, seconds=1)) == 1
    payment = world.check()
    assert (payment.status, payment.cause) == (Status.VOIDED, "hold_expiring")


@GATEWAYS
def test_amounts_cross_the_gateway_in_its_own_units(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway, amount=500, currency="JPY")
    assert world.check().captured_minor == world.moved() == 500


@pytest.mark.property(33)
def test_a_notification_that_fails_changes_nothing() -> None:
    from tests.saga.walker import Function, TaskFailed

    def broken(name: str, function: Function) -> Function:
        def fails(event: dict[str, object]) -> object:
            raise TaskFailed("Lambda.Unknown")

        return fails if name == "NotifyMerchant" else function

    world = World()
    world.wrap = broken
    ended = world.pay()
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "COMMITTED")
    assert world.check().status is Status.COMMITTED
