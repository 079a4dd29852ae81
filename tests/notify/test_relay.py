"""What the outbox holds reaches the queue at least once, and only what was delivered is forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.notify.invoking import InvokedRelay
from pipeline.notify.relay import BATCH, BATCH_BYTES, Message, queue, relay
from tests.saga.world import World


class Queue:
    """Accepts what `refuses` does not name, at most BATCH at once."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses: set[str] = set()
        self.batches: list[int] = []

    def __call__(self, messages: Sequence[Message]) -> frozenset[str]:
        assert len(messages) <= BATCH
        assert sum(len(one.body.encode()) for one in messages) <= BATCH_BYTES
        self.batches.append(len(messages))
        taken = [one for one in messages if one.key not in self.refuses]
        self.got += [json.loads(one.body) for one in taken]
        return frozenset(one.key for one in taken)


def paid() -> World:
    """A world with two payments whose outbox is full."""
    world = World()
    for payment_id in (77, 78):
        world.pay(payment_id)
    return world


@pytest.mark.property(65)
def test_one_payment_is_drained_alone_and_then_the_rest() -> None:
    world, sent = paid(), Queue()
    done = relay(world.ledger, sent, world.clock, payment_id=77)
    assert done.taken == done.delivered == len(sent.got) > BATCH
    assert {one["payment_id"] for one in sent.got} == {"77"}
    assert {one["kind"] for one in sent.got} == {"ledger_entry", "payment_state", "payment_event", "payment_outcome"}
    assert all(isinstance(json.loads(one["body"]), dict) for one in sent.got)
    relay(world.ledger, sent, world.clock)
    assert {one["payment_id"] for one in sent.got} == {"77", "78"}
    assert len({one["outbox_id"] for one in sent.got}) == len(sent.got)
    assert relay(world.ledger, sent, world.clock).taken == 0


@pytest.mark.property(67, 69)
def test_what_is_refused_is_tried_alone_then_given_back_and_nothing_else_waits_for_it() -> None:
    world, sent = paid(), Queue()
    first = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=1)[0].outbox_id
    sent.refuses = {first}
    done = relay(world.ledger, sent, world.clock)
    assert done.delivered == done.taken - 1
    assert first not in {one["outbox_id"] for one in sent.got}
    assert 1 in sent.batches
    sent.refuses = set()
    assert relay(world.ledger, sent, world.clock).delivered == 1
    assert len({one["outbox_id"] for one in sent.got}) == len(sent.got) == done.taken


def test_a_queue_that_fails_loses_nothing() -> None:
    def broken(messages: Sequence[Message]) -> frozenset[str]:
        raise ConnectionError

    world, sent = paid(), Queue()
    assert relay(world.ledger, broken, world.clock).delivered == 0
    assert relay(world.ledger, sent, world.clock).delivered == len(sent.got) > 0


def test_the_queue_says_which_of_a_batch_it_took() -> None:
    class Sqs:
        def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
            assert QueueUrl == "url"
            return {"Successful": [{"Id": Entries[0]["Id"]}], "Failed": [{"Id": Entries[1]["Id"]}]}

    assert queue(Sqs(), "url")([Message("a", "{}"), Message("b", "{}")]) == {"a"}


@pytest.mark.property(33)
def test_asking_the_relay_never_fails_a_payment() -> None:
    class Lambda:
        def __init__(self) -> None:
            self.asked: list[dict[str, Any]] = []

        def invoke(self, **request: Any) -> None:
            self.asked.append(request)
            if len(self.asked) > 1:
                raise ConnectionError

    client, logged = Lambda(), []
    asking = InvokedRelay(client, "relay", lambda event, **fields: logged.append(event))
    asking.drain(77)
    asking.drain(78)
    assert client.asked[0]["InvocationType"] == "Event"
    assert json.loads(client.asked[0]["Payload"]) == {"payment_id": "77"}
    assert logged == ["relay_not_asked"]
