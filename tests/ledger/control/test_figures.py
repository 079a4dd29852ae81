"""What is said of which hours, and when nothing more is."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from pipeline.ledger import control
from pipeline.ledger.connection import Database
from pipeline.ledger.control import QUIET, LedgerControl, Written
from pipeline.ledger.gauges import Gauges
from pipeline.schemas.ledger import LEDGER_CONTROL
from pipeline.times import iso_ms
from tests.ledger.control.book import HOUR, NOON, Hand, agrees, latest, outbox, post, said
from tests.ledger.harness import FULL_LIFE, Bench, change


def test_without_an_entry_nothing_is_said(writer: LedgerControl, hand: Hand) -> None:
    assert writer.write(until=NOON + HOUR, at=NOON) == Written(0, None, complete=True)
    assert said(hand) == []


@pytest.mark.property(72)
def test_hours_are_counted_from_the_first_entry_and_quiet_ones_have_a_row(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON + timedelta(minutes=5), amounts=(5, 7))
    post(hand, payment_id, NOON + timedelta(hours=3), step="REFUND")
    done = writer.write(until=NOON + timedelta(hours=4), at=NOON + timedelta(hours=5))
    assert done == Written(4, NOON + 4 * HOUR, complete=True)
    figures, covered = latest(hand)
    assert covered == {NOON + n * HOUR: NOON + (n + 1) * HOUR for n in range(4)}
    assert figures[NOON, "EUR", "CAPTURE", payment_id % 256][:2] == (4, 12)
    assert agrees(hand)
    quiet = [body for body in outbox(hand) if body["currency"] == "XXX"]
    assert quiet == [{name: QUIET[name] for name in QUIET if name != "credit_minor"} | {
        "hour_start": iso_ms(NOON + n * HOUR), "covers_until": iso_ms(NOON + (n + 1) * HOUR),
        "recorded_at": iso_ms(NOON + 5 * HOUR)} for n in (1, 2)]  # fmt: skip


def test_a_row_has_exactly_the_columns_of_its_table(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON + HOUR)
    assert [list(body) for body in outbox(hand)] == [[column.name for column in LEDGER_CONTROL.columns]]


def test_the_same_is_not_said_twice(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    until = NOON + 30 * HOUR
    assert writer.write(until=until, at=NOON).said == 30
    assert writer.write(until=until, at=NOON + HOUR).said == 0
    assert writer.write(until=NOON, at=NOON + HOUR).said == 0
    assert len(outbox(hand)) == len(said(hand)) == 30


def test_an_unfinished_hour_is_said_as_far_as_it_is_counted(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    half, later = NOON + timedelta(minutes=30), NOON + timedelta(minutes=40)
    post(hand, payment_id, NOON)
    post(hand, payment_id, half)
    assert writer.write(until=half, at=later).said == 1
    assert latest(hand)[1] == {NOON: half}
    assert agrees(hand)
    # A further instant is said, though nothing has come since; then the rest of the hour.
    assert writer.write(until=half + timedelta(microseconds=999), at=later).said == 0
    assert writer.write(until=later, at=later).said == 1
    assert agrees(hand)
    assert writer.write(until=later + timedelta(minutes=1), at=later).said == 1
    assert latest(hand)[1] == {NOON: later + timedelta(minutes=1)}
    assert writer.write(until=half, at=later).said == 0
    assert latest(hand)[1] == {NOON: later + timedelta(minutes=1)}


def test_hours_before_the_first_one_known_are_said_when_they_come(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON + HOUR)
    post(hand, payment_id, NOON - 3 * HOUR)
    assert writer.write(until=NOON + HOUR, at=NOON + HOUR).said == 3
    assert sorted(latest(hand)[1]) == [NOON - n * HOUR for n in (3, 2, 1, 0)]
    assert agrees(hand)


def test_hours_that_come_before_are_said_to_their_end_though_less_was_asked_for(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    half = NOON + timedelta(minutes=30)
    post(hand, payment_id, NOON)
    writer.write(until=half, at=NOON + HOUR)
    post(hand, payment_id, NOON - 2 * HOUR)
    assert writer.write(until=NOON - timedelta(minutes=90), at=NOON + HOUR).said == 2
    assert latest(hand)[1] == {NOON - 2 * HOUR: NOON - HOUR, NOON - HOUR: NOON, NOON: half}
    assert agrees(hand)


@pytest.mark.parametrize("name", ["HOURS_AT_ONCE", "JOURNALS_AT_ONCE", "SLICE", "WRITTEN_AT_ONCE", "SAID_AT_ONCE"])
def test_many_small_rounds_say_the_same(name: str, writer: LedgerControl, hand: Hand, real: Bench,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, name, 1)
    ids = [real.opened().payment_id for _ in range(3)]
    for number, payment_id in enumerate(ids):
        post(hand, payment_id, NOON + number * HOUR)
        post(hand, payment_id, NOON)
    assert writer.write(until=NOON + 5 * HOUR, at=NOON) == Written(7, NOON + 5 * HOUR, complete=True)
    with hand.transaction():
        for payment_id in ids:
            post(hand, payment_id, NOON + timedelta(minutes=1))
            post(hand, payment_id, NOON - 2 * HOUR)
    assert writer.write(until=NOON + 5 * HOUR, at=NOON).complete
    assert agrees(hand)
    assert sorted(latest(hand)[1]) == [NOON + n * HOUR for n in range(-2, 5)]


def test_a_round_that_is_cut_short_is_gone_on_with(writer: LedgerControl, hand: Hand, payment_id: int,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "HOURS_AT_ONCE", 2)
    post(hand, payment_id, NOON)
    done = writer.write(until=NOON + 5 * HOUR, at=NOON, go_on=lambda: False)
    assert done == Written(2, NOON + 2 * HOUR, complete=False)
    assert writer.write(until=NOON + 5 * HOUR, at=NOON) == Written(3, NOON + 5 * HOUR, complete=True)


@pytest.mark.property(51, 81)
def test_the_trial_balance_is_of_all_that_was_said(
        writer: LedgerControl, database: Database, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON, amounts=(5, 7))
    post(hand, payment_id, NOON, currency="JPY", step="REFUND")
    writer.write(until=NOON + HOUR, at=NOON)
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON)
    assert Gauges(database).trial_balance() == {"EUR": 0, "JPY": 0}
    [trial] = hand.execute("SELECT trial FROM control_runs ORDER BY recorded_at DESC LIMIT 1").fetchall()
    assert trial[0] == {"EUR": [17, 17], "JPY": [5, 5]}


def test_lives_of_payments_are_counted(writer: LedgerControl, hand: Hand, real: Bench) -> None:
    for merchant in ("one", "two"):
        payment = real.driven(*FULL_LIFE, merchant_id=merchant)
        real.ledger.apply(change(payment, "refund", amount=5))
    writer.write(until=NOON + 2 * HOUR, at=NOON)
    assert {key[2] for key in latest(hand)[0]} == {"RESERVE", "CAPTURE", "COMMIT", "REFUND"}
    assert agrees(hand)


def test_what_was_said_is_never_changed(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON)
    for table in ("control_revisions", "control_runs"):
        for statement in ("UPDATE {} SET covers_until = now()", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                hand.execute(statement.format(table).encode())
