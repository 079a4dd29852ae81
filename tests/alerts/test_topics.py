"""The topic in memory and SNS on the local stack take, refuse and publish alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from infra.local.guard import applied, client
from infra.local.stack import Stack
from recon.alerts.letter import LIMIT, Letter
from recon.alerts.send import MemoryTopic, SnsTopic, Topic, TopicRefused, structured
from recon.errors import Refused
from recon.store.aws import AwsRefused
from tests.alerts.desk import Desk
from tests.factories.finished_run import Found

LETTER = Letter("[break] missing_at_gateway stripe acct_1: 3 new, 3 open", "three\n", '{"kind": "flag", "é": "ü"}',
                {"kind": "flag", "severity": "break", "class": "missing_at_gateway", "dedup_id": "0" * 32})  # fmt: skip
GONE = "arn:aws:sns:us-east-1:000000000000:nobody-has-made-it"


class Box(Protocol):
    """A topic with whoever reads it."""

    topic: Topic

    def came(self, count: int) -> list[tuple[str, dict[str, str]]]:
        """(JSON, attributes) of what was published, at least `count`."""
        ...


class InMemory:
    """See Box."""

    def __init__(self) -> None:
        self.topic: Topic = MemoryTopic()

    def came(self, count: int) -> list[tuple[str, dict[str, str]]]:
        """See Box."""
        assert isinstance(self.topic, MemoryTopic)
        return [(letter.data, dict(letter.attributes)) for letter in self.topic.published]


class OnTheStack:
    """See Box. A queue is subscribed to the topic, and only to what is a flag or over."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._queues = client("sqs", stack.environment())
        topics = client("sns", stack.environment())
        self.arn = topics.create_topic(Name=name)["TopicArn"]
        self._queue = self._queues.create_queue(QueueName=name)["QueueUrl"]
        queue_arn = self._queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        topics.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue_arn["QueueArn"],
                         Attributes={"FilterPolicy": json.dumps({"kind": ["flag", "recovered"]})})
        self.topic: Topic = SnsTopic(self.arn)

    def came(self, count: int) -> list[tuple[str, dict[str, str]]]:
        """See Box."""
        found: list[tuple[str, dict[str, str]]] = []
        for _ in range(20):
            answer = self._queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
            for message in answer.get("Messages", ()):
                envelope: dict[str, Any] = json.loads(message["Body"])
                attributes = {name: of["Value"] for name, of in envelope["MessageAttributes"].items()}
                found.append((envelope["Message"], attributes))
                self._queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            if len(found) >= count:
                break
        return found


@pytest.fixture(params=["memory", "sns"])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """Both, one after the other."""
    if request.param == "memory":
        yield InMemory()
        return
    stack: Stack = request.getfixturevalue("stack")
    with applied(stack.environment()):
        yield OnTheStack(stack, re.sub(r"\W+", "-", f"flags-{request.node.originalname}")[:80])


def test_programs_get_the_json_and_the_attributes_to_filter_by(box: Box) -> None:
    ids = {box.topic.publish(LETTER), box.topic.publish(replace(LETTER, data="{}"))}
    assert len(ids) == 2
    came = box.came(2)
    assert sorted(data for data, _ in came) == sorted([LETTER.data, "{}"])
    assert all(attributes == LETTER.attributes for _, attributes in came)


@pytest.mark.parametrize("change", [
    lambda letter: replace(letter, subject="s" * 101),
    lambda letter: replace(letter, subject=""),
    lambda letter: replace(letter, subject="two\nlines"),
    lambda letter: replace(letter, subject="Zürich"),
    lambda letter: replace(letter, text="x" * LIMIT),
    lambda letter: replace(letter, attributes={"gateway": ""}),
])  # fmt: skip
def test_what_no_topic_takes_is_refused_before_it_is_sent(box: Box, change: Callable[[Letter], Letter]) -> None:
    with pytest.raises(TopicRefused, match=re.escape(box.topic.name)):
        box.topic.publish(change(LETTER))


def test_a_letter_of_exactly_the_limit_is_taken(box: Box) -> None:
    empty = replace(LETTER, text="")
    room = LIMIT - len(structured(empty).encode()) - sum(
        len(key) + len(value) + len("String") for key, value in LETTER.attributes.items())
    assert box.topic.publish(replace(LETTER, text="x" * room))
    with pytest.raises(TopicRefused, match="262,144 bytes"):
        box.topic.publish(replace(LETTER, text="x" * (room + 1)))


def test_flags_come_through_a_topic_as_they_were_written(box: Box, desk: Desk) -> None:
    run = desk.run(found=[Found("movement:J1", reason="Zürich: ¥ 5 fehlen"), Found("movement:J2", currency="JPY")])
    changes = desk.register.register(run)
    memory = desk.topic
    desk.tell(run, changes)
    for letter in memory.published:
        box.topic.publish(letter)
    assert sorted(box.came(len(memory.published))) == sorted(
        (letter.data, dict(letter.attributes)) for letter in memory.published)  # fmt: skip


def test_a_topic_that_is_not_there_is_said_with_the_next_step(stack: Stack) -> None:
    with applied(stack.environment()), pytest.raises(TopicRefused, match=rf"{GONE} takes no message: .*check account"):
        SnsTopic(GONE).publish(LETTER)


@pytest.mark.parametrize("code, said", [
    ("AuthorizationError", "must allow sns:Publish"),
    ("KMSAccessDenied", "and the use of its key"),
    ("Throttled", "what is due is sent with the next run"),
    ("NotFound", "check account, region and name"),
    ("InvalidParameter", "takes no message: because"),
    ("SomethingNew", "cannot be reached: SomethingNew: because"),
])  # fmt: skip
def test_whatever_sns_answers_is_said_in_plain_words(stack: Stack, code: str, said: str) -> None:
    with applied(stack.environment()):
        topic = SnsTopic(GONE)
        with Stubber(topic._client) as answers:
            answers.add_client_error("publish", service_error_code=code, service_message="because")
            with pytest.raises(Refused, match=rf"topic {GONE} .*{said}"):
                topic.publish(LETTER)


def test_a_network_that_is_down_is_said_with_the_next_step(stack: Stack) -> None:
    def down(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://sns")

    with applied(stack.environment()):
        topic = SnsTopic(GONE)
        topic._client.meta.events.register("before-call.sns.Publish", down)
        with pytest.raises(AwsRefused, match=rf"topic {GONE} cannot be reached: .*check the network"):
            topic.publish(LETTER)


@pytest.mark.parametrize("arn", ["", "flags", "arn:aws:sqs:eu-west-1:123456789012:flags", "arn:aws:sns:eu-west-1:1:x"])
def test_what_is_no_topic_is_refused_with_an_example(arn: str) -> None:
    with pytest.raises(TopicRefused, match=r"accepted: its ARN, e\.g\. arn:aws:sns:"):
        SnsTopic(arn)


def test_real_aws_is_reached_only_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "RECON_AWS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AwsRefused, match="RECON_AWS=allowed"):
        SnsTopic(GONE)
