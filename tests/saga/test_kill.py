"""The coordinator is killed at every transition: one sweep after the lease nothing is in limbo."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from pipeline.ledger.statuses import Status
from pipeline.saga.answer import answer, summary
from pipeline.saga.recovery import sweep
from tests.saga.walker import Execution, Killed
from tests.saga.world import STEPS, World

GATEWAYS = pytest.mark.parametrize("gateway", ["stripe", "adyen"])


def pay(world: World, gateway: str) -> Execution:
    return world.pay(gateway=gateway)


def pay_review(world: World, gateway: str) -> Execution:
    world.scorer.decision = "review"
    return world.pay(gateway=gateway)


def pay_declined(world: World, gateway: str) -> Execution:
    return world.pay(gateway=gateway, token="pm_card_chargeDeclined")


def pay_manual(world: World, gateway: str) -> Execution:
    return world.pay(gateway=gateway, capture_mode="manual")


def capture(world: World, gateway: str) -> Execution:
    world.pay(gateway=gateway, capture_mode="manual")
    return world.operate("capture", amount=700)


def cancel(world: World, gateway: str) -> Execution:
    world.pay(gateway=gateway, capture_mode="manual")
    return world.operate("cancel")


SCENARIOS: dict[str, Callable[[World, str], Execution]] = {
    made.__name__: made for made in (pay, pay_review, pay_declined, pay_manual, capture, cancel)}


@pytest.mark.property(27, 38, 58)
@GATEWAYS
@pytest.mark.parametrize("transition", range(20))
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_one_sweep_after_the_coordinator_died(scenario: str, transition: int, gateway: str) -> None:
    whole = World()
    last = SCENARIOS[scenario](whole, gateway)
    if transition >= len(last.visited):
        return
    world = World()
    is_operation = scenario in ("capture", "cancel")

    def before(state: str, count: int) -> None:
        if count == transition and world.started > (1 if is_operation else 0):
            raise Killed

    world.before = before
    assert SCENARIOS[scenario](world, gateway).status == "KILLED"
    if world.ledger.payment(77) is None:
        return
    early = world.sweep(timedelta(seconds=1))
    assert early == 0
    world.sweep()
    payment = world.check(resting=True)
    if payment.status is not Status.AUTHORIZED:
        assert world.moved() in (0, payment.captured_minor)
    told = answer(summary(payment))
    if world.unwound:
        assert told.final
        assert world.gate.stored[payment.saga_hash] == (77, told.status_code, told.body)
    assert world.sweep() == 0


@pytest.mark.property(27, 39)
@GATEWAYS
@pytest.mark.parametrize("transition", range(14))
@pytest.mark.parametrize("broken", ["AfterReserve", "AfterAuthorize", "AfterCapture"])
def test_recovery_that_dies_itself_is_taken_over_by_the_next(broken: str, transition: int, gateway: str) -> None:
    world = World()

    def before(state: str, count: int) -> None:
        if state == broken:
            raise Killed

    def before_unwind(state: str, count: int) -> None:
        if count == transition and len(world.unwound) == 0:
            raise Killed

    world.before, world.before_unwind = before, before_unwind
    world.pay(gateway=gateway)
    world.sweep()
    fence = world.payment().fence
    world.sweep()
    payment = world.check()
    assert payment.fence in (fence, fence + 1)
    assert payment.saga_hash in world.gate.stored


@pytest.mark.property(38)
def test_two_sweepers_never_both_act_and_a_live_lease_is_left_alone() -> None:
    world = World()

    def before(state: str, count: int) -> None:
        if state == "AfterAuthorize":
            raise Killed

    world.before = before
    world.pay()
    assert sweep(world.ports, world).claimed == 0
    world.clock.spend(91)
    started: list[str] = []

    class Recorded:
        """Another sweeper's machine, which has not begun yet."""

        def start(self, name: str, payload: Mapping[str, object]) -> None:
            started.append(name)
            world.used.add(name)

    ledger, claim = world.ledger, world.ledger.claim

    def claim_after_the_other(payment_id: int, **more: object) -> object:
        ledger.claim = claim
        assert sweep(world.ports, Recorded()).claimed == 1
        return claim(payment_id, **more)

    ledger.claim = claim_after_the_other
    sweep(world.ports, world)
    # Both mean the same execution, and its name runs once.
    assert (started, world.unwound, world.payment().fence) == (["unwind-77-2"], [], 2)
    world.sweep()
    assert [run.name for run in world.unwound] == ["unwind-77-3"]
    world.check()


