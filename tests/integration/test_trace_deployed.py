"""One trace per payment, from the edge to the merchant's webhook, and recovery's own that is linked to it; metrics."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.deploy import invoked
from infra.local.guard import client
from pipeline.telemetry.metrics import DIMENSIONS, METRICS, NAMESPACE
from pipeline.telemetry.xray import is_trace_id
from tests.integration.site import MERCHANT, PAYMENTS, Site, new_key, order, until
from tests.telemetry.emf import parse
from tests.telemetry.otlp import Span, spans, xray

CHOSEN = "1-{:08x}-deadbeefdeadbeefdeadbeef"
STEPS = {"validate": "ValidatePayment", "reserve": "ReserveBalance", "authorize": "AuthorizeGateway",
         "capture": "CaptureOrVoid", "commit": "CommitLedger", "notify": "NotifyMerchant"}  # fmt: skip


def paid(site: Site, body: dict[str, Any], **headers: str) -> str:
    """The id of a payment that a caller made with headers of its own."""
    request = urllib.request.Request(
        f"{site.pipeline.deployment.api}{PAYMENTS}", json.dumps(body).encode(), method="POST",
        headers={"Authorization": f"Bearer {site.pipeline.deployment.keys[MERCHANT]}", "Idempotency-Key": new_key(),
                 "Content-Type": "application/json", **headers})  # fmt: skip
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=40) as answer:
        assert answer.status == 201
        return str(json.loads(answer.read())["id"])


def told(site: Site, trace_id: str, enough: Callable[[list[Span]], object]) -> list[Span]:
    """Spans of a trace, once there are enough of them."""
    def found() -> list[Span]:
        digits = trace_id[2:10] + trace_id[11:]
        lines = [line for line in site.log_lines() if digits in line]
        own = [one for one in spans(lines) if one.trace_id == trace_id]
        return own if enough(own) else []

    return until(found, what=f"the spans of {trace_id}")


@pytest.mark.property(79)
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_one_trace_leads_from_the_edge_to_the_webhook(site: Site, gateway: str) -> None:
    theirs = CHOSEN.format(int(site.rows("SELECT extract(epoch FROM now())::bigint AS at")[0]["at"]))
    payment_id = paid(site, order(gateway), **{
        "X-Amzn-Trace-Id": f"Root={theirs};Sampled=1", "traceparent": f"00-{theirs[2:10]}{theirs[11:]}-{'1' * 16}-01"})
    trace_id = site.payment(payment_id)["trace_id"]
    assert is_trace_id(trace_id)
    assert trace_id != theirs

    # The webhook is the last to come.
    found = told(site, trace_id, lambda own: any(one.name == "webhook" for one in own))
    names = Counter(one.name for one in found)
    functions = {one.name: one.function for one in found}
    assert functions["checkout"] == "payments-Checkout"
    assert {step: functions[f"saga.{step}"] for step in STEPS} == {
        step: f"payments-{function}" for step, function in STEPS.items()}
    assert {one.attributes["payment_id"] for one in found if one.name.startswith("saga.")} == {payment_id}
    own = {one.span_id: one for one in found}
    inside = Counter(own[one.parent].name for one in found if one.name == "ledger.transaction" and one.parent in own)
    assert {f"saga.{step}" for step in ("validate", "reserve", "authorize", "capture", "commit")} <= inside.keys()
    assert names["relay"] >= 1

    # At the gateway: every call of the saga said which span it came from.
    digits = trace_id[2:10] + trace_id[11:]
    calls = [call for call in site.gateways.traces() if digits in call["traceparent"]]
    asked = {one.span_id: one for one in found if one.name == "gateway"}
    assert [call["traceparent"].split("-")[2] for call in calls] == list(asked)
    assert [own[one.parent].name for one in asked.values()] == ["saga.authorize", "saga.capture"]
    assert all(call["x-amzn-trace-id"] == f"Root={trace_id};Parent={call['traceparent'].split('-')[2]};Sampled=1"
               for call in calls)
    assert {(one.attributes["gateway"], one.attributes["http_status"]) for one in asked.values()} <= {
        (gateway, 200), (gateway, 201)}

    # In the ledger, in what goes to the lake, and in the webhook.
    journals = site.rows("SELECT trace_id FROM journals WHERE payment_id = %s", int(payment_id))
    waiting = [json.loads(row["body"]) for row in
               site.rows("SELECT body FROM outbox WHERE payment_id = %s", int(payment_id))]
    assert {row["trace_id"] for row in journals} == {trace_id}
    assert {body["trace_id"] for body in waiting} == {trace_id}
    received = site.pipeline.merchants.client.received(payment_id=payment_id)
    assert {xray(one["headers"]["traceparent"].split("-")[1]) for one in received} == {trace_id}
    assert all(trace_id in one["headers"]["x-amzn-trace-id"] for one in received)


@pytest.mark.property(79)
def test_recovery_has_a_trace_of_its_own_that_is_linked(site: Site) -> None:
    made = site.insist(order(token="pm_sim_cut_after"), new_key())
    payment_id = str(made.payment_id)
    stored = site.payment(payment_id)["trace_id"]
    unfinished = site.rows("SELECT payment_id FROM payments WHERE payment_id = %s AND lease_until IS NOT NULL",
                           int(payment_id))
    assert unfinished, site.payment(payment_id)
    site.recover([int(payment_id)], sweeps=3)

    digits = stored[2:10] + stored[11:]
    lines = [line for line in site.log_lines() if digits in line]
    linked = [one for one in spans(lines) if stored in one.links and one.name != "relay.send"]
    own = {one.trace_id for one in linked}
    assert stored not in own
    assert {"recover", "saga.decide", "saga.close"} <= {one.name for one in linked}
    assert all(one.attributes["payment_id"] == payment_id for one in linked)
    # Each unwinding is one trace, whichever function was at it.
    started = {one.trace_id for one in linked if one.name == "recover"}
    assert own == started
    assert {row["trace_id"] for row in site.rows("SELECT trace_id FROM journals WHERE payment_id = %s",
                                                 int(payment_id))} == {stored}
    assert site.payment(payment_id)["trace_id"] == stored


@pytest.mark.property(78)
@pytest.mark.property(81)
def test_metrics_are_read_as_cloudwatch_reads_them(site: Site) -> None:
    site.insist(order(), new_key())
    values = invoked(site.aws, site.pipeline.deployment.outputs["GaugesName"], {})["values"]
    gauges = {name for name, metric in METRICS.items() if not metric.dimensions}
    assert values.keys() == gauges
    assert values["Imbalance"] == 0
    assert values["SlotsInUse"] >= 1

    lines = site.log_lines()
    documents = [line[line.index("{"):] for line in lines if '"_aws"' in line]
    data = [datum for document in documents for datum in parse(document)]
    assert gauges | {"StepDuration", "SagaOutcome"} <= {datum.name for datum in data}
    for datum in data:
        said = dict(datum.dimensions)
        assert (datum.namespace, datum.unit) == (NAMESPACE, METRICS[datum.name].unit)
        assert said.keys() == METRICS[datum.name].dimensions | {"service"}
        assert all(value in (DIMENSIONS[name] or {value}) for name, value in said.items())
    assert not [line for line in lines if '"metric_dropped"' in line or '"spans_lost"' in line]
    alarms = client("cloudwatch", site.aws).describe_alarms(MaxRecords=100)["MetricAlarms"]
    assert {"Imbalance", "InDoubt", "OldestUnfinishedSaga"} <= {alarm["MetricName"] for alarm in alarms}
