"""What operations watch is what the tables say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.ledger.connection import Database
from pipeline.ledger.gauges import Gauges, Unfinished
from pipeline.ledger.outbox import Outbox
from pipeline.ledger.statuses import Status
from pipeline.schemas.ulid import UlidFactory
from tests.ledger.harness import FULL_LIFE, LEASE, T0, Bench, at, change

if TYPE_CHECKING:
    from infra.local import postgres as local

DAY = timedelta(days=1)


@pytest.fixture
def gauges(database: Database) -> Gauges:
    """The gauges of the module's database."""
    return Gauges(database)


@pytest.mark.property(81)
def test_sagas_are_counted_until_they_end(real: Bench, gauges: Gauges) -> None:
    assert gauges.unfinished() == Unfinished(0, None, 0, 0)
    ended = real.driven(*FULL_LIFE)
    assert ended.lease_until is None
    assert gauges.unfinished().sagas == 0
    doubtful = real.driven("validate", "reserve", "authorizing", "doubt")
    stuck = real.driven("validate", "reserve", "voiding")
    real.ledger.apply(change(stuck, "voiding", status=Status.COMPENSATION_STUCK))
    assert gauges.unfinished() == Unfinished(2, at(), 1, 1)
    real.ledger.apply(change(doubtful, "decline"))
    assert gauges.unfinished().in_doubt == 0


@pytest.mark.property(81)
def test_a_capture_of_its_own_is_as_old_as_its_first_step(real: Bench, gauges: Gauges) -> None:
    before = gauges.unfinished().sagas
    payment = real.driven("validate", "reserve", "authorizing", "authorize", capture_mode="manual")
    payment = real.ledger.apply(change(payment, "webhook", sequence=1, gateway_event=None, release_lease=True))
    assert gauges.unfinished().sagas == before
    later = at() - DAY
    claimed = real.ledger.claim(payment.payment_id, execution="capture-1", at=later, lease_until=later + LEASE,
                                saga="capture", saga_hash="hash")
    assert claimed is not None
    assert gauges.unfinished().oldest == later
    real.ledger.apply(change(claimed, "capturing", at=later - DAY))
    assert gauges.unfinished().oldest == later - DAY


@pytest.mark.property(51, 81)
def test_a_journal_that_does_not_balance_is_counted(postgres: local.Database, real: Bench, gauges: Gauges) -> None:
    payment = real.driven(*FULL_LIFE)
    window = {"since": at() - 30 * DAY, "until": at() + DAY}
    assert gauges.crooked_journals(**window) == 0
    ids, then = UlidFactory(), T0 - 10 * DAY
    with psycopg.connect(postgres.owner_dsn) as owner:
        # Nobody but the owner can do this.
        owner.execute("ALTER TABLE journals DISABLE TRIGGER journal_balanced")
        for step, sides in (("CROOKED", "DD"), ("SHORT", "D"), ("EMPTY", "")):
            journal_id = ids.new(then)
            owner.execute("INSERT INTO journals (journal_id, payment_id, step, sequence, entry_count, event_at, "
                          "recorded_at) VALUES (%s, %s, %s, 1, 2, %s, %s)",
                          (journal_id, payment.payment_id, step, then, then))
            for line, side in enumerate(sides, 1):
                owner.execute("INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, "
                              "direction, amount_minor, currency) VALUES (%s, %s, %s, 2, 'platform_fee', %s, 5, 'EUR')",
                              (ids.new(then), journal_id, line, side))
        owner.execute("ALTER TABLE journals ENABLE TRIGGER journal_balanced")
    assert gauges.crooked_journals(**window) == 3
    assert gauges.crooked_journals(since=then + timedelta(seconds=1), until=at() + DAY) == 0


def test_before_the_first_control_there_is_no_trial_balance(gauges: Gauges) -> None:
    assert gauges.trial_balance() == {}


@pytest.mark.property(81)
def test_the_oldest_row_is_the_one_that_was_written_first(real: Bench, database: Database) -> None:
    payment = real.opened()
    waiting, oldest = Outbox(database).lag()
    assert waiting > 0
    assert oldest == payment.created_at
