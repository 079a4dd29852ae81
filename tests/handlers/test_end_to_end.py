"""From a merchant's request to the gateway's book in one process: edge, gate, machine, steps, ledger, twins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from pipeline.ledger.statuses import Status
from pipeline.settings import Settings
from tests.gate.memory import MemoryGate
from tests.handlers.edge import BODY, FIRST_ID, KEY, Answered, Edge
from tests.saga.walker import Killed
from tests.saga.world import ACCOUNTS, MERCHANT, World

SETTINGS = Settings({"STRIPE_ACCOUNT": ACCOUNTS["stripe"], "ADYEN_MERCHANT_ACCOUNT": ACCOUNTS["adyen"]})


@dataclass
class Walked:
    """The world's state machine as the edge starts it."""

    world: World
    started: list[str] = field(default_factory=list)
    deaf: bool = False                   # the answer is lost, the machine runs all the same

    def run(self, name: str, payload: Mapping[str, object], *, trace_id: str) -> Mapping[str, object] | None:
        """See Executions."""
        self.started.append(name)
        execution = self.world.execute(payload, name)
        return execution.output if execution.status == "SUCCEEDED" and not self.deaf else None


class Shop:
    """A merchant before the whole pipeline."""

    def __init__(self, *, limit: int = 1_000_000) -> None:
        self.world = World(limit=limit)
        self.machine = Walked(self.world)
        gate = MemoryGate()
        self.world.gate = gate  # type: ignore[assignment]
        self.edge = Edge(gate=gate, machine=self.machine, settings=SETTINGS, find=self.world.ledger.payment)

    def send(self, body: object = BODY, **sent: Any) -> Answered:
        """One POST at the world's time."""
        self.edge.at = self.world.clock()
        return self.edge.send(body, merchant=MERCHANT, **sent)

    def status(self, payment_id: int = FIRST_ID) -> str:
        """What a GET says."""
        return str(self.edge.get(payment_id, MERCHANT).json["status"])

    def calls(self, kind: str) -> int:
        """Operations of this kind in the gateways' books that succeeded, of all payments."""
        ids = {row.payment_id for row in (self.world.ledger.payment(FIRST_ID + n) for n in range(9)) if row}
        booked = [done for one in ids for done in self.world.booked(one)]
        return sum(done["kind"] == kind and done["status"] == "succeeded" for done in booked)


@pytest.mark.property(2)
@pytest.mark.property(3)
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_many_clicks_charge_once(gateway: str) -> None:
    shop = Shop()
    answers = [shop.send(BODY | {"gateway": gateway}) for _ in range(5)]
    assert {(one.status, one.text) for one in answers} == {(201, answers[0].text)}
    assert (shop.calls("authorize"), shop.calls("capture"), len(shop.machine.started)) == (1, 1, 1)
    assert shop.world.check(FIRST_ID).status is Status.COMMITTED
    assert shop.status() == "captured"


@pytest.mark.property(4)
def test_a_changed_amount_under_the_key_leaves_the_payment_alone() -> None:
    shop = Shop()
    shop.send()
    assert shop.send(BODY | {"amount_minor": 1}).status == 422
    assert shop.world.check(FIRST_ID).amount_minor == 1999
    assert shop.calls("authorize") == 1


@pytest.mark.property(1)
@pytest.mark.property(9)
def test_what_is_refused_leaves_no_row_and_no_call() -> None:
    shop = Shop()
    refused = [shop.send(key=None), shop.send(BODY | {"amount_minor": "1"}), shop.send(raw="{"),
               shop.send(BODY | {"reference": "4111111111111111"})]
    assert [one.status for one in refused] == [400, 422, 400, 422]
    assert shop.world.ledger.payment(FIRST_ID) is None
    assert not shop.edge.gate.records
    assert shop.send().status == 201


