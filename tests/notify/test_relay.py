"""What the outbox holds reaches where its kind goes at least once, and only what was delivered is forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pipeline.errors import Misused
from pipeline.ledger.outbox import OutboxRow
from pipeline.notify.invoking import InvokedRelay
from pipeline.notify.relay import BATCH, BATCH_BYTES, OUTCOME, Row, Send, message, queue, relay
from pipeline.telemetry.xray import trace_id_of
from tests.saga.world import World

KINDS = (OUTCOME, "ledger_entry", "payment_state", "payment_event")


class Taker:
    """Takes rows of one kind but those that `refuses` names."""

    def __init__(self) -> None:
        self.got: list[Row] = []
        self.calls = 0
        self.refuses: set[str] = set()

    def __call__(self, rows: Sequence[Row]) -> frozenset[str]:
        assert len({row.kind for row in rows}) == 1
        self.calls += 1
        taken = [row for row in rows if row.outbox_id not in self.refuses]
        self.got += taken
        return frozenset(row.outbox_id for row in taken)


def paid() -> World:
    """A world with two payments whose outbox is full."""
    world = World()
    for payment_id in (77, 78):
        world.pay(payment_id)
    return world


def routes(taker: Send, *kinds: str) -> dict[str, Send]:
    """All of `kinds` (none: of every kind) go to one taker."""
    return dict.fromkeys(kinds or KINDS, taker)


@pytest.mark.property(65)
def test_one_payment_is_drained_alone_and_then_the_rest() -> None:
    world, sent = paid(), Taker()
    done = relay(world.ledger, routes(sent), world.clock, payment_id=77)
    assert done.taken == done.delivered == len(sent.got) > len(KINDS)
    assert {one.payment_id for one in sent.got} == {77}
    assert {one.kind for one in sent.got} == set(KINDS) == done.kinds.keys()
    assert sum(done.kinds.values()) == done.delivered
    relay(world.ledger, routes(sent), world.clock)
    assert {one.payment_id for one in sent.got} == {77, 78}
    assert len({one.outbox_id for one in sent.got}) == len(sent.got)
    assert relay(world.ledger, routes(sent), world.clock).taken == 0


@pytest.mark.property(65)
def test_one_payments_outcome_goes_without_its_lines_for_the_lake() -> None:
    world, sent = paid(), Taker()
    relay(world.ledger, routes(sent), world.clock, payment_id=77, kinds=[OUTCOME])
    assert {(one.kind, one.payment_id) for one in sent.got} == {(OUTCOME, 77)}


def test_rows_without_a_route_stay_and_a_kind_without_a_route_is_refused() -> None:
    world, sent, rest = paid(), Taker(), Taker()
    relay(world.ledger, routes(sent, "payment_event"), world.clock)
    assert {one.kind for one in sent.got} == {"payment_event"}
    with pytest.raises(Misused, match="no route for payment_outcome"):
        relay(world.ledger, routes(sent, "payment_event"), world.clock, kinds=[OUTCOME])
    relay(world.ledger, routes(rest), world.clock)
    assert {one.kind for one in rest.got} == set(KINDS) - {"payment_event"}


@pytest.mark.property(67)
def test_what_is_refused_is_given_back_and_nothing_else_waits_for_it() -> None:
    world, sent = paid(), Taker()
    first = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=1)[0].outbox_id
    sent.refuses = {first}
    done = relay(world.ledger, routes(sent), world.clock, limit=3)
    assert done.delivered == done.taken - 1 == len(sent.got) > 3
    assert first not in {one.outbox_id for one in sent.got}
    sent.refuses = set()
    assert relay(world.ledger, routes(sent), world.clock).delivered == 1
    assert len({one.outbox_id for one in sent.got}) == len(sent.got) == done.taken


@pytest.mark.property(67)
def test_one_kind_that_cannot_be_sent_does_not_hold_up_the_others() -> None:
    def broken(rows: Sequence[Row]) -> frozenset[str]:
        raise ConnectionError

    world, sent, late = paid(), Taker(), Taker()
    done = relay(world.ledger, routes(sent) | {"payment_state": broken}, world.clock)
    assert {one.kind for one in sent.got} == set(KINDS) - {"payment_state"} == done.kinds.keys()
    assert relay(world.ledger, routes(broken), world.clock).delivered == 0
    relay(world.ledger, routes(late), world.clock)
    assert {one.kind for one in late.got} == {"payment_state"}
    assert len(sent.got) + len(late.got) == done.taken


def test_a_relay_to_which_nothing_can_be_sent_stops() -> None:
    world, calls = paid(), list[int]()

    def broken(rows: Sequence[Row]) -> frozenset[str]:
        calls.append(len(rows))
        return frozenset()

    assert relay(world.ledger, routes(broken, "payment_event"), world.clock, limit=3).taken == 3
    assert calls == [3]


def test_a_relay_ends_in_time() -> None:
    world, sent = paid(), Taker()
    assert relay(world.ledger, routes(sent), world.clock, limit=3, until=world.clock()).taken == 3
    assert relay(world.ledger, routes(sent), world.clock, limit=3, until=world.clock() + timedelta(1)).taken > 3


def test_only_what_was_asked_for_is_forgotten() -> None:
    world = paid()
    everything = {row.outbox_id for row in world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=999)}
    relay(world.ledger, routes(lambda rows: frozenset(everything), OUTCOME), world.clock)
    kept = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=999)
    assert {row.kind for row in kept} == set(KINDS) - {OUTCOME}


class Sqs:
    """Takes what `refuses` does not name, at most BATCH at once; fails `fails` times first."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses: set[str] = set()
        self.batches: list[int] = []
        self.fails = 0
        self.traces: dict[str, str] = {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert QueueUrl == "url"
        assert len(Entries) <= BATCH
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= BATCH_BYTES
        self.batches.append(len(Entries))
        if self.fails:
            self.fails -= 1
            raise ConnectionError
        taken = [entry for entry in Entries if entry["Id"] not in self.refuses]
        self.got += [json.loads(entry["MessageBody"]) for entry in taken]
        self.traces |= {entry["Id"]: entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"]
                        for entry in taken if "MessageSystemAttributes" in entry}
        return {"Successful": [{"Id": entry["Id"]} for entry in taken], "Failed": []}


@pytest.mark.property(69)
def test_what_a_batch_of_the_queue_refuses_is_tried_alone() -> None:
    world, sqs = paid(), Sqs()
    rows = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=999)
    bad = rows[3].outbox_id
    sqs.refuses = {bad}
    assert queue(sqs, "url")(rows) == {row.outbox_id for row in rows} - {bad}
    assert sqs.batches.count(1) == 1
    assert len(sqs.got) == len(rows) - 1
    assert {one["payment_id"] for one in sqs.got} == {"77", "78"}
    assert all(isinstance(json.loads(one["body"]), dict) for one in sqs.got)


