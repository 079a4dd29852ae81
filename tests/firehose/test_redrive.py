"""What lies below the error prefix is sent again line by line; an object goes when nothing of it is left to do."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from infra.local.guard import client
from infra.local.redrive import redriven
from infra.local.stack import Stack
from pipeline.lake import redrive as module
from pipeline.lake.failed import ERRORS, HELD
from pipeline.lake.kinds import TABLES
from pipeline.lake.redrive import Redrive, Redriven
from pipeline.schemas.ledger import LEDGER_ENTRIES, PAYMENT_STATES
from tests.firehose.fake import FakeFirehose, stream
from tests.firehose.rows import NOON, line

LATER = datetime(2100, 1, 1, tzinfo=UTC)
BAD = line(LEDGER_ENTRIES, amount_minor="much")
KEY = "errors/ledger_entries/processing-failed/2026-03-14/one"


def lines(*numbers: int) -> list[str]:
    """Good lines of ledger_entries, of several hours."""
    return [line(LEDGER_ENTRIES, NOON + timedelta(minutes=25 * number), entry_id=f"entry-{number}")
            for number in numbers]


def document(*told: str, **more: object) -> bytes:
    """An error document as AWS writes it, for one record of these lines."""
    raw = base64.b64encode("".join(f"{one}\n" for one in told).encode()).decode()
    return json.dumps({"attemptsMade": 4, "arrivalTimestamp": 1, "errorCode": "Lambda.ProcessingFailedStatus",
                       "errorMessage": "...", "attemptEndingTimestamp": 2, "rawData": raw, **more}).encode()


class Bucket:
    """A bucket of its own on the emulator, and a Firehose; `failing` names a call of S3 that fails from now on."""

    def __init__(self, stack: Stack) -> None:
        self.name = f"redrive-{uuid4().hex[:12]}"
        self.s3 = client("s3", stack.environment())
        self.s3.create_bucket(Bucket=self.name)
        self.firehose = FakeFirehose.of()
        self.failing: str | None = None
        self.logged: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == self.failing:
            raise ConnectionError(name)
        return getattr(self.s3, name)

    def put(self, key: str, *documents: bytes, end: bytes = b"\n") -> None:
        """An object of such documents."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=end.join(documents))

    def objects(self) -> list[str]:
        """What is in it."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name).get("Contents", ())]

    def run(self, *, before: datetime = LATER, until: datetime = LATER, prefix: str = ERRORS,
            clock: Callable[[], datetime] = lambda: NOON) -> Redriven:
        """One run."""
        streams = {name: stream(self.firehose, table) for name, table in TABLES.items()}
        work = Redrive(self, self.name, streams, clock, lambda event, **fields: self.logged.append(event))
        return work.run(before=before, until=until, prefix=prefix)

    def arrived(self, table: str = "ledger_entries") -> Counter[str]:
        """Lines that a stream took."""
        return Counter(self.firehose.lines(table))


@pytest.fixture
def bucket(stack: Stack) -> Bucket:
    """One of the test's own."""
    return Bucket(stack)


@pytest.mark.property(73)
def test_good_lines_are_sent_and_the_others_kept_with_their_reason(bucket: Bucket) -> None:
    good = lines(*range(9))
    bucket.put(KEY, document(*good[:5], BAD), document(*good[5:], "no json"))
    assert bucket.run() == Redriven(objects=1, lines=11, sent=9, held=2, removed=1)
    assert bucket.arrived() == Counter(good)
    assert bucket.objects() == [KEY.replace("errors/", "held/")]
    kept = bucket.s3.get_object(Bucket=bucket.name, Key=bucket.objects()[0])["Body"].read().decode().splitlines()
    told = [json.loads(one) for one in kept]
    assert [(base64.b64decode(one.pop("rawData")).decode(), one) for one in told] == [
        (BAD, {"field": "amount_minor", "reason": "no whole number", "source": KEY}),
        ("no json", {"field": "", "reason": "no JSON", "source": KEY})]
    assert bucket.run() == Redriven()


@pytest.mark.parametrize("end", [b"\n", b"", b" \n"], ids=["lines", "joined", "blanks"])
def test_documents_are_read_however_they_follow_each_other(bucket: Bucket, end: bytes) -> None:
    bucket.put(KEY, document(*lines(1, 2)), document(*lines(3)), b"", end=end)
    assert bucket.run() == Redriven(objects=1, lines=3, sent=3, removed=1)


def test_a_document_of_the_conversion_is_read_as_well(bucket: Bucket) -> None:
    key = "errors/payment_states/format-conversion-failed/2026-03-14/one"
    bucket.put(key, document(line(PAYMENT_STATES), ErrorCode="DataFormatConversion.MalformedData",
                             sequenceNumber="1", subSequenceNumber=0, dataCatalogTable={}))
    assert bucket.run().sent == 1
    assert bucket.arrived("payment_states") == Counter([line(PAYMENT_STATES)])


