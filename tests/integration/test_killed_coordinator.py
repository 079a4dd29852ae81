"""The coordinator is killed before every state of the saga: after one sweep nothing is in limbo, whatever it was at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from infra.local.deploy import invoked
from tests.integration.coordinator import Coordinator
from tests.integration.site import AT_ONCE, GATEWAYS, PAYMENTS, Site, new_key, order, until


@dataclass(frozen=True)
class Asked:
    """A request whose coordinator dies before its state number `state`."""

    body: dict[str, Any]
    key: str
    path: str
    state: int
    payment_id: int = 0


def pay(site: Site, gateway: str, state: int) -> Asked:
    return Asked(order(gateway), new_key(), PAYMENTS, state)


def pay_by_hand(site: Site, gateway: str, state: int) -> Asked:
    return Asked(order(gateway, capture="manual"), new_key(), PAYMENTS, state)


def pay_in_review(site: Site, gateway: str, state: int) -> Asked:
    return Asked(order(gateway, token="pm_sim_fraud_review"), new_key(), PAYMENTS, state)


def capture(site: Site, gateway: str, state: int) -> Asked:
    resting = site.insist(order(gateway, capture="manual"), new_key())
    return Asked({"amount_minor": 700}, new_key(), f"{PAYMENTS}/{resting.payment_id}/captures", state)


def cancel(site: Site, gateway: str, state: int) -> Asked:
    resting = site.insist(order(gateway, capture="manual"), new_key())
    return Asked({}, new_key(), f"{PAYMENTS}/{resting.payment_id}/cancels", state)


SAGAS: dict[str, tuple[Callable[[Site, str, int], Asked], int]] = {
    "pay": (pay, 14), "pay_by_hand": (pay_by_hand, 9), "capture": (capture, 10), "cancel": (cancel, 11),
    "pay_in_review": (pay_in_review, 15)}
"""What is asked, and how many states its saga enters where nothing goes wrong."""


def killed_everywhere(site: Site, saga: str, turn: int) -> None:
    """Every state of a saga, gateways by turns; some die together, so that one sweep finds several."""
    make, states = SAGAS[saga]
    with closing(Coordinator(site)) as coordinator:
        whole = make(site, "stripe", 0)
        payment_id, visited = coordinator.post(whole.body, whole.key, whole.path)
        assert len(visited) == states, visited
        site.check([payment_id])
        for first in range(0, states + 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, states + 1))
            asked = site.at_once([partial(make, site, GATEWAYS[(number + turn) % 2], number) for number in numbers])
            nothing_in_limbo(site, [killed(site, coordinator, one) for one in asked])


def nothing_in_limbo(site: Site, dead: list[Asked]) -> None:
    """One sweep later each of them is over, and answered for good."""
    opened = [one.payment_id for one in dead
              if site.rows("SELECT 1 FROM payments WHERE payment_id = %s", one.payment_id)]
    unfinished = site.unfinished(opened)
    site.recover(opened)
    site.check(opened)
    for one in dead:
        # What recovery has finished it has answered as well. What had not begun, or had ended, is nothing to it: there
        # the request itself died, and its key is free when its lease is over.
        closed = site.record(one.key, one.path)["state"]["S"] == "COMPLETED"
        assert closed is (one.payment_id in unfinished), one
        asked_again(site, one, closed=closed)
    site.check([one.payment_id for one in dead])


def killed(site: Site, coordinator: Coordinator, asked: Asked) -> Asked:
    """The request, whose coordinator has died on the way."""
    payment_id, visited = coordinator.post(asked.body, asked.key, asked.path, dies_before=asked.state)
    assert len(visited) == asked.state, visited
    return Asked(asked.body, asked.key, asked.path, asked.state, payment_id)


def asked_again(site: Site, asked: Asked, *, closed: bool) -> None:
    """The same key is answered with the same payment, for good, and its record is closed."""
    before = site.payment(asked.payment_id) if closed else None
    site.lapse(asked.key, asked.path)
    told = site.insist(asked.body, asked.key, asked.path)
    record = site.record(asked.key, asked.path)
    assert told.final, (asked, told)
    assert told.payment_id == str(asked.payment_id) == record["payment_id"]["N"], (asked, told)
    assert (record["state"]["S"], bytes(record["body"]["B"])) == ("COMPLETED", told.body), asked
    if before is not None:
        assert told.replayed, (asked, told)
        assert site.payment(asked.payment_id) == before
    again = site.insist(asked.body, asked.key, asked.path)
    assert (again.status, again.body, again.replayed) == (told.status, told.body, True), asked


@pytest.mark.property(3, 11, 12, 27, 29, 58)
@pytest.mark.parametrize("saga", ["pay", "pay_by_hand", "capture", "cancel"])
def test_one_sweep_after_the_coordinator_died(site: Site, saga: str) -> None:
    killed_everywhere(site, saga, turn=0)


@pytest.mark.nightly
@pytest.mark.property(3, 11, 12, 27, 29, 58)
@pytest.mark.parametrize("saga", sorted(SAGAS))
def test_one_sweep_after_the_coordinator_died_at_the_other_gateway(site: Site, saga: str) -> None:
    killed_everywhere(site, saga, turn=1)


@pytest.mark.nightly
@pytest.mark.property(13, 27, 38)
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_an_unwinding_that_is_stopped_is_taken_over_and_its_last_step_writes_nothing(site: Site, gateway: str) -> None:
    body, key = order(gateway, "pm_sim_cut_after"), new_key()
    answer = site.ask(body, key)
    payment_id = int(answer.payment_id or 0)
    assert answer.status == 202
    site.gateways.fault("delay", operation="void", seconds=3.0)
    site.age([payment_id])
    assert invoked(site.aws, site.pipeline.deployment.outputs["RecoveryName"], {})["claimed"] >= 1
    until(lambda: not site.gateways.faults(), what="the void")
    fence, name = site.payment(payment_id)["fence"], site.payment(payment_id)["execution"]
    arn = site.pipeline.deployment.outputs["UnwindArn"].replace(":stateMachine:", ":execution:")
    site.stepfunctions.stop_execution(executionArn=f"{arn}:{name}")
    # The step that it has left behind still works, under a fence that is no longer the payment's.
    site.recover([payment_id], sweeps=4)
    site.check([payment_id])
    row = site.payment(payment_id)
    assert (row["status"], row["fence"] > fence) == ("VOIDED", True)
    assert [done["kind"] for done in site.book(payment_id)] == ["authorize", "void"]
    assert site.insist(body, key).payment_id == answer.payment_id