@pytest.mark.property(8)
def test_a_decline_stays_one_for_its_key() -> None:
    shop = Shop()
    body = BODY | {"payment_method": "pm_card_chargeDeclined"}
    first, again = shop.send(body), shop.send(body)
    assert (first.status, first.json["status"], first.json["code"]) == (402, "declined", again.json["code"])
    assert again.text == first.text
    assert shop.world.check(FIRST_ID).status is Status.DECLINED


@pytest.mark.property(49)
def test_a_rejection_for_fraud_calls_no_gateway() -> None:
    shop = Shop()
    shop.world.scorer.decision = "reject"
    refused = shop.send()
    assert (refused.status, refused.json["code"]) == (402, "fraud_rejected")
    shop.world.scorer.decision = "approve"
    assert shop.send().text == refused.text
    assert (shop.world.scorer.asked, shop.calls("authorize")) == (1, 0)


@pytest.mark.property(12)
@pytest.mark.property(36)
def test_a_lost_answer_is_inherited_by_a_retry_with_the_same_payment() -> None:
    shop = Shop()
    shop.machine.deaf = True
    first = shop.send()
    assert (first.status, first.json["id"]) == (202, str(FIRST_ID))
    assert shop.send().status == 409
    shop.machine.deaf = False
    shop.world.clock.spend(38)
    last = shop.send()
    assert (last.status, last.json["id"], last.json["status"]) == (201, str(FIRST_ID), "captured")
    assert shop.send().text == last.text
    assert (shop.calls("authorize"), shop.calls("capture")) == (1, 1)


@pytest.mark.property(11)
@pytest.mark.property(27)
def test_a_dead_coordinator_is_recovered_and_its_key_told_the_end() -> None:
    shop = Shop()

    def kill(state: str, count: int) -> None:
        if state == "CaptureOrVoid":
            raise Killed

    shop.world.before = kill
    assert shop.send().status == 202
    shop.world.settle()
    told = shop.send()
    assert (told.status, told.headers["Idempotent-Replayed"]) == (402, "true")
    assert shop.world.check(FIRST_ID).status is Status.VOIDED
    assert shop.calls("capture") == 0


@pytest.mark.property(16)
def test_a_key_that_the_gate_forgot_makes_no_second_payment() -> None:
    shop = Shop()
    first = shop.send()
    shop.edge.gate.records.clear()
    again = shop.send()
    assert (again.status, again.text) == (201, first.text)
    assert shop.world.ledger.payment(FIRST_ID + 1) is None
    assert (shop.calls("authorize"), shop.calls("capture")) == (1, 1)


def test_authorized_now_captured_later_in_part() -> None:
    shop = Shop()
    assert shop.send(BODY | {"capture": "manual"}).json["status"] == "authorized"
    more = shop.send({"amount_minor": 5000}, operation="captures", payment_id=FIRST_ID, key=KEY + "-a")
    assert (more.status, set(more.fields)) == (422, {"amount_minor"})
    done = shop.send({"amount_minor": 500}, operation="captures", payment_id=FIRST_ID, key=KEY + "-a")
    assert (done.status, done.json["status"]) == (201, "captured")
    assert shop.send({"amount_minor": 500}, operation="captures", payment_id=FIRST_ID, key=KEY + "-a").text == done.text
    late = shop.send({}, operation="cancels", payment_id=FIRST_ID, key=KEY + "-b")
    assert (late.status, late.problem) == (409, "payment-state")
    assert shop.world.check(FIRST_ID).captured_minor == 500


def test_authorized_now_cancelled_later() -> None:
    shop = Shop()
    shop.send(BODY | {"capture": "manual"})
    done = shop.send({}, operation="cancels", payment_id=FIRST_ID, key=KEY + "-a")
    assert (done.status, done.json["status"]) == (201, "voided")
    late = shop.send({}, operation="captures", payment_id=FIRST_ID, key=KEY + "-b")
    assert (late.status, late.problem) == (409, "payment-state")
    assert shop.world.check(FIRST_ID).status is Status.VOIDED
    shop.world.clock.spend(timedelta(days=1).total_seconds())
    assert shop.status() == "voided"