def test_what_was_kept_can_be_tried_again_and_stays_where_it_is_while_it_is_bad(bucket: Bucket) -> None:
    bucket.put(KEY, document(BAD, *lines(1)))
    bucket.run()
    held = bucket.objects()
    assert bucket.run(prefix=HELD) == Redriven(objects=1, lines=1, held=1)
    assert bucket.objects() == held
    bucket.put(held[0], document(BAD), document(*lines(2)))
    assert bucket.run(prefix=HELD) == Redriven(objects=1, lines=2, sent=1, held=1)
    bucket.put(held[0], document(*lines(3)))
    assert bucket.run(prefix=HELD) == Redriven(objects=1, lines=1, sent=1, removed=1)
    assert bucket.objects() == []


@pytest.mark.property(73)
def test_what_firehose_does_not_take_stays(bucket: Bucket) -> None:
    bucket.put(KEY, document(*lines(1, 2), BAD))
    bucket.firehose.throttled = lambda _: True
    assert bucket.run() == Redriven(objects=1, lines=3, left=1)
    assert bucket.objects() == [KEY]
    bucket.firehose.throttled = lambda _: False
    assert bucket.run() == Redriven(objects=1, lines=3, sent=2, held=1, removed=1)
    assert bucket.arrived() == Counter(lines(1, 2))


@pytest.mark.property(73)
@pytest.mark.parametrize("call", ["get_object", "put_object", "delete_object"])
def test_a_run_that_ends_in_the_middle_loses_nothing(bucket: Bucket, call: str) -> None:
    for number in range(3):
        bucket.put(f"{KEY}-{number}", document(*lines(number), BAD))
    bucket.failing = call
    with pytest.raises(ConnectionError):
        bucket.run()
    assert [key for key in bucket.objects() if key.startswith(ERRORS)] == [f"{KEY}-{number}" for number in range(3)]
    bucket.failing = None
    assert bucket.run() == Redriven(objects=3, lines=6, sent=3, held=3, removed=3)
    assert set(bucket.arrived()) == set(lines(0, 1, 2))
    assert len(bucket.objects()) == 3
    assert bucket.run(prefix=HELD).held == 3


def test_an_object_that_another_run_has_finished_meanwhile_is_none(bucket: Bucket) -> None:
    bucket.put(KEY, document(*lines(1)))

    def clock() -> datetime:
        bucket.s3.delete_object(Bucket=bucket.name, Key=KEY)
        return NOON

    assert bucket.run(clock=clock) == Redriven(objects=1)
    assert bucket.arrived() == Counter()


@pytest.mark.parametrize(("key", "body"), [
    (KEY, b"no documents"), (KEY, b'{"rawData": 7}'), (KEY, b'{"rawData": "?"}'), (KEY, b"[]"), (KEY, b"\xff"),
    ("errors/strangers/one", document(*lines(1))), ("errors/settlement_lines/one", document(*lines(1)))])  # fmt: skip
def test_what_cannot_be_read_is_left_and_told(bucket: Bucket, key: str, body: bytes) -> None:
    bucket.put(key, body)
    bucket.put("errors/ledger_entries/two", document(*lines(2)))
    done = bucket.run()
    assert (done.left, done.removed, done.sent) == (1, 1, 1)
    assert (bucket.objects(), bucket.logged) == ([key], ["redrive_left"])


def test_many_lines_are_sent_part_by_part(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES_AT_ONCE", 2)
    bucket.put(KEY, *(document(*lines(number, number + 10)) for number in range(5)))
    bucket.firehose.throttled = lambda call: call > 2
    assert bucket.run().left == 1
    bucket.firehose.throttled = lambda call: False
    assert bucket.run() == Redriven(objects=1, lines=10, sent=10, removed=1)


def test_a_day_too_far_ahead_is_kept_until_it_has_come(bucket: Bucket) -> None:
    ahead = line(LEDGER_ENTRIES, NOON + timedelta(days=9))
    bucket.put(KEY, document(ahead))
    assert bucket.run().held == 1
    assert bucket.run(prefix=HELD, clock=lambda: NOON + timedelta(days=8)).sent == 1


def test_a_run_ends_in_time_and_takes_nothing_that_came_later(bucket: Bucket) -> None:
    bucket.put(KEY, document(*lines(1)))
    assert bucket.run(until=NOON) == Redriven(more=True)
    assert bucket.run(before=NOON) == Redriven()


@pytest.mark.property(73)
def test_the_command_goes_on_until_all_that_was_there_has_been_seen() -> None:
    answers = [{"objects": 2, "lines": 9, "sent": 8, "held": 1, "removed": 2, "left": 0, "more": True, "before": "T"},
               {"objects": 1, "lines": 1, "sent": 0, "held": 0, "removed": 0, "left": 1, "more": False, "before": "T"}]
    asked: list[dict[str, Any]] = []

    def invoke(event: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(dict(event))
        return answers[len(asked) - 1]

    assert redriven(invoke, held=True) == {
        "objects": 3, "lines": 10, "sent": 8, "held": 1, "removed": 2, "left": 1}  # fmt: skip
    assert asked == [{"held": True}, {"held": True, "before": "T"}]
