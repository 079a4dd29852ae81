"""What became of a payment is told on every channel of the deployed pipeline, whatever dies, doubles or is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from infra.local.deploy import invoked
from infra.local.guard import client
from infra.local.merchants.client import Client
from tests.integration.coordinator import Coordinator
from tests.integration.site import Site, new_key, order, until


@dataclass
class Listeners:
    """A queue at the topic, a queue at the bus, and the merchants; all that came is kept."""

    site: Site
    topic: str
    bus: str

    def __post_init__(self) -> None:
        self.sqs = client("sqs", self.site.aws)
        self.kept: dict[str, list[dict[str, Any]]] = {self.topic: [], self.bus: []}

    @property
    def merchants(self) -> Client:
        """Who receives webhooks."""
        return self.site.pipeline.merchants.client

    def of_topic(self, payment_id: object) -> list[dict[str, Any]]:
        """Documents of a payment that came through SNS, with their attributes."""
        found = []
        for body in self._drained(self.topic):
            document = json.loads(body["Message"])
            attributes = {name: one["Value"] for name, one in body["MessageAttributes"].items()}
            found.append(document | {"attributes": attributes})
        return [one for one in found if one["data"]["payment_id"] == str(payment_id)]

    def of_bus(self, payment_id: object) -> list[dict[str, Any]]:
        """Documents of a payment that came through EventBridge."""
        found = [body["detail"] | {"detail_type": body["detail-type"]} for body in self._drained(self.bus)]
        return [one for one in found if one["data"]["payment_id"] == str(payment_id)]

    def of_webhooks(self, payment_id: object) -> list[dict[str, Any]]:
        """Requests about a payment."""
        return self.merchants.received(payment_id=str(payment_id))

    def told(self, payment_id: object) -> tuple[set[str], set[str], set[str]]:
        """Ids of the events that were told of a payment: by topic, by bus, by webhook."""
        return ({one["event_id"] for one in self.of_topic(payment_id)},
                {one["event_id"] for one in self.of_bus(payment_id)},
                {one["event_id"] for one in self.of_webhooks(payment_id) if one["verdict"] == "accepted"})

    def told_everywhere(self, payment_id: object) -> str:
        """The one event of a payment, once every channel has told it."""
        def everywhere() -> list[set[str]]:
            found = self.told(payment_id)
            return list(found) if all(found) else []

        topic, bus, webhook = until(everywhere, what="an event on every channel")
        assert topic == bus == webhook
        (event_id,) = topic
        return event_id

    def _drained(self, url: str) -> list[dict[str, Any]]:
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                self.kept[url].append(json.loads(one["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return self.kept[url]


@pytest.fixture(scope="module")
def listening(whole_site: Site) -> Iterator[Listeners]:
    """Queues of this module at the topic and at the bus."""
    sqs, outputs = client("sqs", whole_site.aws), whole_site.pipeline.deployment.outputs
    sns, events = client("sns", whole_site.aws), client("events", whole_site.aws)
    name, arns, urls = f"told-{uuid4().hex[:8]}", dict[str, str](), dict[str, str]()
    for kind in ("topic", "bus"):
        urls[kind] = sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=urls[kind], AttributeNames=["QueueArn"])["Attributes"]
        arns[kind] = attributes["QueueArn"]
    made = sns.subscribe(TopicArn=outputs["EventsArn"], Protocol="sqs", Endpoint=arns["topic"])
    rule = {"Name": name, "EventBusName": outputs["EventBusName"]}
    events.put_rule(**rule, EventPattern=json.dumps({"source": ["payments"]}))
    events.put_targets(Rule=name, EventBusName=outputs["EventBusName"], Targets=[{"Id": "queue", "Arn": arns["bus"]}])
    yield Listeners(whole_site, urls["topic"], urls["bus"])
    sns.unsubscribe(SubscriptionArn=made["SubscriptionArn"])
    events.remove_targets(Rule=name, EventBusName=outputs["EventBusName"], Ids=["queue"])
    events.delete_rule(**rule)


@pytest.fixture
def told(listening: Listeners, site: Site) -> Iterator[Listeners]:
    """Listeners, and merchants that answer as they should."""
    listening.merchants.clear()
    yield listening
    listening.merchants.clear()


@pytest.mark.property(65, 79)
def test_a_payment_is_told_on_every_channel_with_its_version_and_trace(site: Site, told: Listeners) -> None:
    made = site.insist(order(), new_key())
    event_id = told.told_everywhere(made.payment_id)
    row = site.payment(made.payment_id)
    (topic,), (bus,), (webhook,) = (of(made.payment_id) for of in (told.of_topic, told.of_bus, told.of_webhooks))
    for document in (topic, bus, json.loads(webhook["body"])):
        assert (document["event_id"], document["type"]) == (event_id, "payment.committed")
        assert document["data"]["version"] == row["version"]
        assert document["data"]["trace_id"] == row["trace_id"]
    assert topic["attributes"] == {"merchant_id": "merchant_a", "status": "COMMITTED", "event_id": event_id,
                                   "version": str(row["version"]), "trace_id": row["trace_id"]}
    assert bus["detail_type"] == "payment.committed"
    assert webhook["headers"]["webhook-id"] == event_id
    assert webhook["headers"]["traceparent"].split("-")[1] == row["trace_id"][2:].replace("-", "")


@pytest.mark.property(65)
def test_a_payment_is_told_although_all_died_right_after_its_commit(site: Site, told: Listeners) -> None:
    """The step that asks for it never ran: the relay comes by schedule all the same."""
    with closing(Coordinator(site)) as coordinator:
        _, states = coordinator.post(order(), new_key())
        payment_id, entered = coordinator.post(order(), new_key(), dies_before=states.index("NotifyMerchant"))
    assert "NotifyMerchant" not in entered
    assert site.status(payment_id) == "COMMITTED"
    assert told.told(payment_id) == (set(), set(), set())
    invoked(site.aws, site.pipeline.deployment.outputs["RelayName"], {})
    told.told_everywhere(payment_id)


@pytest.mark.property(68)
def test_duplicates_of_a_message_have_one_effect_on_each_channel(site: Site, told: Listeners) -> None:
    payment_id = f"{uuid4().int % 10**18}"
    text = outcome(payment_id)
    for _ in range(6):
        told.sqs.send_message(QueueUrl=site.pipeline.deployment.outputs["OutboxUrl"], MessageBody=text)
    told.told_everywhere(payment_id)
    until(lambda: waiting(site, "OutboxUrl") == 0 and waiting(site, "WebhooksUrl") == 0, what="the queues' end")
    assert [len(of(payment_id)) for of in (told.of_topic, told.of_bus, told.of_webhooks)] == [1, 1, 1]


@pytest.mark.property(69)
def test_a_broken_message_ends_among_the_dead_letters_alone(site: Site, told: Listeners) -> None:
    outputs, payment_id, broken = site.pipeline.deployment.outputs, f"{uuid4().int % 10**18}", f"broken {uuid4().hex}"
    told.sqs.send_message_batch(QueueUrl=outputs["OutboxUrl"], Entries=[
        {"Id": "broken", "MessageBody": broken}, {"Id": "good", "MessageBody": outcome(payment_id)}])
    told.told_everywhere(payment_id)

    def dead() -> list[str]:
        found = told.sqs.receive_message(QueueUrl=outputs["OutboxDeadLettersUrl"], MaxNumberOfMessages=10,
                                         VisibilityTimeout=0).get("Messages", [])
        return [one["Body"] for one in found if one["Body"] == broken]

    assert until(dead, what="the dead letter") == [broken]
    assert [len(of(payment_id)) for of in (told.of_topic, told.of_bus, told.of_webhooks)] == [1, 1, 1]


@pytest.mark.property(70, 71)
def test_a_failed_webhook_comes_again_signed_with_both_secrets_of_a_rotation(site: Site, told: Listeners) -> None:
    merchant, function = "merchant_b", site.pipeline.deployment.outputs["WebhookEndpointsName"]
    (endpoint,) = invoked(site.aws, function, {"action": "list", "merchant_id": merchant})["endpoints"]
    told.merchants.answer("500", merchant_id=merchant)
    made = site.insist(order(), new_key(), merchant=merchant)
    (first,) = until(lambda: told.of_webhooks(made.payment_id), what="the first attempt")
    rotated = invoked(site.aws, function, {"action": "rotate", "merchant_id": merchant,
                                           "endpoint_id": endpoint["endpoint_id"]})
    try:
        second = until(lambda: told.of_webhooks(made.payment_id)[1:], what="the second attempt")[0]
    finally:
        told.merchants.know(merchant, rotated["secret"])
    assert (first["verdict"], second["verdict"]) == ("not_taken", "accepted")
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["body"] == second["body"]
    assert [one["headers"]["webhook-signature"].count("v1,") for one in (first, second)] == [1, 2]
    assert second["at_ms"] - first["at_ms"] >= 5_000


def outcome(payment_id: str) -> str:
    """A message as the relay sends it, of a payment that the ledger does not know."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"payment_id": payment_id, "merchant_id": "merchant_a", "status": "DECLINED", "version": 3,
            "amount_minor": 1, "currency": "EUR", "captured_minor": 0, "refunded_minor": 0, "gateway": "stripe",
            "gateway_ref": None, "reference": None, "cause": None, "trace_id": "1-69a42f00-0123456789abcdef01234567",
            "event_at": now}
    return json.dumps({"outbox_id": uuid4().hex.upper()[:26], "payment_id": payment_id, "kind": "payment_outcome",
                       "created_at": now, "body": json.dumps(body)})


def waiting(site: Site, queue: str) -> int:
    """How many messages a queue holds, hidden ones included."""
    found = client("sqs", site.aws).get_queue_attributes(
        QueueUrl=site.pipeline.deployment.outputs[queue], AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])
