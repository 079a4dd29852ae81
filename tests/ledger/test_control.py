"""The control totals are what a plain recount of the ledger finds, whatever commits when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger import control
from pipeline.ledger.connection import Database
from pipeline.ledger.control import QUIET, LedgerControl, Written
from pipeline.ledger.gauges import Gauges
from pipeline.schemas.ledger import LEDGER_CONTROL
from pipeline.times import iso_ms
from tests.ledger.control_book import HOUR, Hand, emptied, latest, left_open, post, recounted, said
from tests.ledger.harness import FULL_LIFE, Bench, at, change, fresh_id, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local

NOON = at().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def own(postgres_server: local.Postgres, request: pytest.FixtureRequest) -> Iterator[local.Database]:
    """A migrated database of the test's own: what is said counts all of a database."""
    from pipeline.ledger.migrate import migrate

    made = postgres_server.database(f"control_{len(request.node.name)}_{sum(map(ord, request.node.name))}")
    migrate(made.owner_dsn, made.app_password)
    yield made
    postgres_server.drop(made)


@pytest.fixture
def database(own: local.Database) -> Iterator[Database]:
    """A connection to it as the application role."""
    made = Database(own.app_dsn)
    yield made
    made.close()


@pytest.fixture
def writer(database: Database) -> LedgerControl:
    """The writer, which waits for nobody."""
    return LedgerControl(database, sleep=lambda _: None)