@pytest.mark.property(79)
def test_a_message_goes_on_with_its_payments_trace() -> None:
    world, sqs = paid(), Sqs()
    rows = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=999, kinds=[OUTCOME])
    traces = {row.outbox_id: trace_id_of(json.loads(row.body)["trace_id"]) for row in rows}
    queue(sqs, "url")(rows)
    found = {key: header.partition(";")[0].removeprefix("Root=") for key, header in sqs.traces.items()}
    assert found == traces != {}


@pytest.mark.parametrize("body", ["{}", "[]", "no JSON", '{"trace_id": null}'])
def test_a_row_without_a_trace_goes_without_one(body: str) -> None:
    sqs = Sqs()
    assert queue(sqs, "url")([OutboxRow("x", 7, OUTCOME, body, World().clock())]) == {"x"}
    assert sqs.traces == {}


def test_a_batch_that_fails_is_tried_message_by_message() -> None:
    world, sqs = paid(), Sqs()
    rows = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=4)
    sqs.fails = 1
    assert queue(sqs, "url")(rows) == {row.outbox_id for row in rows}
    assert sqs.batches == [4, 1, 1, 1, 1]
    sqs.fails = 5
    assert queue(sqs, "url")(rows) == frozenset()


def test_batches_stay_below_the_queues_size() -> None:
    world, sqs = paid(), Sqs()
    row = world.ledger.take(at=world.clock(), taken_until=world.clock(), limit=1)[0]

    long = OutboxRow("x", None, row.kind, "y" * 100_000, row.created_at)
    assert queue(sqs, "url")([long] * 5) == {"x"}
    assert sqs.batches == [2, 2, 1]
    assert json.loads(message(long).body)["payment_id"] is None


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
