"""Every outcome is told on every channel, once: duplicates, other orders, failures and crashes included."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.notify.channels import Bus, Topic, Webhooks
from pipeline.notify.deliveries import Delivery
from pipeline.notify.events import Event
from pipeline.notify.fanout import Untold, fan_out
from pipeline.notify.told import Held
from tests.notify.parts import TRACE, Clock, Heard, Memory, event


def channels() -> list[Heard]:
    """The three."""
    return [Heard("topic"), Heard("bus"), Heard("webhook", ("webhook:we_1", "webhook:we_2"))]


def told(one: Event, to: list[Heard], memory: Memory) -> Counter[tuple[str, bool]]:
    """What was counted while it was told, whatever it raised."""
    counted: Counter[tuple[str, bool]] = Counter()
    with suppress(Untold):
        fan_out(one, to, memory, Clock(), lambda channel, whole: counted.update([(channel, whole)]))
    return counted


@pytest.mark.property(65, 68)
def test_an_event_is_told_on_every_channel_and_its_duplicate_on_none() -> None:
    to, memory = channels(), Memory()
    assert told(event(), to, memory) == {("topic", True): 1, ("bus", True): 1, ("webhook", True): 2}
    assert told(event(), to, memory) == {}
    assert [len(channel.got) for channel in to] == [1, 1, 2]
    assert memory.held == set()


@pytest.mark.property(68)
def test_after_a_failure_only_the_rest_is_told() -> None:
    to, memory = channels(), Memory()
    to[1].refuses = lambda target, event: True
    to[2].refuses = lambda target, event: target == "webhook:we_2"
    with pytest.raises(Untold, match="bus, webhook"):
        fan_out(event(), to, memory, Clock(), lambda channel, whole: None)
    for channel in to:
        channel.refuses = lambda target, event: False
    told(event(), to, memory)
    assert [[target for target, _, _ in channel.got] for channel in to] == [
        ["topic"], ["bus"], ["webhook:we_1", "webhook:we_2"]]  # fmt: skip


@pytest.mark.property(65, 68)
def test_a_crash_between_effect_and_record_repeats_under_the_same_id() -> None:
    to, memory = channels(), Memory(loses=1)
    told(event(), to, memory)
    told(event(), to, memory)
    assert to[0].got == [("topic", "01EVENT", 8)] * 2
    assert [len(channel.got) for channel in to[1:]] == [1, 2]


@pytest.mark.property(68)
def test_while_one_has_the_event_another_leaves_it() -> None:
    to, memory = channels(), Memory(held={"01EVENT"})
    with pytest.raises(Held):
        told(event(), to, memory)
    assert [channel.got for channel in to] == [[], [], []]
    # It is through, and only about to let go of it.
    memory.done["01EVENT"] = {"topic", "bus", "webhook:we_1", "webhook:we_2"}
    assert told(event(), to, memory) == {}


@pytest.mark.property(65, 68)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=25), st.sets(st.tuples(st.integers(0, 30), st.integers(0, 2))))
def test_in_any_order_with_any_duplicates_and_failures_each_channel_is_told_each_version_once(
    versions: list[int], failures: set[tuple[int, int]]
) -> None:
    to, memory = channels(), Memory()
    for turn, version in enumerate(versions):
        for place, channel in enumerate(to):
            fails = (turn, place) in failures
            channel.refuses = lambda target, event, fails=fails: fails  # type: ignore[misc]
        told(event(f"01EVENT{version}", version=version), to, memory)
    for channel in to:
        channel.refuses = lambda target, event: False
    for version in set(versions):
        told(event(f"01EVENT{version}", version=version), to, memory)
    for channel in to:
        assert Counter(channel.got) == {(target, f"01EVENT{version}", version): 1 for version in set(versions)
                                        for target in channel.targets(event())}


class Aws:
    """Keeps the request and gives the answer."""

    def __init__(self, **answer: object) -> None:
        self.answer, self.asked = answer, dict[str, Any]()

    def publish(self, **request: Any) -> dict[str, object]:
        self.asked = request
        return self.answer

    put_events = publish


@pytest.mark.property(65, 68)
def test_the_topic_gets_the_document_with_what_subscribers_filter_by() -> None:
    sns = Aws()
    Topic(sns, "arn").tell("topic", event())
    assert (sns.asked["TopicArn"], sns.asked["Message"]) == ("arn", event().document)
    attributes = {name: value["StringValue"] for name, value in sns.asked["MessageAttributes"].items()}
    assert attributes == {"merchant_id": "shop", "status": "COMMITTED", "event_id": "01EVENT", "version": "8",
                          "trace_id": TRACE}


@pytest.mark.property(65)
def test_an_entry_that_the_bus_did_not_take_has_failed() -> None:
    events = Aws(FailedEntryCount=0, Entries=[{"EventId": "1"}])
    Bus(events, "ours").tell("bus", event())
    (entry,) = events.asked["Entries"]
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == ("payments", "payment.committed", "ours")
    assert entry["Detail"] == event().document
    for answer in ({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]},
                   {"FailedEntryCount": 0, "Entries": [{"ErrorCode": "ThrottlingException"}]}):
        with pytest.raises(Exception, match="ThrottlingException"):
            Bus(Aws(**answer), "ours").tell("bus", event())


@pytest.mark.property(65)
def test_each_active_endpoint_of_the_merchant_gets_a_delivery_of_its_own() -> None:
    sent: list[tuple[Delivery, float]] = []
    active = {"shop": ["we_1", "we_2"]}
    webhooks = Webhooks(lambda merchant_id: active[merchant_id], lambda one, delay_s: sent.append((one, delay_s)))
    for target in webhooks.targets(event()):
        webhooks.tell(target, event())
    assert [(one.endpoint_id, one.event_id, one.payload, one.attempt, s) for one, s in sent] == [
        ("we_1", "01EVENT", event().document, 0, 0), ("we_2", "01EVENT", event().document, 0, 0)]  # fmt: skip