@pytest.fixture
def hand(own: local.Database) -> Iterator[Hand]:
    """A session of the application role."""
    with psycopg.connect(own.app_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def payment_id(real: Bench) -> int:
    """A payment to post journals to."""
    return real.opened().payment_id


def _outbox(hand: Hand) -> list[dict[str, object]]:
    rows = hand.execute("SELECT body, created_at, outbox_id FROM outbox WHERE kind = 'ledger_control' "
                        "ORDER BY outbox_id").fetchall()
    bodies = [json.loads(row[0]) for row in rows]
    assert [iso_ms(row[1]) for row in rows] == [body["hour_start"] for body in bodies]
    return bodies


def _agrees(hand: Hand) -> bool:
    figures, covered = latest(hand)
    return figures == recounted(hand, covered)


def test_without_an_entry_nothing_is_said(writer: LedgerControl, hand: Hand) -> None:
    assert writer.write(until=at() + HOUR, at=at()) == Written(0, None, complete=True)
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
    assert _agrees(hand)
    quiet = [body for body in _outbox(hand) if body["currency"] == "XXX"]
    assert quiet == [{name: QUIET[name] for name in QUIET if name != "credit_minor"} | {
        "hour_start": iso_ms(NOON + n * HOUR), "covers_until": iso_ms(NOON + (n + 1) * HOUR),
        "recorded_at": iso_ms(NOON + 5 * HOUR)} for n in (1, 2)]  # fmt: skip


def test_a_row_has_exactly_the_columns_of_its_table(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON + HOUR)
    assert [list(body) for body in _outbox(hand)] == [[column.name for column in LEDGER_CONTROL.columns]]


def test_the_same_is_not_said_twice(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    until = NOON + 30 * HOUR
    assert writer.write(until=until, at=NOON).said == 30
    assert writer.write(until=until, at=NOON + HOUR).said == 0
    assert writer.write(until=NOON, at=NOON + HOUR).said == 0
    assert len(_outbox(hand)) == len(said(hand)) == 30


def test_an_unfinished_hour_is_said_as_far_as_it_is_counted(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    half, later = NOON + timedelta(minutes=30), NOON + timedelta(minutes=40)
    post(hand, payment_id, NOON)
    post(hand, payment_id, half)
    assert writer.write(until=half, at=later).said == 1
    assert latest(hand)[1] == {NOON: half}
    assert _agrees(hand)
    # A further instant is said, though nothing has come since; then the rest of the hour.
    assert writer.write(until=half + timedelta(microseconds=999), at=later).said == 0
    assert writer.write(until=later, at=later).said == 1
    assert _agrees(hand)
    assert writer.write(until=later + timedelta(minutes=1), at=later).said == 1
    assert latest(hand)[1] == {NOON: later + timedelta(minutes=1)}
    assert writer.write(until=half, at=later).said == 0
    assert latest(hand)[1] == {NOON: later + timedelta(minutes=1)}


@pytest.mark.property(72)
def test_nothing_is_counted_while_an_older_transaction_may_commit(
        own: local.Database, writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    with left_open(own.app_dsn) as older:
        post(older, payment_id, NOON + timedelta(minutes=1))
        waiting = writer.write(until=NOON + HOUR, at=NOON + HOUR)
        assert waiting == Written(0, None, complete=False, waiting=True)
        assert said(hand) == []
        older.commit()
    assert writer.write(until=NOON + HOUR, at=NOON + HOUR) == Written(1, NOON + HOUR, complete=True)
    assert latest(hand)[0][NOON, "EUR", "CAPTURE", payment_id % 256][0] == 4


def test_it_waits_for_those_that_were_open_and_not_for_those_that_come(
        own: local.Database, database: Database, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    with left_open(own.app_dsn) as older, left_open(own.app_dsn) as younger:
        post(older, payment_id, NOON + timedelta(minutes=1))

        def sleep(_: float) -> None:
            post(younger, payment_id, NOON + timedelta(minutes=2))
            older.commit()

        done = LedgerControl(database, sleep=sleep).write(until=NOON + HOUR, at=NOON + HOUR)
        assert done == Written(1, NOON + HOUR, complete=True)
        assert latest(hand)[0][NOON, "EUR", "CAPTURE", payment_id % 256][0] == 4


def test_who_only_reads_is_not_waited_for(own: local.Database, writer: LedgerControl, hand: Hand,
                                          payment_id: int) -> None:
    post(hand, payment_id, NOON)
    with left_open(own.app_dsn) as reading:
        reading.execute("SELECT count(*) FROM journals")
        assert writer.write(until=NOON + HOUR, at=NOON + HOUR).complete


@pytest.mark.property(72, 76)
def test_what_commits_late_leads_to_a_later_revision_however_old_its_hour(
        own: local.Database, writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    recorded = NOON + 100 * HOUR
    with left_open(own.app_dsn) as late:
        # It has read its clock; its transaction has not written yet, so nobody can know of it.
        late.execute("SELECT 1")
        writer.write(until=NOON + 90 * HOUR, at=recorded)
        assert latest(hand)[0][NOON, "EUR", "CAPTURE", payment_id % 256][0] == 2
        post(late, payment_id, NOON + timedelta(minutes=1))
        post(late, payment_id, NOON + 2 * HOUR)
        late.commit()
    # The clock has gone back meanwhile: what is said later is recorded later all the same.
    assert writer.write(until=NOON, at=NOON).said == 2
    assert _agrees(hand)
    assert [revision[3] > recorded for revision in said(hand)[-2:]] == [True, True]
    figures, covered = latest(hand)
    assert figures[NOON + 2 * HOUR, "EUR", "CAPTURE", payment_id % 256][0] == 2
    assert covered[NOON + 2 * HOUR] == NOON + 3 * HOUR
    assert writer.write(until=NOON + 90 * HOUR, at=recorded).said == 0


def test_hours_before_the_first_one_known_are_said_when_they_come(
        writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON + HOUR)
    post(hand, payment_id, NOON - 3 * HOUR)
    assert writer.write(until=NOON + HOUR, at=NOON + HOUR).said == 3
    assert sorted(latest(hand)[1]) == [NOON - n * HOUR for n in (3, 2, 1, 0)]
    assert _agrees(hand)


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
    assert _agrees(hand)
    assert sorted(latest(hand)[1]) == [NOON + n * HOUR for n in range(-2, 5)]


def test_a_round_that_is_cut_short_is_gone_on_with(writer: LedgerControl, hand: Hand, payment_id: int,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "HOURS_AT_ONCE", 2)
    post(hand, payment_id, NOON)
    done = writer.write(until=NOON + 5 * HOUR, at=NOON, go_on=lambda: False)
    assert done == Written(2, NOON + 2 * HOUR, complete=False)
    assert writer.write(until=NOON + 5 * HOUR, at=NOON) == Written(3, NOON + 5 * HOUR, complete=True)


def test_on_another_server_all_is_compared_again(own: local.Database, writer: LedgerControl, hand: Hand,
                                                 payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON)
    # As if transactions were counted from far above there.
    hand.execute("INSERT INTO control_runs SELECT recorded_at + interval '1 ms', covers_from, covers_until, "
                 "'9000000000', trial FROM control_runs")
    post(hand, payment_id, NOON)
    assert writer.write(until=NOON + HOUR, at=NOON).said == 1
    assert _agrees(hand)
    post(hand, payment_id, NOON)
    assert writer.write(until=NOON + HOUR, at=NOON).said == 1


def test_writers_at_once_take_turns(own: local.Database, hand: Hand, payment_id: int) -> None:
    for number in range(4):
        post(hand, payment_id, NOON + number * HOUR)

    def write(number: int) -> int:
        database = Database(own.app_dsn)
        done = LedgerControl(database).write(until=NOON + (3 + number) * HOUR, at=NOON)
        database.close()
        return done.said

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 6
    assert _agrees(hand)
    assert len({revision[0] for revision in said(hand)}) == len(said(hand)) == 6


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
    assert _agrees(hand)


def test_what_was_said_is_never_changed(writer: LedgerControl, hand: Hand, payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON)
    for table in ("control_revisions", "control_runs"):
        for statement in ("UPDATE {} SET covers_until = now()", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                hand.execute(statement.format(table).encode())


JOURNALS = st.tuples(
    st.just("post"), st.integers(0, 5), st.integers(0, 12 * 60), st.sampled_from(["CAPTURE", "REFUND"]),
    st.sampled_from(["EUR", "JPY"]), st.lists(st.integers(1, 99), min_size=1, max_size=2))
WRITES = st.tuples(st.just("write"), st.integers(0, 14 * 60))


@pytest.mark.property(72)
def test_whatever_comes_when_the_totals_are_those_of_a_recount(
        own: local.Database, writer: LedgerControl, database: Database, hand: Hand, real: Bench) -> None:
    ids = [real.ledger.open(new_payment(fresh_id() + number), execution="e", at=at(), lease_until=at()).payment_id
           for number in range(6)]

    @given(st.lists(st.one_of(JOURNALS, WRITES), max_size=12), st.integers(0, 12 * 60))
    def run(steps: list[tuple[Any, ...]], rest: int) -> None:
        emptied(own.owner_dsn)
        for kind, *what in [*steps, ("write", rest)]:
            if kind == "write":
                until = NOON + timedelta(minutes=what[0])
                _holds(hand, until, writer.write(until=until, at=NOON))
            else:
                number, minutes, step, currency, amounts = what
                post(hand, ids[number], NOON + timedelta(minutes=minutes), step=step, currency=currency,
                     amounts=amounts)
        assert all(net == 0 for net in Gauges(database).trial_balance().values())
        assert len(_outbox(hand)) == len(said(hand))

    run()


def _holds(hand: Hand, until: datetime, done: Written) -> None:
    """A reader's picture is the recount's, without a gap."""
    figures, covered = latest(hand)
    assert figures == recounted(hand, covered)
    assert done.complete
    if not covered:
        assert done.covers_until is None or until <= done.covers_until
        return
    first = min(covered)
    assert sorted(covered) == [first + n * HOUR for n in range(len(covered))]
    assert max(covered.values()) == done.covers_until
    assert done.covers_until >= until
    assert all(end == hour + HOUR for hour, end in covered.items() if hour != max(covered))
