"""Files obey their vendor's arithmetic, except those that were cut on purpose."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.worlds.model import FeedFile, History
from recon.worlds.render import render
from recon.worlds.writers.money import local_time, major
from tests.worlds.conftest import history_with_truth


def _records(file: FeedFile, history: History) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(file, history.start).decode())))


def _amount(text: str) -> Decimal:
    return Decimal(text or "0")


def _settlement(history: History, gateway: str) -> list[FeedFile]:
    return [f for f in history.files if f.role == "settlement" and f.account.gateway == gateway]


def test_adyen_batches_add_up_to_zero_per_currency(history: History) -> None:
    unbalanced = set()
    for file in _settlement(history, "adyen"):
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in _records(file, history):
            sums[row["Net Currency"]] += _amount(row["Net Credit (NC)"]) - _amount(row["Net Debit (NC)"])
        if any(sums.values()):
            unbalanced.add(file.name)
    assert unbalanced == {f.name for f in _settlement(history, "adyen") if f.status == "incomplete"}


def test_adyen_rows_are_gross_times_rate_less_fees(history: History) -> None:
    for file in _settlement(history, "adyen"):
        for row in _records(file, history):
            if row["Psp Reference"] or row["Gross Currency"]:
                gross = _amount(row["Gross Credit (GC)"]) - _amount(row["Gross Debit (GC)"])
                names = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
                net = gross * _amount(row["Exchange Rate"]) - sum(_amount(row[name]) for name in names)
                told = _amount(row["Net Credit (NC)"]) - _amount(row["Net Debit (NC)"])
                unit = Decimal(1).scaleb(-{"JPY": 0, "KWD": 3}.get(row["Net Currency"], 2))
                assert abs(net - told) <= (unit if row["Exchange Rate"] != "1" else 0)


def test_stripe_rows_and_payouts_add_up(history: History) -> None:
    seen: dict[str, str] = {}
    for file in _settlement(history, "stripe"):
        rows = _records(file, history)
        members: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            assert _amount(row["gross"]) - _amount(row["fee"]) == _amount(row["net"])
            members[row["automatic_payout_id"] or f"none {row['currency']}"] += _amount(row["net"])
            if file.status == "accepted" and file.restates is None:
                assert seen.setdefault(row["balance_transaction_id"], file.name) == file.name
        if file.report == "payout_reconciliation":
            assert not any(members.values())


@pytest.mark.parametrize(("payments", "days"), [(300, 40), (100, 12)])
def test_no_file_is_empty_however_small_the_world(payments: int, days: int) -> None:
    history = history_with_truth(5, payments, days)
    assert all(_records(file, history) for file in history.files if file.report != "aggregate_settlement")


def test_repeated_files_hold_the_same_rows(history: History) -> None:
    copies = [f for f in history.files if f.repeats]
    assert len(copies) >= 2
    for copy in copies:
        assert copy.repeats is not None
        first, again = render(copy.repeats, history.start), render(copy, history.start)
        assert sorted(first.splitlines()) == sorted(again.splitlines())
        assert copy.reordered or first == again
        assert copy.repeats.received_at < copy.received_at


@given(st.integers(-(10**15), 10**15), st.sampled_from(["JPY", "EUR", "KWD"]))
def test_amounts_print_exactly(amount: int, currency: str) -> None:
    places = {"JPY": 0, "EUR": 2, "KWD": 3}[currency]
    text = major(amount, currency)
    assert Decimal(text).scaleb(places) == amount
    assert len(text.partition(".")[2]) == places


def test_local_time_carries_its_label() -> None:
    assert local_time(1_774_747_800_000, "Europe/Amsterdam") == ("2026-03-29 03:30:00", "CEST")
    assert local_time(1_774_744_200_000, "Europe/Amsterdam") == ("2026-03-29 01:30:00", "CET")
