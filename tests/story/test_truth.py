"""The truth of a story is what reconciliation finds, and what reconciliation finds is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.story.facts import Run, rfc, runs_of
from infra.local.story.truth import CLASSES, Truth, truth_of, unnamed
from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile
from tests.story.made import EXPECTED, Shop, take_in, write_lake

MADE = "2026-04-01T10:10:00+00:00"
UNTIL = "2026-04-10T00:00:00+00:00"


def busy(shop: Shop) -> None:
    """Plain payments of both gateways in many currencies, captures in part, disputes that are lost and won."""
    for base, vendor in ((1000, "stripe"), (2000, "adyen")):
        for n in range(24):
            shop.driver.rest(1.5)
            shop.pay(vendor, base + n, 10_000 + 10 * n, ("EUR", "USD", "GBP")[n % 3])
        shop.pay(vendor, base + 30, 5_000, "JPY")
        shop.pay(vendor, base + 31, 70_000, "KWD")
        shop.pay(vendor, base + 32, 20_000, capture=15_000)
        for n in (33, 34, 35):
            shop.void(vendor, base + n)
        for n in range(4):
            shop.befall("chargeback", base + n)
        shop.befall("chargeback_reversal", base)
    shop.befall("capture_failed", 2004)


def spoiled(shop: Shop) -> None:
    """One divergence of each kind that the settlement can have, at both gateways."""
    for base, vendor in ((1000, "stripe"), (2000, "adyen")):
        shop.defect("left_out", base + 6)
        shop.defect("other_amount", base + 7, amount_minor=9_000)
        shop.defect("other_currency", base + 8, currency="USD")
        shop.defect("twice", base + 9)
        shop.defect("unasked", vendor=vendor, amount_minor=4_321, currency="USD")
        shop.defect("after_void", base + 33)
        shop.defect("other_amount", base + 30, amount_minor=500_000)
        shop.defect("other_amount", base + 31, amount_minor=7_000)
        shop.defect("webhook_lost", base + 10, of="capture_failed")
        shop.defect("webhook_lost", base + 11, of="chargeback")
        shop.defect("left_out", base + 1, of="chargeback")
        shop.defect("other_amount", base + 2, of="chargeback", amount_minor=7_777)
    shop.defect("payout_short", vendor="stripe", amount_minor=250, currency="EUR")


def found(lake: Path, run: Run) -> RunResult:
    """What reconciliation makes of a run."""
    as_of = rfc(run.as_of) if run.window == "hourly" else f"{run.as_of:%Y-%m-%d}"
    return reconcile(Request.parse(window=run.window, as_of=as_of, lake=str(lake)))


def compare(truth: Truth, result: RunResult) -> set[str]:
    """Raises AssertionError unless they are the same to the last cent; the classes that there are."""
    expected = Counter((row.divergence, row.subject, row.currency, row.diff, row.identity) for row in truth.rows)
    columns = ("class", "subject_id", "currency", "diff_minor", "identity_minor")
    made = Counter(row for row in zip(*(result.divergences[name].to_pylist() for name in columns), strict=True)
                   if row[0] in CLASSES)
    assert made == expected
    claims = Counter((movement.journal_id, line.native_id) for movement, line in truth.claims)
    assert len(result.matches) == claims.total()
    assert {journal for journal, _ in claims} == set(result.matches["journal_id"].to_pylist())
    totals = {(t["gateway"], t["gateway_account"], t["currency"]): t for t in result.summary["totals"]}
    assert {key: t["pending_minor"] for key, t in totals.items() if t["pending_minor"]} == {
        key: amount for key, amount in truth.pending.items() if amount}
    assert all(t["unexplained_minor"] == 0 for t in totals.values())
    return {row.divergence for row in truth.rows}


def told(tmp_path: Path, at: str, *made: Callable[[Shop], None], holes: bool = False) -> dict[str, set[str]]:
    """Classes by window of a story in which everything agrees."""
    shop = Shop(at)
    for step in made:
        step(shop)
    captures = {e.payment_id for e in shop.entries() if e.payment_id in (1020, 2020)} if holes else set()
    gone = [e for e in shop.entries() if e.payment_id in captures]
    twice = [e for e in shop.entries() if e.payment_id == 1021] if holes else []
    files = shop.settle(tmp_path / "files", UNTIL)
    write_lake(shop, tmp_path / "lake", without=gone, twice=twice)
    take_in(tmp_path / "files", tmp_path / "lake")
    repeated = frozenset({("ledger_entries", e.at.replace(minute=0, second=0, microsecond=0)) for e in twice})
    facts = shop.facts(files, missing=gone, repeated=repeated)
    seen: dict[str, set[str]] = {}
    for run in runs_of([entry.at for entry in shop.entries()]):
        truth = truth_of(facts, EXPECTED, run)
        assert unnamed(facts, truth) == {}
        seen.setdefault(run.window, set()).update(compare(truth, found(tmp_path / "lake", run)))
    return seen


def test_an_honest_story_has_no_divergence(tmp_path: Path) -> None:
    seen = told(tmp_path, MADE, busy)
    assert seen == {"hourly": set(), "T+7": set(), "T+14": set(), "T+30": set()}


def test_every_injected_divergence_is_found_and_nothing_else(tmp_path: Path) -> None:
    seen = told(tmp_path, MADE, busy, spoiled, holes=True)
    assert seen["hourly"] == {"lake_gap", "duplicate_delivery"}
    assert seen["T+7"] == seen["T+14"] == seen["T+30"] == {
        "missing_at_gateway", "missing_in_ledger", "amount_mismatch", "currency_mismatch", "scale_error",
        "duplicate_capture", "captured_but_voided", "capture_failed_at_gateway", "chargeback_unposted",
        "chargeback_missing_at_gateway", "chargeback_amount_mismatch", "payout_residual", "lake_gap",
        "duplicate_delivery"}


@pytest.mark.parametrize("at", ["2026-04-01T23:59:45+00:00", "2026-04-01T21:59:45+00:00", "2026-04-03T22:30:00+00:00"])
def test_hours_and_days_may_turn_while_payments_are_made(tmp_path: Path, at: str) -> None:
    seen = told(tmp_path, at, busy, spoiled)
    assert seen["hourly"] == set()
    assert "missing_at_gateway" in seen["T+7"]


def test_what_a_truth_leaves_without_a_name_is_told(tmp_path: Path) -> None:
    shop = Shop(MADE)
    shop.pay("stripe", 1)
    shop.defect("other_amount", 1, amount_minor=9_000)
    facts = shop.facts(shop.settle(tmp_path, UNTIL))
    truth: Any = truth_of(facts, EXPECTED, runs_of([shop.now()])[1])
    truth.rows.clear()
    assert list(unnamed(facts, truth).values()) == [1_000]
