"""The function that counts the ledger: what it is asked, what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pipeline.errors import Retryable
from pipeline.handlers import control
from pipeline.ledger.connection import Database
from pipeline.ledger.control import LedgerControl, Written
from pipeline.ledger.postgres import PostgresLedger
from tests.ledger.control.book import HOUR, NOON, latest, post
from tests.ledger.harness import LEASE, at, clock, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The function's present: half past two."""
    present = NOON + timedelta(hours=2, minutes=30)
    monkeypatch.setattr(control, "utc_now", lambda: present)
    return present


@pytest.fixture
def database(postgres: local.Database, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Iterator[Database]:
    """The function's connection."""
    made = Database(postgres.app_dsn)
    monkeypatch.setattr(control, "database", lambda: made)
    yield made
    made.close()


def test_by_itself_it_counts_the_hours_that_have_ended_and_else_as_far_as_asked(
        postgres: local.Database, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert control.handler({}, None) == {"outcome": "ok", "said": 0, "covers_until": None}
    ledger = PostgresLedger(database, clock=clock)
    payment = ledger.open(new_payment(), execution="e", at=at(), lease_until=at() + LEASE)
    with psycopg.connect(postgres.app_dsn, autocommit=True) as hand:
        post(hand, payment.payment_id, NOON)
        post(hand, payment.payment_id, NOON + 2 * HOUR)
        assert control.handler({}, None) == {
            "outcome": "ok", "said": 2, "covers_until": "2026-03-05T14:00:00.000Z"}  # fmt: skip
        assert control.handler({"until": "2026-03-05T15:10:00+01:00"}, None) == {
            "outcome": "ok", "said": 1, "covers_until": "2026-03-05T14:10:00.000Z"}  # fmt: skip
        assert control.handler({"until": "2026-03-06T00:00:00Z"}, None)["said"] == 10
        assert latest(hand)[1][NOON + 11 * HOUR] == NOON + 12 * HOUR
    assert capsys.readouterr().out.count('"event":"control","outcome":"ok"') == 4


@pytest.mark.parametrize("until", ["tomorrow", "2026-03-05T14:00:00", "2027-06-01T00:00:00Z", 7])
def test_what_is_no_instant_that_could_be_meant_is_refused(database: Database, until: object) -> None:
    answer = control.handler({"until": until}, None)
    assert answer["outcome"] == "misused"
    assert repr(until) in answer["reason"]
    assert "accepted" in answer["reason"]


@pytest.mark.parametrize("done, outcome", [
    (Written(3, None, complete=False, waiting=True), "waiting"), (Written(3, None, complete=False), "more")])
def test_it_says_when_it_is_to_be_asked_again(database: Database, monkeypatch: pytest.MonkeyPatch, done: Written,
                                              outcome: str) -> None:
    monkeypatch.setattr(LedgerControl, "write", lambda self, **_: done)
    assert control.handler({}, None) == {"outcome": outcome, "said": 3, "covers_until": None}


def test_a_database_that_is_away_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, **_: Any) -> Written:
        raise Retryable("gone")

    monkeypatch.setattr(LedgerControl, "write", fails)
    assert control.handler({}, None) == {"outcome": "retryable", "reason": "gone"}
