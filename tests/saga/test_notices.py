"""What gateways tell by webhook: once, never backwards, in whatever order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from pipeline.gateways.events import GatewayEvent
from pipeline.ledger.statuses import Status
from pipeline.saga.calls import Call
from pipeline.saga.notices import notice
from pipeline.saga.steps.refund import refund
from tests.saga.world import World


def told(world: World, kind: str, number: int = 1, *, success: bool = True, **more: Any) -> GatewayEvent:
    """An event of payment 77."""
    payment = world.payment()
    fields: dict[str, Any] = {"payment_id": 77, "gateway_ref": payment.gateway_ref, "operation_ref": f"op-{number}",
                              "amount_minor": None, "currency": payment.currency}
    return GatewayEvent(payment.gateway, f"evt-{kind}-{number}", kind, occurred_at=world.clock(), success=success,
                        **fields | more)


def balances(world: World) -> dict[str, int]:
    """Debit less credit by account."""
    sums: dict[str, int] = {}
    for _, _, _, entry in world.ledger.entries():
        sums[entry.account] = sums.get(entry.account, 0) + (1 if entry.direction == "D" else -1) * entry.amount_minor
    return {account: total for account, total in sums.items() if total}


@pytest.mark.property(48)
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_refunds_and_chargebacks_in_any_order_and_twice_come_to_the_same(order: tuple[int, ...]) -> None:
    world = World()
    world.pay()
    events = [told(world, "refund", 1, amount_minor=500), told(world, "refund_reversal", 1, amount_minor=500),
              told(world, "chargeback", 2, amount_minor=1499), told(world, "chargeback_reversal", 2, amount_minor=1499)]
    before = balances(world)
    waiting = [events[number] for number in order]
    for _ in range(4):
        waiting = [event for event in waiting if notice(world.ports, event) == "later"]
    assert not waiting
    payment = world.payment()
    assert (payment.status, payment.refunded_minor) == (Status.COMMITTED, 0)
    assert balances(world) == before
    assert {notice(world.ports, event) for event in events} <= {"duplicate", "ignored"}
    assert world.payment() == payment
    world.check_balanced()


@pytest.mark.property(48)
def test_late_and_foreign_events_change_nothing() -> None:
    world = World()
    world.pay()
    payment = world.payment()
    for event in (told(world, "authorize"), told(world, "authorize", success=False), told(world, "capture"),
                  told(world, "void"), told(world, "expire"), told(world, "other"), told(world, "void", success=False)):
        assert notice(world.ports, event) == "ignored"
    for event in (told(world, "chargeback", gateway_ref="pi_other"),
                  told(world, "chargeback", payment_id=None, gateway_ref=None),
                  told(world, "chargeback", payment_id=None, gateway_ref="pi_other"),
                  told(world, "chargeback", payment_id=78), told(world, "chargeback", currency="EUR"),
                  told(world, "chargeback", gateway_account="other")):
        assert notice(world.ports, event) == "unknown"
    assert world.payment() == payment


def test_a_capture_that_fails_later_is_taken_back_in_the_ledger() -> None:
    world = World()
    world.pay(gateway="adyen")
    event = told(world, "capture_reversal", amount_minor=1999)
    assert notice(world.ports, event) == "applied"
    payment = world.payment()
    assert (payment.status, payment.captured_minor, payment.cause) == (Status.VOIDED, 0, "capture_failed")
    # The fee of a capture that never was is ours to bear, until it is corrected.
    assert balances(world) == {"merchant_payable:m-1": 20, "platform_fee": -20}
    assert notice(world.ports, event) in ("duplicate", "ignored")
    assert notice(world.ports, told(world, "capture", 2)) == "ignored"


@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_a_capture_in_doubt_is_settled_by_its_event(gateway: str) -> None:
    world = World()
    world.gateways[gateway].fault("timeout_after", operation="capture")
    assert world.pay(gateway=gateway).output["outcome"] == "in_doubt"
    assert world.payment().status is Status.IN_DOUBT
    event = next(event for event in world.gateways[gateway].events if event.kind == "capture")
    assert notice(world.ports, event) == "applied"
    assert world.payment().status is Status.CAPTURED
    assert world.sweep() == 1
    assert world.check().status is Status.COMMITTED
    assert world.gateways[gateway].calls["capture"] == 1


@pytest.mark.parametrize("success, status", [(True, Status.VOIDED), (False, Status.DECLINED)])
def test_an_authorisation_in_doubt_is_settled_by_its_event_and_finished_by_recovery(
        success: bool, status: Status) -> None:
    world = World()
    twin = world.gateways["adyen"]
    twin.fault("timeout_after", operation="authorize")
    token = "pm_card_visa" if success else "pm_card_chargeDeclined"
    assert world.pay(gateway="adyen", token=token).output["outcome"] == "in_doubt"
    event = next(event for event in twin.events if event.kind == "authorize")
    if not success:
        event = told(world, "authorize", success=False, gateway_ref=event.gateway_ref)
    assert notice(world.ports, event) == "applied"
    assert world.sweep() == 1
    assert world.payment().status is status
    assert world.ledger.open_hold_minor(77) == 0
    assert twin.calls["authorize"] == 1


@pytest.mark.property(32)
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_a_refund_is_an_operation_of_its_own_and_happens_once(gateway: str) -> None:
    world = World()
    world.pay(gateway=gateway)
    call = Call(77, world.payment().fence, "refunds")
    world.gateways[gateway].fault("timeout_after", operation="refund")
    assert refund(world.ports, call, amount_minor=700, sequence=1)["outcome"] == "in_doubt"
    assert refund(world.ports, call, amount_minor=700, sequence=1)["outcome"] == "ok"
    assert refund(world.ports, call, amount_minor=700, sequence=1)["outcome"] == "ok"
    assert world.check().status is Status.PARTIALLY_REFUNDED
    assert refund(world.ports, call, amount_minor=1300, sequence=2)["outcome"] == "rejected"
    assert refund(world.ports, call, amount_minor=1299, sequence=2)["outcome"] == "ok"
    assert world.check().status is Status.REFUNDED
    assert [done["key"] for done in world.booked() if done["kind"] == "refund"] == ["77:refund:1", "77:refund:2"]
    assert {notice(world.ports, event) for event in world.gateways[gateway].events if event.kind == "refund"} == {
        "ignored"}


@pytest.mark.property(48)
def test_an_event_without_a_reference_counts_once() -> None:
    world = World()
    world.pay()
    event = told(world, "refund", amount_minor=500, operation_ref=None)
    assert [notice(world.ports, event) for _ in range(3)] == ["applied", "duplicate", "duplicate"]
    assert world.payment().refunded_minor == 500


def test_a_dispute_is_found_by_the_gateways_reference_alone() -> None:
    world = World()
    world.pay()
    assert notice(world.ports, told(world, "chargeback", payment_id=None)) == "applied"
    assert world.payment().status is Status.CHARGED_BACK
