"""Every step in both directions, struck in seven ways: money moves wholly or not at all, and nothing stays open."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest

from pipeline.ledger.statuses import Status
from tests.saga.faults import FAULTS, strike
from tests.saga.walker import TaskFailed
from tests.saga.world import STEPS, World

EVERY_FAULT = pytest.mark.parametrize("fault", sorted(FAULTS))
GATEWAYS = pytest.mark.parametrize("gateway", ["stripe", "adyen"])
LOCKED = pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])


def end(world: World) -> None:
    """Recovery does its work, what was delayed arrives, recovery looks again: then everything must be right."""
    world.settle()
    for zombie in world.zombies:
        zombie()
    world.settle()
    payment = world.check()
    assert world.moved() in (0, payment.amount_minor)
    assert (world.moved() > 0) is (payment.status is Status.COMMITTED)


@pytest.mark.property(28, 30, 35, 36, 41, 45)
@LOCKED
@GATEWAYS
@EVERY_FAULT
@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_struck_step_forward(step: str, fault: str, gateway: str, locked: bool) -> None:
    world = World()
    world.fence.down = not locked
    seen = strike(world, step, "forward", FAULTS[fault])
    ended = world.pay(gateway=gateway)
    assert ended.status == "SUCCEEDED", ended
    assert len(seen) == 1
    end(world)
    if fault == "duplicate" or step == "NotifyMerchant":
        assert world.payment().status is Status.COMMITTED


@pytest.mark.property(28, 29, 30, 39)
@LOCKED
@GATEWAYS
@EVERY_FAULT
@pytest.mark.parametrize("step", ["ValidatePayment", "ReserveBalance", "AuthorizeGateway"])
def test_a_struck_undo(step: str, fault: str, gateway: str, locked: bool) -> None:
    world = World()
    world.fence.down = not locked
    world.scorer.decision = "review"
    seen = strike(world, step, "undo", FAULTS[fault])
    ended = world.pay(gateway=gateway)
    assert ended.status == "SUCCEEDED", ended
    assert len(seen) == 1
    end(world)
    payment = world.payment()
    assert (payment.status, payment.cause) == (Status.VOIDED, "fraud_review")


@pytest.mark.property(28, 32)
@GATEWAYS
@EVERY_FAULT
@pytest.mark.parametrize("step", ["CaptureOrVoid", "CommitLedger", "NotifyMerchant"])
def test_an_undo_after_the_pivot_takes_nothing_back_however_it_is_struck(step: str, fault: str, gateway: str) -> None:
    world = World()
    ended = world.pay(gateway=gateway)
    before, entries = world.payment(), world.ledger.entries()
    seen = strike(world, step, "undo", FAULTS[fault])
    with contextlib.suppress(TaskFailed):
        world.wrap(step, partial(world.step, step))(world.event(direction="undo", gateway=gateway))
    assert len(seen) == 1
    end(world)
    assert (world.payment(), world.ledger.entries()) == (before, entries)
    assert ended.output["outcome"] == "ok"


@pytest.mark.property(31)
@pytest.mark.parametrize("step, direction_of", [
    ("ValidatePayment", "validate"), ("ReserveBalance", "reserve"), ("AuthorizeGateway", "authorize"),
    ("CaptureOrVoid", "capture"), ("CommitLedger", "commit")])
def test_the_undo_of_what_never_happened_is_done_and_refuses_the_late_step(step: str, direction_of: str) -> None:
    world = World()
    stages = ["ValidatePayment", "ReserveBalance", "AuthorizeGateway", "CaptureOrVoid", "CommitLedger"]
    for name in stages[:stages.index(step)]:
        if step in ("CaptureOrVoid", "CommitLedger") and name == "CaptureOrVoid":
            break
        assert world.step(name, world.event())["outcome"] == "ok"
    undo = world.step(step, world.event(direction="undo"))
    assert undo["outcome"] == "ok", undo
    assert world.step(step, world.event(direction="undo"))["outcome"] == "ok"
    late = world.step(step, world.event())
    assert late["outcome"] in ("undone", "done", "superseded", "misused"), late
    assert not [done for done in world.booked() if done["kind"] == "capture"]
    end(world)


@pytest.mark.property(29)
def test_undoing_out_of_order_is_refused() -> None:
    world = World()
    for name in ("ValidatePayment", "ReserveBalance", "AuthorizeGateway"):
        assert world.step(name, world.event())["outcome"] == "ok"
    for name in ("ReserveBalance", "ValidatePayment"):
        assert world.step(name, world.event(direction="undo"))["code"] == "out_of_order"
    assert world.ledger.open_hold_minor(77) == 1999
    world.step("AuthorizeGateway", world.event(direction="undo"))
    assert world.step("ValidatePayment", world.event(direction="undo"))["code"] == "hold_open"
    assert world.step("ReserveBalance", world.event(direction="undo"))["outcome"] == "ok"
    assert world.step("ValidatePayment", world.event(direction="undo"))["outcome"] == "ok"
    world.check()
    journal = [(row.step, row.direction) for row in world.ledger.journal(77)]
    assert journal == [("validate", "forward"), ("reserve", "forward"), ("authorize", "forward"),
                       ("authorize", "undo"), ("reserve", "undo"), ("validate", "undo")]
