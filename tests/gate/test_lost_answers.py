"""A write that happened although its answer did not arrive: its writer goes on, nobody waits for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from pipeline.errors import Retryable
from pipeline.gate.dynamo import DynamoGate
from pipeline.gate.port import Replay, Running, Won

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(seconds=38)


class Wire:
    """Between client and DynamoDB: delivers requests, and answers 500 to the first `lose` of them all the same."""

    def __init__(self, lose: int) -> None:
        self.left, self.lost, self._http = lose, 0, URLLib3Session()

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if not self.left:
            return None
        self.left, self.lost = self.left - 1, self.lost + 1
        answer = self._http.send(request)
        answer.status_code, answer._content = 500, b'{"__type": "InternalServerError"}'
        return answer


@contextmanager
def losing(client: Any, operation: str, lose: int = 1) -> Iterator[Wire]:
    """For the block's length the first answers of `operation` are lost after it was done."""
    wire, event = Wire(lose), f"before-send.dynamodb.{operation}"
    client.meta.events.register(event, wire)
    try:
        yield wire
    finally:
        client.meta.events.unregister(event, wire)


@pytest.mark.property(14)
def test_the_winner_of_a_put_whose_answer_was_lost_proceeds(
        table: tuple[Any, str], key: str, mint: Callable[[], int]) -> None:
    client, name = table
    gate = DynamoGate(client, name)
    with losing(client, "PutItem") as wire:
        first = gate.claim(key, fingerprint="f", owner="a", mint=mint, at=AT)
    assert wire.lost == 1
    assert isinstance(first, Won)
    assert (first.owner, first.fence, first.taken_over) == ("a", 1, False)
    assert gate.claim(key, fingerprint="f", owner="b", mint=mint, at=AT) == Running(first.payment_id, 2)
    gate.complete(first, status_code=201, body=b"done", at=AT)


@pytest.mark.property(14)
def test_takeover_complete_and_release_survive_a_lost_answer(
        table: tuple[Any, str], key: str, mint: Callable[[], int]) -> None:
    client, name = table
    gate = DynamoGate(client, name)
    first = gate.claim(key, fingerprint="f", owner="a", mint=mint, at=AT)
    with losing(client, "UpdateItem") as wire:
        second = gate.claim(key, fingerprint="f", owner="b", mint=mint, at=LATER)
    assert wire.lost == 1
    assert isinstance(first, Won)
    assert second == Won(key, first.payment_id, "b", 2, taken_over=True)
    with losing(client, "UpdateItem") as wire:
        gate.complete(second, status_code=201, body=b"done", at=LATER)
    assert wire.lost == 1
    assert gate.claim(key, fingerprint="f", owner="c", mint=mint, at=LATER) == Replay(first.payment_id, 201, b"done")
    other = gate.claim(key[::-1], fingerprint="f", owner="a", mint=mint, at=AT)
    assert isinstance(other, Won)
    with losing(client, "DeleteItem"):
        gate.release(other, at=AT)


@pytest.mark.property(12)
def test_where_every_answer_is_lost_a_retry_takes_over_after_the_lease(
        table: tuple[Any, str], key: str, mint: Callable[[], int]) -> None:
    client, name = table
    gate = DynamoGate(client, name)
    with losing(client, "PutItem", lose=3), pytest.raises(Retryable, match="busy"):
        gate.claim(key, fingerprint="f", owner="a", mint=mint, at=AT)
    assert isinstance(gate.claim(key, fingerprint="f", owner="b", mint=mint, at=AT), Running)
    taken = gate.claim(key, fingerprint="f", owner="b", mint=mint, at=LATER)
    assert isinstance(taken, Won)
    assert taken.taken_over
