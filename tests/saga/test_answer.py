"""The answer is a function of the payment's row, the same bytes from every writer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.ledger.statuses import Status
from pipeline.saga.answer import answer, present, summary
from tests.saga.world import World


@pytest.mark.property(3)
def test_time_lease_and_version_do_not_show_in_a_final_answer() -> None:
    world = World()
    world.pay()
    payment = world.payment()
    later = replace(payment, updated_at=payment.updated_at + timedelta(days=1), version=99, fence=7)
    assert answer(summary(payment)) == answer(json.loads(json.dumps(summary(later))))
    assert answer(summary(payment)).body == (b'{"amount_minor":1999,"currency":"USD","gateway":"stripe","id":"77",'
                                             b'"reference":null,"status":"captured"}')


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_an_answer_and_only_what_is_over_is_final(status: Status) -> None:
    world = World()
    world.pay()
    row = replace(world.payment(), status=status, cause="why")
    told = answer(summary(row))
    over = status in (Status.CAPTURED, Status.COMMITTED, Status.PARTIALLY_REFUNDED, Status.REFUNDED,
                      Status.CHARGED_BACK, Status.REJECTED, Status.DECLINED, Status.VOIDED, Status.AUTHORIZED)
    assert told.final is over
    assert told.status_code == (202 if not over else 402 if status in (
        Status.REJECTED, Status.DECLINED, Status.VOIDED) else 201)
    leased = answer(summary(replace(row, status=Status.AUTHORIZED, lease_until=row.updated_at)))
    assert (leased.status_code, leased.final) == (202, False)
    assert present(summary(row))["status"] == {"COMMITTED": "captured"}.get(status, status.lower())


def test_a_refund_does_not_change_the_answer_to_the_payment() -> None:
    world = World()
    world.pay()
    row = world.payment()
    assert answer(summary(replace(row, status=Status.REFUNDED))) == answer(summary(row))