@pytest.mark.property(13, 36, 55)
def test_an_original_that_wakes_up_after_recovery_claimed_touches_nothing_more() -> None:
    world = World()

    for name in ("ValidatePayment", "ReserveBalance", "AuthorizeGateway"):
        world.step(name, world.event())
    world.sweep()
    settled = world.check()
    assert settled.status is Status.VOIDED
    for name in STEPS:
        if name != "NotifyMerchant":
            for direction in ("forward", "undo"):
                assert world.step(name, world.event(direction=direction))["outcome"] in ("superseded", "done"), name
    assert world.check() == settled


@pytest.mark.property(12, 36)
@GATEWAYS
@pytest.mark.parametrize("killed", ["ReserveBalance", "AuthorizeGateway", "AfterAuthorize", "CaptureOrVoid",
                                    "AfterCapture", "CommitLedger", "AfterCommit"])
def test_a_new_execution_after_the_lease_goes_on_with_the_same_payment(killed: str, gateway: str) -> None:
    world = World()

    def before(state: str, count: int) -> None:
        if state == killed:
            raise Killed

    world.before = before
    world.pay(gateway=gateway)
    world.before = lambda state, count: None
    running = world.pay(gateway=gateway)
    over = world.payment().lease_until is None
    assert running.output["outcome"] == ("done" if over else "running")
    world.clock.spend(91)
    world.pay(gateway=gateway)
    assert world.check().status is Status.COMMITTED
    assert world.moved() == 1999


@pytest.mark.property(39)
def test_a_void_that_keeps_failing_is_visible_as_stuck_and_tried_until_it_is_done() -> None:
    world = World()
    world.scorer.decision = "review"
    world.gateways["stripe"].fault("unavailable", operation="void", count=8)
    world.pay()
    seen = set()
    for _ in range(20):
        world.sweep(timedelta(minutes=31))
        seen.add(world.payment().status)
        if world.payment().lease_until is None:
            break
    assert Status.COMPENSATION_STUCK in seen
    assert any(event == "compensation_stuck" for event, _ in world.logged)
    assert world.check().status is Status.VOIDED


@pytest.mark.property(34)
def test_a_step_whose_output_is_too_large_ends_the_execution_and_recovery_finishes_it() -> None:
    world = World()

    def wrap(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def large(event: dict[str, object]) -> object:
            found = function(event)
            assert isinstance(found, dict)
            return found | {"blob": "x" * 300_000}

        return large if name == "AuthorizeGateway" else function

    world.wrap = wrap
    assert world.pay().error == "States.DataLimitExceeded"
    world.wrap = lambda name, function: function
    world.sweep()
    assert world.check().status is Status.VOIDED


@pytest.mark.property(38)
def test_a_payment_that_ended_since_it_was_listed_is_not_claimed() -> None:
    world = World()
    world.pay()
    settled = world.payment()
    world.ledger.unfinished = lambda *, at, limit: [77]
    assert sweep(world.ports, world).claimed == 0
    assert world.payment() == settled


@GATEWAYS
def test_recovery_leaves_its_beginning_and_its_end_in_the_audit_trail(gateway: str) -> None:
    world = World()

    def before(state: str, count: int) -> None:
        if state == "AfterCapture":
            raise Killed

    world.before = before
    world.pay(gateway=gateway)
    world.sweep()
    world.check()
    lines = [json.loads(row.body) for row in world.ledger.take(at=world.clock(), taken_until=world.clock(),
                                                               limit=100, kinds=["payment_event"])]
    told = [(line["outcome"], line["attempt"], line["error_code"]) for line in lines if line["step"] == "recovery"]
    assert told == [("started", 1, "CAPTURED"), ("recovered", 1, None)]
