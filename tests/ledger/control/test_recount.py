"""Whatever is posted and asked in whatever order, the totals are those of a plain recount."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.connection import Database
from pipeline.ledger.control import LedgerControl, Written
from pipeline.ledger.gauges import Gauges
from tests.ledger.control.book import HOUR, NOON, Hand, emptied, latest, outbox, post, recounted, said
from tests.ledger.harness import Bench, at, fresh_id, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local

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
        assert len(outbox(hand)) == len(said(hand))

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
