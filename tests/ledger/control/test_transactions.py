"""Open, late and rival transactions: nothing is counted too early, and nothing is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ledger.connection import Database
from pipeline.ledger.control import LedgerControl, Written
from tests.ledger.control.book import HOUR, NOON, Hand, agrees, latest, left_open, post, said

if TYPE_CHECKING:
    from infra.local import postgres as local


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


@pytest.mark.property(72)
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
    assert agrees(hand)
    assert [revision[3] > recorded for revision in said(hand)[-2:]] == [True, True]
    figures, covered = latest(hand)
    assert figures[NOON + 2 * HOUR, "EUR", "CAPTURE", payment_id % 256][0] == 2
    assert covered[NOON + 2 * HOUR] == NOON + 3 * HOUR
    assert writer.write(until=NOON + 90 * HOUR, at=recorded).said == 0


def test_on_another_server_all_is_compared_again(own: local.Database, writer: LedgerControl, hand: Hand,
                                                 payment_id: int) -> None:
    post(hand, payment_id, NOON)
    writer.write(until=NOON + HOUR, at=NOON)
    # As if transactions were counted from far above there.
    hand.execute("INSERT INTO control_runs SELECT recorded_at + interval '1 ms', covers_from, covers_until, "
                 "'9000000000', trial FROM control_runs")
    post(hand, payment_id, NOON)
    assert writer.write(until=NOON + HOUR, at=NOON).said == 1
    assert agrees(hand)
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
    assert agrees(hand)
    assert len({revision[0] for revision in said(hand)}) == len(said(hand)) == 6
