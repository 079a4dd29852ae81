"""One delivery through its attempts: what ends it, what repeats it, what keeps it from being made twice."""

from __future__ import annotations

import pytest

from pipeline.errors import Retryable
from pipeline.notify.deliveries import Delivery, dead_letters, queue
from pipeline.notify.delivering import deliver
from pipeline.notify.events import Malformed
from pipeline.notify.posting import Answer
from pipeline.notify.told import Held
from tests.notify.parts import TRACE, Network, event

OK = Answer(200, "answered")


def first() -> Delivery:
    """The first attempt at an endpoint."""
    return Delivery.of(event(), "we_1")


@pytest.mark.property(71)
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_only_2xx_is_a_success(status: int) -> None:
    network = Network([Answer(status, "answered")])
    assert network.run() == ["delivered"]
    assert network.queued == []


@pytest.mark.property(71)
@pytest.mark.parametrize("answer", [
    Answer(301, "answered"), Answer(302, "answered"), Answer(308, "answered"), Answer(304, "answered"),
    Answer(400, "answered"), Answer(404, "answered"), Answer(500, "answered"), Answer(None, "timeout"),
    Answer(None, "refused_address"), Answer(None, "dns"), Answer(199, "answered"),
], ids=lambda answer: f"{answer.status}-{answer.code}")
def test_everything_else_is_tried_again(answer: Answer) -> None:
    network = Network([answer, OK])
    assert network.run() == ["failed", "delivered"]
    assert [sent.url for sent in network.sent] == [network.shop.url] * 2


@pytest.mark.property(71)
def test_gone_disables_the_endpoint_and_nothing_more_goes_there() -> None:
    network = Network([Answer(410, "answered"), OK])
    assert network.run() == ["gone"]
    assert network.shop.disabled_because == "it answered 410 Gone"
    assert network.run(Delivery.of(event("01NEXT"), "we_1")) == ["disabled"]
    assert len(network.sent) == 1


@pytest.mark.property(71)
def test_what_waits_for_a_disabled_or_deleted_endpoint_ends() -> None:
    network = Network([Answer(500, "answered")])
    assert deliver(first(), network.parts) == "failed"
    network.shop.disabled_at = network.clock.now
    ((due, waiting),) = network.queued
    network.clock.now = due
    assert deliver(waiting, network.parts) == "disabled"
    assert deliver(Delivery.of(event(), "we_other"), network.parts) == "disabled"
    assert len(network.sent) == 1


@pytest.mark.property(70)
def test_id_and_bytes_stay_over_the_attempts_and_the_time_is_the_attempts() -> None:
    network = Network([Answer(500, "answered"), Answer(None, "timeout"), OK])
    network.run()
    assert {sent.headers["webhook-id"] for sent in network.sent} == {"01EVENT"}
    assert {sent.body for sent in network.sent} == {event().document.encode()}
    assert [int(sent.headers["webhook-timestamp"]) for sent in network.sent] == [
        int(sent.at.timestamp()) for sent in network.sent]  # fmt: skip
    assert len({sent.headers["webhook-signature"] for sent in network.sent}) == 3


@pytest.mark.property(79)
def test_the_merchant_is_told_the_payments_trace() -> None:
    network = Network([OK])
    network.run()
    assert network.sent[0].headers["traceparent"].split("-")[1] == TRACE[2:].replace("-", "")


@pytest.mark.property(68)
def test_a_duplicate_of_any_attempt_makes_none() -> None:
    network = Network([Answer(500, "answered"), OK])
    network.run()
    assert network.run() == ["repeated"]
    assert network.run(first().next(not_before=0)) == ["repeated"]
    assert len(network.sent) == 2
    network.told.held |= {first().key, Delivery.of(event("01OTHER"), "we_1").key}
    assert deliver(first(), network.parts) == "repeated"
    with pytest.raises(Held):
        deliver(Delivery.of(event("01OTHER"), "we_1"), network.parts)


@pytest.mark.property(70)
def test_a_crash_before_the_record_repeats_the_attempt_and_its_successor_is_made_once() -> None:
    network = Network([Answer(500, "answered"), Answer(500, "answered"), OK])
    network.told.loses = 1
    with pytest.raises(Retryable):
        deliver(first(), network.parts)
    outcomes = network.run()
    assert sorted(outcomes) == ["delivered", "failed", "repeated"]
    assert len(network.sent) == 3
    assert {sent.headers["webhook-id"] for sent in network.sent} == {"01EVENT"}


def test_what_was_given_up_is_attempted_once_more_where_it_is_sent_back() -> None:
    network = Network([Answer(500, "answered"), OK], schedule="0")
    assert network.run() == ["exhausted"]
    ((given_up, _),) = network.given_up
    assert network.run(given_up) == ["delivered"]
    assert len(network.sent) == 2


def test_a_delivery_is_the_same_after_its_time_in_the_queue() -> None:
    delivery = first().next(not_before=17)
    assert Delivery.read(delivery.text()) == delivery
    assert (delivery.attempt, delivery.key) == (1, first().key)


@pytest.mark.property(69)
@pytest.mark.parametrize("text", ["", "[]", "{}", first().text().replace('"attempt":0', '"attempt":-1'),
                                  first().text().replace('"version":8', '"version":"8"'),
                                  first().text().replace('"attempt":0', '"attempt":true')])
def test_what_is_no_delivery_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Delivery.read(text)


class Sqs:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []

    def send_message(self, **request: object) -> None:
        self.sent.append(request)


@pytest.mark.parametrize("delay_s, held", [(0, 0), (-3, 0), (4.2, 5), (900, 900), (86_400, 900)])
def test_the_queue_holds_a_message_back_as_long_as_it_can(delay_s: float, held: int) -> None:
    sqs = Sqs()
    queue(sqs, "url", lambda: {"X-Amzn-Trace-Id": "Root=1"})(first(), delay_s)
    assert (sqs.sent[0]["DelaySeconds"], sqs.sent[0]["MessageBody"]) == (held, first().text())
    assert "Root=1" in str(sqs.sent[0]["MessageSystemAttributes"])


def test_dead_letters_say_why() -> None:
    sqs = Sqs()
    dead_letters(sqs, "dead")(first(), "answered 500")
    assert (sqs.sent[0]["QueueUrl"], sqs.sent[0]["MessageBody"]) == ("dead", first().text())
    assert "answered 500" in str(sqs.sent[0]["MessageAttributes"])
