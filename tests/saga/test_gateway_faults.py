"""Whatever a gateway does to a call: never a new key, never an assumption, and in the end ledger and book agree."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest

from infra.local.gateways.faults import BEFORE_KEYS, WITH_EFFECT, WITHOUT_EFFECT
from pipeline.gateways.port import Answer
from pipeline.ledger.statuses import Status
from pipeline.outcomes import Outcome
from pipeline.saga.answer import answer
from pipeline.saga.notices import notice
from tests.saga.faults import Crash
from tests.saga.world import Interruption, World

GATEWAYS = pytest.mark.parametrize("gateway", ["stripe", "adyen"])
FAULTS = sorted({*BEFORE_KEYS, *WITHOUT_EFFECT, *WITH_EFFECT} - {"fails_later", "unauthorized"})


def told(world: World, gateway: str) -> None:
    """All webhooks of the gateway, until none has to come again."""
    waiting = list(world.gateways[gateway].events)
    for _ in range(4):
        waiting = [event for event in waiting if notice(world.ports, event) == "later"]


@pytest.mark.property(41, 44, 45, 47)
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])
@GATEWAYS
@pytest.mark.parametrize("operation", ["authorize", "capture"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_that_fails_once(fault: str, operation: str, gateway: str, locked: bool) -> None:
    world = World()
    world.fence.down = not locked
    world.gateways[gateway].fault(fault, operation=operation)
    world.pay(gateway=gateway)
    for _ in range(4):
        # Adyen tells no state when asked: what it keeps to itself comes as an event, or is settled by a void.
        with contextlib.suppress(AssertionError):
            world.settle()
            break
        told(world, gateway)
    payment = world.check()
    assert payment.status in (Status.COMMITTED, Status.VOIDED)
    assert {done["key"] for done in world.booked()} <= {"77", "77:capture", "77:void"}


@pytest.mark.property(41, 44)
@GATEWAYS
@pytest.mark.parametrize("fault", FAULTS)
def test_a_void_that_fails_once(fault: str, gateway: str) -> None:
    world = World()
    world.scorer.decision = "review"
    world.gateways[gateway].fault(fault, operation="void")
    world.pay(gateway=gateway)
    world.settle()
    assert world.check().status is Status.VOIDED


@pytest.mark.property(43)
@GATEWAYS
def test_without_the_lock_service_the_ledgers_fence_alone_decides_and_it_is_said(gateway: str) -> None:
    world = World()
    world.fence.down = True
    world.pay(gateway=gateway)
    assert world.check().status is Status.COMMITTED
    assert any(event == "lock_unavailable" for event, _ in world.logged)


@pytest.mark.property(41, 42)
@GATEWAYS
def test_a_lock_that_is_lost_cancels_nothing(gateway: str) -> None:
    world = World()
    world.fence.forgetful = True
    world.pay(gateway=gateway)
    assert world.check().status is Status.COMMITTED
    assert any(event == "lock_lost" for event, _ in world.logged)


@pytest.mark.property(41)
def test_a_held_lock_is_waited_for_and_the_gateway_is_not_called() -> None:
    world = World()
    for name in ("ValidatePayment", "ReserveBalance"):
        world.step(name, world.event())
    world.fence.held.add("payment:77")
    before = world.clock()
    assert world.step("AuthorizeGateway", world.event())["outcome"] == "in_doubt"
    assert world.clock() - before >= timedelta(seconds=world.policy.authorize_budget_s)
    assert not world.gateways["stripe"].calls
    world.fence.held.clear()
    world.settle()
    world.check()


@pytest.mark.property(29, 42)
@GATEWAYS
@pytest.mark.parametrize("fault", [None, "timeout_after"])
def test_the_lock_of_one_that_died_is_taken_over_by_the_undo_that_waits_for_it(gateway: str, fault: str | None) -> None:
    world = World()
    for name in ("ValidatePayment", "ReserveBalance"):
        world.step(name, world.event(gateway=gateway))

    def dies() -> None:
        raise Crash

    world.interruption = Interruption(dies, gateway=True, after=True)
    with pytest.raises(Crash):
        world.step("AuthorizeGateway", world.event())
    world.interruption = None
    world.fence.held.add("payment:77")
    begun = world.clock()
    world.fence.lapsed = lambda: world.clock() - begun >= timedelta(seconds=5)
    if fault is not None:
        world.gateways[gateway].fault(fault, operation="void")
    undone = world.step("AuthorizeGateway", world.event(direction="undo"))
    took = world.clock() - begun
    if fault is None:
        assert undone["outcome"] == "ok"
        assert took < timedelta(seconds=6)
    assert timedelta(seconds=5) <= took <= timedelta(seconds=world.policy.authorize_budget_s)
    assert [row["kind"] for row in world.booked() if row["status"] == "succeeded"] == ["authorize", "void"]
    world.settle()
    assert world.check().status is Status.VOIDED


@pytest.mark.property(46)
@GATEWAYS
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_after_the_gateways_retention_no_key_is_sent_again(gateway: str, fault: str) -> None:
    world = World()
    twin = world.gateways[gateway]
    twin.fault(fault, operation="authorize")
    world.pay(gateway=gateway)
    assert world.payment().status is Status.IN_DOUBT
    calls = twin.calls["authorize"]
    world.sweep(twin.key_retention + timedelta(hours=1))
    assert twin.calls["authorize"] == calls
    world.settle()
    payment = world.check()
    assert (payment.status, twin.calls["authorize"]) == (Status.VOIDED, calls)


@pytest.mark.property(44)
def test_an_empty_look_up_before_the_horizon_keeps_payment_and_hold() -> None:
    world = World()
    twin = world.gateways["stripe"]
    twin.fault("error_before", operation="authorize")
    world.pay()
    world.sweep(timedelta(seconds=30))
    payment = world.payment()
    assert payment.status is Status.VOIDING
    assert payment.lease_until is not None
    assert world.ledger.open_hold_minor(77) == 1999
    world.sweep(twin.horizon + timedelta(minutes=40))
    assert world.check().status is Status.VOIDED


@pytest.mark.property(47)
def test_a_failure_that_is_replayed_for_its_key_does_not_loop() -> None:
    world = World()
    twin = world.gateways["adyen"]
    twin.fault("error_before", operation="authorize")
    world.pay(gateway="adyen")
    world.settle()
    assert world.check().status is Status.VOIDED
    assert twin.calls["authorize"] <= world.policy.same_key_attempts + 1


@pytest.mark.property(11, 44)
@GATEWAYS
def test_a_timeout_is_no_decline_and_no_new_key(gateway: str) -> None:
    world = World()
    twin = world.gateways[gateway]
    twin.fault("timeout_after", operation="authorize")
    ended = world.pay(gateway=gateway)
    found: dict[str, Any] = ended.output["payment"]
    assert (ended.output["outcome"], found["status"]) == ("in_doubt", "IN_DOUBT")
    assert world.ledger.open_hold_minor(77) == 1999
    world.clock.spend(11)
    # A new execution of the same saga, once nobody holds it, goes forward by the same key.
    assert world.pay(gateway=gateway).output["outcome"] == "ok"
    assert world.check().status is Status.COMMITTED


@pytest.mark.property(46)
@pytest.mark.parametrize("fault, status", [("timeout_before", Status.VOIDED), ("timeout_after", Status.COMMITTED)])
def test_after_the_retention_a_capture_is_looked_up_and_not_sent_again(fault: str, status: Status) -> None:
    world = World()
    twin = world.gateways["stripe"]
    twin.fault(fault, operation="capture")
    world.pay()
    world.sweep(twin.key_retention + timedelta(hours=1))
    assert world.check().status is status
    assert twin.calls["capture"] == 1


@pytest.mark.property(44)
@GATEWAYS
@pytest.mark.parametrize("refusal", ["rate_limited", "unauthorized", "in_flight", "unavailable"])
@pytest.mark.parametrize("operation", ["authorize", "capture"])
def test_that_a_retry_was_not_executed_says_nothing_of_the_first_call(
        operation: str, refusal: str, gateway: str) -> None:
    world = World()
    twin = world.gateways[gateway]
    twin.fault("timeout_after", operation=operation)
    world.pay(gateway=gateway)
    # A replay reaches no fault: the retry is refused before the gateway looks at its key.
    original = getattr(twin, operation)
    answers = {"rate_limited": (Outcome.RETRYABLE, "rate_limit"), "unauthorized": (Outcome.MISUSED, "http_401"),
               "in_flight": (Outcome.IN_DOUBT, "in_flight"), "unavailable": (Outcome.RETRYABLE, "connect")}
    left = [2]

    def refused(*given: object, **named: object) -> object:
        if left[0]:
            left[0] -= 1
            return Answer(*answers[refusal])
        return original(*given, **named)

    setattr(twin, operation, refused)
    world.sweep(timedelta(seconds=30))
    told(world, gateway)
    world.settle()
    world.check()


@GATEWAYS
def test_a_capture_shortly_before_its_hold_lapses_is_a_void(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway, capture_mode="manual")
    lapses = world.payment().hold_expires_at
    assert lapses is not None
    world.clock.spend((lapses - world.clock() - timedelta(minutes=30)).total_seconds())
    ended = world.operate("capture")
    assert ended.output["payment"]["cause"] == "hold_expiring"
    assert world.check().status is Status.VOIDED


@GATEWAYS
def test_a_merchants_capture_that_is_refused_for_good_leaves_the_payment_resting(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway, capture_mode="manual")
    world.gateways[gateway].capture = lambda *given, **named: Answer(Outcome.DECLINED, "capture_declined")
    ended = world.operate("capture")
    assert ended.output["outcome"] == "declined"
    told_merchant = answer(ended.output["payment"])
    assert (told_merchant.status_code, told_merchant.final) == (402, True)
    assert world.check(resting=True).cause == "capture_declined"
    del world.gateways[gateway].__dict__["capture"]
    assert world.operate("capture", key="again").output["outcome"] == "ok"
    assert world.check().status is Status.COMMITTED
    assert "77:capture:2" in {done["key"] for done in world.booked()}
