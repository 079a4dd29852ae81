"""What a Firehose stream did not take is sent again alone, a few times; whose rows arrived is known exactly."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.guard import client
from infra.local.stack import Stack
from pipeline.lake.firehose import Patience, Sending, routes
from pipeline.lake.kinds import KINDS
from pipeline.lake.packing import Limits
from pipeline.schemas.ledger import LEDGER_ENTRIES, PAYMENT_EVENTS
from tests.firehose.fake import RECORDS, FakeFirehose, Ticking, nothing, stream
from tests.firehose.rows import row

NAME = LEDGER_ENTRIES.name
ROWS = [row(LEDGER_ENTRIES, number) for number in range(60)]
IDS = {one.outbox_id for one in ROWS}
SMALL = len(ROWS[0].body) * 3 + 10
"""A record of two or three lines."""


@pytest.fixture(params=["fake", "emulator"])
def service(request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    """A client, and a stream of its own that it reaches."""
    name = f"contract-{uuid4().hex[:12]}"
    if request.param == "fake":
        yield FakeFirehose.of(name), name
        return
    stack: Stack = request.getfixturevalue("stack")
    settings = stack.environment()
    client("s3", settings).create_bucket(Bucket=name)
    firehose = client("firehose", settings)
    firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration={
        "BucketARN": f"arn:aws:s3:::{name}", "RoleARN": "arn:aws:iam::000000000000:role/delivery"})
    yield firehose, name
    firehose.delete_delivery_stream(DeliveryStreamName=name)


@pytest.mark.parametrize("count", [1, 3, RECORDS])
def test_the_service_answers_for_each_record(service: tuple[Any, str], count: int) -> None:
    firehose, name = service
    answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": b"{}\n"}] * count)
    assert answer["FailedPutCount"] == 0
    assert len({one["RecordId"] for one in answer["RequestResponses"]}) == count
    assert not any("ErrorCode" in one for one in answer["RequestResponses"])


@pytest.mark.parametrize("count", [0, RECORDS + 1])
def test_the_service_refuses_too_few_and_too_many(service: tuple[Any, str], count: int) -> None:
    firehose, name = service
    with pytest.raises(Exception, match=r"InvalidArgument|min length"):
        firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": b"{}\n"}] * count)


def test_the_service_knows_its_streams(service: tuple[Any, str]) -> None:
    with pytest.raises(Exception, match="ResourceNotFound"):
        service[0].put_record_batch(DeliveryStreamName="nowhere", Records=[{"Data": b"{}\n"}])


def test_rows_are_sent_and_their_ids_returned(service: tuple[Any, str]) -> None:
    firehose, name = service
    assert stream(firehose, LEDGER_ENTRIES, name=name).send(ROWS) == IDS


@pytest.mark.property(72)
@given(seed=st.integers(0, 10**6), part=st.sampled_from([0.1, 0.5, 0.9]))
def test_partial_failures_are_sent_again_alone_and_ids_say_what_arrived(seed: int, part: float) -> None:
    chance = random.Random(seed)
    refused: list[tuple[int, int]] = []

    def refuses(call: int, index: int) -> bool:
        if chance.random() < part:
            refused.append((call, index))
            return True
        return False

    firehose = FakeFirehose({NAME: []}, refuses=refuses)
    accepted = stream(firehose, LEDGER_ENTRIES, limits=Limits(record_bytes=SMALL)).send(ROWS)
    arrived = Counter(firehose.lines(NAME))
    assert arrived == Counter(one.body for one in ROWS if one.outbox_id in accepted)
    if not any(call == firehose.calls - 1 for call, _ in refused):
        assert accepted == IDS


@pytest.mark.property(72)
@given(seed=st.integers(0, 10**6))
def test_whatever_fails_nothing_is_called_accepted_that_did_not_arrive(seed: int) -> None:
    chance = random.Random(seed)
    firehose = FakeFirehose({NAME: []}, refuses=lambda *_: chance.random() < 0.3,
                            throttled=lambda _: chance.random() < 0.3, lost=lambda _: chance.random() < 0.3)
    accepted = stream(firehose, LEDGER_ENTRIES, limits=Limits(record_bytes=SMALL, call_records=4)).send(ROWS)
    arrived = set(firehose.lines(NAME))
    assert {one.body for one in ROWS if one.outbox_id in accepted} <= arrived
    assert arrived <= {one.body for one in ROWS}


def test_waits_double_and_only_a_random_part_of_them_is_waited() -> None:
    ticking, logged = Ticking(), list[dict[str, Any]]()
    sending = stream(FakeFirehose({NAME: []}, throttled=lambda _: True), LEDGER_ENTRIES, ticking=ticking,
                     patience=Patience(attempts=7, longest_s=1.0, budget_s=99),
                     log=lambda event, **fields: logged.append({"event": event, **fields}))
    assert sending.send(ROWS) == frozenset()
    assert ticking.slept == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert logged == [{"event": "lake_records_left", "kind": NAME, "count": 1, "code": "ServiceUnavailableException"}]


def test_nothing_is_tried_again_after_the_budget() -> None:
    ticking, firehose = Ticking(), FakeFirehose({NAME: []}, throttled=lambda _: True)
    stream(firehose, LEDGER_ENTRIES, ticking=ticking, patience=Patience(attempts=99, budget_s=1.0)).send(ROWS)
    assert firehose.calls == 4
    assert ticking.now > 1.0


def test_what_is_slow_but_taken_goes_on_until_the_deadline() -> None:
    ticking = Ticking()

    def slow(call: int) -> bool:
        ticking.now += 10
        return False

    firehose = FakeFirehose({NAME: []}, throttled=slow)
    limits = Limits(record_bytes=SMALL, call_records=1)
    accepted = stream(firehose, LEDGER_ENTRIES, ticking=ticking, limits=limits, deadline=45.0).send(ROWS)
    assert firehose.calls == 5
    assert {one.body for one in ROWS if one.outbox_id in accepted} == set(firehose.lines(NAME))
    assert 0 < len(accepted) < len(ROWS)


def test_what_takes_nothing_is_not_asked_for_every_batch() -> None:
    firehose = FakeFirehose({NAME: []}, throttled=lambda _: True)
    stream(firehose, LEDGER_ENTRIES, limits=Limits(record_bytes=SMALL, call_records=1)).send(ROWS)
    assert firehose.calls == Patience().attempts


def test_a_row_that_is_larger_than_a_record_stays_and_is_told_without_its_text() -> None:
    firehose, logged = FakeFirehose({NAME: []}), list[dict[str, Any]]()
    huge = row(LEDGER_ENTRIES, 99, gateway_ref="x" * 1_000_000)
    sending = stream(firehose, LEDGER_ENTRIES, log=lambda event, **fields: logged.append({"event": event, **fields}))
    assert sending.send([*ROWS, huge]) == IDS
    assert logged == [{"event": "lake_row_too_large", "kind": NAME, "outbox_id": huge.outbox_id, "count": 1}]


def test_nothing_is_sent_for_nothing() -> None:
    firehose = FakeFirehose({NAME: []})
    assert stream(firehose, LEDGER_ENTRIES).send([]) == frozenset()
    assert firehose.calls == 0


def test_an_answer_that_does_not_match_its_records_is_none() -> None:
    class Odd:
        def put_record_batch(self, **_: object) -> dict[str, Any]:
            return {"FailedPutCount": 0, "RequestResponses": []}

    assert stream(Odd(), LEDGER_ENTRIES).send(ROWS) == frozenset()


def test_each_kind_has_the_stream_of_its_table() -> None:
    firehose = FakeFirehose.of()
    made = routes(firehose, {name: name for name in firehose.streams}, Sending(Ticking().timing(), nothing))
    assert made.keys() == KINDS.keys()
    made["payment_event"]([row(PAYMENT_EVENTS, 1)])
    assert {name for name, records in firehose.streams.items() if records} == {"payment_events"}
    assert routes(firehose, {}, Sending(Ticking().timing(), nothing)) == {}
