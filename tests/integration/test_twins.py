"""The same thing is asked many times at once: one payment, one saga, one authorisation, one capture."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.local.guard import applied
from pipeline.handlers.http.executions import synchronous_config
from tests.integration.coordinator import Coordinator
from tests.integration.site import AT_ONCE, GATEWAYS, Site, new_key, order

CLICKS = 50
"""All with one key; as many at the same moment only at night, for each needs a process."""


@pytest.mark.property(2, 3, 6)
@pytest.mark.parametrize("most", [2 * AT_ONCE, pytest.param(CLICKS, marks=pytest.mark.nightly)])
def test_fifty_clicks_are_one_payment(site: Site, most: int) -> None:
    before, key, body = site.calls(), new_key(), order("adyen", reference=uuid4().hex)
    # So long that all come while the first runs, though a machine that has to load as many functions is slow.
    site.gateways.fault("delay", operation="authorize", seconds=5.0)
    first = site.at_once([partial(site.ask, body, key)] * CLICKS, most=most)
    told = [answer for answer in first if answer.final]
    # Who comes while it runs is told to wait, who finds no free function to come again: nobody is let through.
    assert {answer.status for answer in first if not answer.final} <= {409, 429, 500, 502, 503, 504}
    assert sum(answer.status == 409 for answer in first) > 0
    last = site.insist(body, key)
    assert last.status == 201, last
    assert {(answer.status, answer.body) for answer in told} <= {(last.status, last.body)}
    assert sum(not answer.replayed for answer in told) <= 1
    assert {answer.payment_id for answer in first if answer.status == 409} == {last.payment_id}
    rows = site.rows("SELECT payment_id, fence FROM payments WHERE reference = %s", body["reference"])
    assert [(str(row["payment_id"]), row["fence"]) for row in rows] == [(last.payment_id, 1)]
    assert site.calls() - before == 2
    assert [row["kind"] for row in site.book(last.payment_id)] == ["authorize", "capture"]
    site.check([int(last.payment_id or 0)])


@pytest.mark.property(36, 41)
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_executions_of_one_payment_have_one_set_of_effects(site: Site, gateway: str) -> None:
    with closing(Coordinator(site)) as coordinator:
        given = coordinator.given(order(gateway), new_key())
    payment_id, before = int(given["payment_id"]), site.calls()
    with applied(site.aws):
        machine = boto3.client("stepfunctions", config=synchronous_config(60))

    def execute() -> dict[str, Any]:
        ended = machine.start_sync_execution(stateMachineArn=site.pipeline.deployment.outputs["SagaArn"],
                                             input=json.dumps(given))
        assert ended["status"] == "SUCCEEDED", ended
        output: dict[str, Any] = json.loads(ended["output"])
        return output

    site.gateways.fault("delay", operation="authorize", seconds=2.0)
    outcomes = [ended["outcome"] for ended in site.at_once([execute] * AT_ONCE)]
    assert outcomes.count("ok") == 1, outcomes
    # One that comes when all is over finds it done.
    assert "running" in outcomes, outcomes
    assert {*outcomes} <= {"ok", "running", "done"}, outcomes
    late = execute()
    assert (late["outcome"], late["status"]) == ("done", "COMMITTED")
    assert (site.payment(payment_id)["fence"], site.calls() - before) == (1, 2)
    assert [row["kind"] for row in site.book(payment_id)] == ["authorize", "capture"]
    site.check([payment_id])
