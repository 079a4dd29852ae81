"""Messages of a batch are worked on at the same time, and one that fails fails alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pipeline.errors import Misused, Retryable
from pipeline.handlers.batches import LONGEST_WAIT_S, in_parallel


class Sqs:
    """Keeps for how long which message is hidden."""

    def __init__(self) -> None:
        self.hidden: dict[str, int] = {}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        assert QueueUrl == "url"
        self.hidden[ReceiptHandle] = VisibilityTimeout
        if ReceiptHandle == "r-lost":
            raise ConnectionError


def records(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """A batch."""
    return {"Records": [{"messageId": f"m-{body}", "receiptHandle": f"r-{body}", "body": body,
                         "attributes": {"ApproximateReceiveCount": str(receives)}} for body in bodies]}


def failed(answer: dict[str, Any]) -> list[str]:
    """Which are to come again."""
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.mark.property(69)
def test_what_fails_fails_alone_and_waits_as_fits(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []

    def work(text: str) -> None:
        if text == "bad":
            raise Misused("no outcome")
        if text == "later":
            raise Retryable("busy")
        if text == "lost":
            raise ValueError("secret in a message")
        done.append(text)

    sqs = Sqs()
    assert failed(in_parallel(records("a", "bad", "b", "later", "lost", "c"), work, sqs=sqs, url="url")) == [
        "m-bad", "m-later", "m-lost"]  # fmt: skip
    assert sorted(done) == ["a", "b", "c"]
    assert sqs.hidden == {"r-bad": 0, "r-later": 5, "r-lost": 5}
    assert "secret" not in capsys.readouterr().out


@pytest.mark.parametrize("receives, seconds", [(1, 5), (3, 20), (8, 640), (9, LONGEST_WAIT_S), (4000, LONGEST_WAIT_S)])
def test_each_further_try_waits_longer(receives: int, seconds: int) -> None:
    def work(text: str) -> None:
        raise Retryable("busy")

    sqs = Sqs()
    in_parallel(records("a", receives=receives), work, sqs=sqs, url="url")
    assert sqs.hidden == {"r-a": seconds}


def test_all_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(10, timeout=20)

    def work(text: str) -> None:
        together.wait()

    answer = in_parallel(records(*"abcdefghij"), work, sqs=Sqs(), url="url")
    assert failed(answer) == []
    assert failed(in_parallel({}, lambda text: None, sqs=Sqs(), url="url")) == []
