"""What every gate owes: the first writer proceeds, everybody else gets its result or is told to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import Retryable
from pipeline.gate.port import Gate, Lost, Mismatch, Replay, Running, Won

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE_OVER = AT + timedelta(seconds=38)
BODY = b'{"id": "1",  "status": "captured"}\n'
Mint = Callable[[], int]


def claim(gate: Gate, key: str, mint: Mint, *, owner: str = "a", fingerprint: str = "f", at: datetime = AT,
          ) -> Won | Replay | Running | Mismatch:
    """A claim with the usual payload."""
    return gate.claim(key, fingerprint=fingerprint, owner=owner, mint=mint, at=at)


def won(gate: Gate, key: str, mint: Mint, *, owner: str = "a", at: datetime = AT) -> Won:
    """A claim that must win."""
    outcome = claim(gate, key, mint, owner=owner, at=at)
    assert isinstance(outcome, Won), outcome
    return outcome


def test_the_first_writer_proceeds_with_a_new_id(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    assert (first.key_hash, first.owner, first.fence, first.taken_over) == (key, "a", 1, False)
    assert first.payment_id == 7 * 10**17


@pytest.mark.property(2)
def test_of_many_at_once_exactly_one_wins(gate: Gate, key: str, mint: Mint) -> None:
    clients = 50
    start = threading.Barrier(clients)

    def click(number: int) -> Won | Replay | Running | Mismatch:
        start.wait()
        return claim(gate, key, mint, owner=f"owner-{number}")

    with ThreadPoolExecutor(clients) as pool:
        outcomes = list(pool.map(click, range(clients)))
    winners = [outcome for outcome in outcomes if isinstance(outcome, Won)]
    assert len(winners) == 1
    losers = [outcome for outcome in outcomes if outcome != winners[0]]
    assert losers == [Running(winners[0].payment_id, 2)] * (clients - 1)


@pytest.mark.property(3)
def test_a_result_is_replayed_byte_for_byte(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    gate.complete(first, status_code=402, body=BODY, at=AT)
    for later in (AT, LEASE_OVER, AT + timedelta(days=29)):
        assert claim(gate, key, mint, owner="b", at=later) == Replay(first.payment_id, 402, BODY)


@pytest.mark.property(4)
@pytest.mark.parametrize("done", [False, True])
def test_another_payload_is_a_mismatch_and_changes_nothing(gate: Gate, key: str, mint: Mint, done: bool) -> None:
    first = won(gate, key, mint)
    if done:
        gate.complete(first, status_code=201, body=BODY, at=AT)
    for later in (AT, LEASE_OVER):
        assert claim(gate, key, mint, owner="b", fingerprint="other", at=later) == Mismatch(first.payment_id)
    if not done:
        gate.complete(first, status_code=201, body=BODY, at=AT)
    assert claim(gate, key, mint, owner="b") == Replay(first.payment_id, 201, BODY)


@pytest.mark.property(6)
def test_while_the_lease_lives_others_wait(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    for later in (AT, AT + timedelta(seconds=35), AT + timedelta(seconds=36, milliseconds=900)):
        waiting = claim(gate, key, mint, owner="b", at=later)
        assert waiting == Running(first.payment_id, 2), later


@pytest.mark.property(12)
def test_when_the_lease_is_over_a_retry_takes_over_with_the_same_payment(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    second = won(gate, key, mint, owner="b", at=LEASE_OVER)
    assert (second.payment_id, second.fence, second.taken_over) == (first.payment_id, 2, True)
    third = won(gate, key, mint, owner="c", at=LEASE_OVER + timedelta(seconds=60))
    assert (third.payment_id, third.fence) == (first.payment_id, 3)
    assert isinstance(claim(gate, key, mint, owner="d", at=LEASE_OVER + timedelta(seconds=61)), Running)


@pytest.mark.property(12)
def test_of_many_that_would_take_over_exactly_one_does(gate: Gate, key: str, mint: Mint) -> None:
    won(gate, key, mint)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda n: claim(gate, key, mint, owner=f"o{n}", at=LEASE_OVER), range(16)))
    assert [outcome.fence for outcome in outcomes if isinstance(outcome, Won)] == [2]


@pytest.mark.property(13)
def test_a_zombie_can_neither_complete_nor_release_nor_hand_over(gate: Gate, key: str, mint: Mint) -> None:
    zombie = won(gate, key, mint)
    successor = won(gate, key, mint, owner="b", at=LEASE_OVER)
    with pytest.raises(Lost):
        gate.complete(zombie, status_code=500, body=b"zombie", at=LEASE_OVER)
    with pytest.raises(Lost):
        gate.release(zombie, at=LEASE_OVER)
    with pytest.raises(Lost):
        gate.hand_over(zombie, at=LEASE_OVER)
    gate.complete(successor, status_code=201, body=BODY, at=LEASE_OVER)
    with pytest.raises(Lost):
        gate.complete(zombie, status_code=500, body=b"zombie", at=LEASE_OVER)
    assert claim(gate, key, mint, owner="c", at=LEASE_OVER) == Replay(successor.payment_id, 201, BODY)


@pytest.mark.property(14)
def test_a_put_that_won_unheard_is_recognised_by_its_owner(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    assert won(gate, key, mint) == first
    taken = won(gate, key, mint, owner="b", at=LEASE_OVER)
    assert won(gate, key, mint, owner="b", at=LEASE_OVER) == taken


def test_ends_may_be_said_twice(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    gate.hand_over(first, at=AT)
    gate.hand_over(first, at=AT)
    released = won(gate, key[::-1], mint)
    gate.release(released, at=AT)
    gate.release(released, at=AT)
    done = won(gate, key[::-1], mint)
    gate.complete(done, status_code=201, body=BODY, at=AT)
    gate.complete(done, status_code=201, body=BODY, at=AT)
    with pytest.raises(Lost):
        gate.complete(done, status_code=402, body=BODY, at=AT)


@pytest.mark.property(10)
def test_a_released_key_begins_anew(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    gate.release(first, at=AT)
    second = won(gate, key, mint, owner="b")
    assert (second.fence, second.payment_id != first.payment_id) == (1, True)


@pytest.mark.property(12)
def test_what_was_taken_over_is_never_forgotten(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    second = won(gate, key, mint, owner="b", at=LEASE_OVER)
    gate.release(second, at=LEASE_OVER)
    third = won(gate, key, mint, owner="c", at=LEASE_OVER)
    assert (third.payment_id, third.fence, third.taken_over) == (first.payment_id, 3, True)


@pytest.mark.property(15)
@pytest.mark.parametrize("done", [False, True])
def test_an_expired_record_neither_replays_nor_blocks(gate: Gate, key: str, mint: Mint, done: bool) -> None:
    first = won(gate, key, mint)
    if done:
        gate.complete(first, status_code=201, body=BODY, at=AT)
    later = AT + timedelta(days=30, seconds=5)
    again = gate.claim(key, fingerprint="other", owner="b", mint=mint, at=later)
    assert isinstance(again, Won)
    assert (again.fence, again.taken_over, again.payment_id != first.payment_id) == (1, False, True)


@pytest.mark.property(11)
def test_in_doubt_is_held_until_recovery_closes_it(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    gate.hand_over(first, at=AT)
    with pytest.raises(Lost):
        gate.release(first, at=AT)
    assert claim(gate, key, mint, owner="b", at=AT + timedelta(seconds=100)) == Running(first.payment_id, 15)
    assert gate.close(key, payment_id=first.payment_id, status_code=402, body=BODY, at=AT)
    assert claim(gate, key, mint, owner="b") == Replay(first.payment_id, 402, BODY)


@pytest.mark.property(11)
def test_in_doubt_outlives_retention_and_its_payment_stays(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    gate.hand_over(first, at=AT)
    later = won(gate, key, mint, owner="b", at=AT + timedelta(days=400))
    assert (later.payment_id, later.taken_over) == (first.payment_id, True)


def test_recovery_closes_whoever_holds_the_key_and_only_once(gate: Gate, key: str, mint: Mint) -> None:
    first = won(gate, key, mint)
    assert not gate.close(key, payment_id=first.payment_id + 1, status_code=201, body=b"other", at=AT)
    assert gate.close(key, payment_id=first.payment_id, status_code=201, body=BODY, at=AT)
    assert not gate.close(key, payment_id=first.payment_id, status_code=402, body=b"later", at=AT)
    assert not gate.close(key[::-1], payment_id=first.payment_id, status_code=201, body=BODY, at=AT)
    with pytest.raises(Lost):
        gate.complete(first, status_code=402, body=b"zombie", at=AT)
    assert claim(gate, key, mint, owner="b") == Replay(first.payment_id, 201, BODY)


@pytest.mark.property(23)
def test_without_an_id_nothing_is_written(gate: Gate, key: str, mint: Mint) -> None:
    def exhausted() -> int:
        raise Retryable("no worker slot is free")

    with pytest.raises(Retryable):
        claim(gate, key, exhausted)
    assert won(gate, key, mint, owner="b").fence == 1
