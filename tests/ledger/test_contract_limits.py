"""Leases, holds about to lapse and limits, of the ledger on PostgreSQL and of the one in memory alike."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import Misused
from pipeline.ledger.statuses import FINAL
from tests.ledger.harness import CURRENCY, FULL_LIFE, LEASE, Bench, at, change, fresh_id


def test_a_lease_is_renewed_released_and_found_when_it_is_over(bench: Bench) -> None:
    payment = bench.opened()
    other = bench.opened()
    renewed = bench.ledger.apply(change(payment, "validate", lease_until=at(200)))
    assert renewed.lease_until == at(200)
    assert other.payment_id in bench.ledger.unfinished(at=at() + LEASE, limit=1_000)
    assert payment.payment_id not in bench.ledger.unfinished(at=at(199), limit=1_000)
    late = bench.ledger.unfinished(at=at(200), limit=1_000)
    assert late.index(other.payment_id) < late.index(payment.payment_id)
    assert bench.ledger.unfinished(at=at(200), limit=1) == late[:1]
    resting = bench.ledger.apply(change(renewed, "reject", release_lease=True))
    assert (resting.execution, resting.lease_until) == (None, None)
    assert payment.payment_id not in bench.ledger.unfinished(at=at(9_999), limit=1_000)
    with pytest.raises(Misused):
        bench.ledger.apply(change(resting, "webhook", lease_until=at(300), gateway_event=None))


def test_resting_payments_are_found_before_their_hold_lapses(bench: Bench) -> None:
    resting = bench.driven("validate", "reserve", "authorizing", "authorize")
    busy = bench.driven("validate", "reserve", "authorizing", "authorize")
    resting = bench.ledger.apply(change(resting, "webhook", gateway_event=None, release_lease=True))
    found = bench.ledger.expiring(before=at(601), limit=1_000)
    assert resting.payment_id in found
    assert busy.payment_id not in found
    assert resting.payment_id not in bench.ledger.expiring(before=at(600), limit=1_000)


def test_only_a_final_status_is_told_as_an_outcome(bench: Bench) -> None:
    for names in (("reject",), ("validate", "reserve", "authorizing", "decline"), FULL_LIFE, FULL_LIFE[:6]):
        payment = bench.driven(*names)
        told = [json.loads(row.body) for row in bench.outbox(payment.payment_id) if row.kind == "payment_outcome"]
        assert [row["status"] for row in told] == ([payment.status] if payment.status in FINAL else [])
        assert all(row["payment_id"] == str(payment.payment_id) for row in told)


def test_limits_are_raised_and_lowered_but_not_below_what_is_held(bench: Bench) -> None:
    merchant = f"grown-{fresh_id()}"
    payment = bench.driven("validate", "reserve", merchant_id=merchant)
    bench.books.onboard(merchant, {CURRENCY: 5_000, "USD": 10}, at=at())
    balance = bench.books.balance(merchant, CURRENCY)
    assert balance is not None
    assert (balance.limit_minor, balance.available_minor) == (5_000, 2_500)
    with pytest.raises(Misused):
        bench.books.onboard(merchant, {"AUD": 7, CURRENCY: 2_499}, at=at())
    assert (bench.books.balance(merchant, CURRENCY), bench.books.balance(merchant, "AUD")) == (balance, None)
    for wrong in ({"EURO": 5}, {CURRENCY: -1}, {CURRENCY: 0}):
        with pytest.raises(ValueError):  # noqa: PT011
            bench.books.onboard(merchant, wrong, at=at())
    assert bench.ledger.open_hold_minor(payment.payment_id) == 2_500
