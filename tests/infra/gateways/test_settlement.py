"""What the gateways charged comes back in their settlement files, and `recon ingest` finds all of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from infra.local.gateways.settlement.calendars import Calendar
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from tests.infra.gateways.driving import SECRETS, Driver

LATER = "2026-04-20T12:00:00+00:00"


def taken_in(folder: Path, lake: Path) -> list[str]:
    """Status of each file after ingest."""
    outcomes = ingest([folder], lake, ReadOptions(), now=lambda: datetime(2026, 5, 1, tzinfo=UTC))
    return [str(outcome.row["status"]) for outcome in outcomes]


def ask(lake: Path, table: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query over a table of the lake."""
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{lake}/{table}/**/*.parquet', union_by_name=true)")
        return con.execute(query).fetchall()


def busy(driver: Driver) -> None:
    """Two weeks of both gateways: all kinds of movements, three currencies, a weekend and Easter."""
    for vendor, base in (("stripe", 100), ("adyen", 200)):
        driver.to("2026-04-01T10:00:00+00:00")
        refs = {base + n: driver.pay(vendor, base + n, 10_000 + n, capture=-1) for n in range(4)}
        driver.pay(vendor, base + 10, 20_000, "USD", capture=15_000)
        driver.pay(vendor, base + 11, 5_000, "JPY", token="pm_card_mastercard")
        driver.pay(vendor, base + 12, capture=None)
        driver.pay(vendor, base + 13, token="pm_card_chargeDeclined", capture=None)
        driver.to("2026-04-04T23:59:59+00:00")
        driver.refund(vendor, base, refs[base], 2_500)
        driver.refund(vendor, base, refs[base], 1_000, n=2)
        driver.to("2026-04-08T09:00:00+00:00")
        refs[base + 20] = driver.pay(vendor, base + 20, 7_777, token="pm_sim_refund_fails")
        driver.refund(vendor, base + 20, refs[base + 20], 7_777)
        driver.simulator.happen("chargeback", str(base + 1), vendor=vendor)
        driver.to("2026-04-09T09:00:00+00:00")
        driver.simulator.happen("chargeback_reversal", str(base + 1), vendor=vendor)
    driver.pay("adyen", 230, token="pm_sim_capture_fails")


KINDS = {"capture": "charge", "refund": "refund", "refund_failed": "refund_failure", "capture_failed": "charge_failure",
         "chargeback": "chargeback", "chargeback_reversal": "chargeback_reversal"}
_INWARD = ("charge", "refund_failure", "chargeback_reversal", "partial_capture_reversal")


def test_every_movement_of_the_book_is_found_in_the_lake_with_its_references(tmp_path: Path) -> None:
    driver = Driver()
    busy(driver)
    driver.to(LATER)
    written = driver.simulator.settle(tmp_path / "files")
    assert {file["gateway"] for file in written} == {"stripe", "adyen"}
    assert set(taken_in(tmp_path / "files", tmp_path / "lake")) == {"accepted"}
    found = ask(tmp_path / "lake", "settlement_lines",
                "SELECT gateway, kind, payment_ref, gateway_ref, operation_ref, sum(gross_minor), gross_currency "
                "FROM t WHERE payment_ref IS NOT NULL AND kind <> 'partial_capture_reversal' GROUP BY ALL")
    partial = ask(tmp_path / "lake", "settlement_lines",
                  "SELECT payment_ref, gross_minor FROM t WHERE kind = 'partial_capture_reversal'")
    assert partial == [("110", -5_000)]
    book = []
    for done in driver.simulator.report():
        kind = KINDS.get(done["kind"])
        if kind and done["status"] == "succeeded":
            amount = done["amount_minor"] + (5_000 if (done["payment_id"], kind) == ("110", "charge") else 0)
            book.append((done["gateway"], kind, done["payment_id"], done["gateway_ref"], done["operation_ref"],
                         amount if kind in _INWARD else -amount, done["currency"]))
    assert len(book) == 28
    assert sorted(found) == sorted(book)


def test_each_row_and_each_payout_adds_up(tmp_path: Path) -> None:
    driver = Driver()
    busy(driver)
    driver.to(LATER)
    driver.simulator.settle(tmp_path / "files")
    taken_in(tmp_path / "files", tmp_path / "lake")
    lines = ask(tmp_path / "lake", "settlement_lines",
                "SELECT count(*) FILTER (WHERE settled_gross_minor - fee_minor <> net_minor), sum(fee_minor) > 0 "
                "FROM t WHERE payment_ref IS NOT NULL")
    assert lines == [(0, True)]
    batches = ask(tmp_path / "lake", "batches",
                  "SELECT gateway, sum(net_minor + carry_in_minor - carry_out_minor - coalesce(payout_minor, 0)), "
                  "count(*) > 3 FROM t GROUP BY 1 ORDER BY 1")
    assert batches == [("adyen", 0, True), ("stripe", 0, True)]
    paid = ask(tmp_path / "lake", "settlement_lines",
               "SELECT count(*) FROM (SELECT payout_ref FROM t WHERE gateway = 'stripe' AND payout_ref IS NOT NULL "
               "GROUP BY 1 HAVING sum(net_minor) <> 0)")
    assert paid == [(0,)]


def test_files_come_once_when_they_are_due_and_cover_all_time(tmp_path: Path) -> None:
    driver = Driver()
    busy(driver)
    first = driver.simulator.settle(tmp_path, None)
    assert driver.simulator.settle(tmp_path) == []
    driver.to(LATER)
    second = driver.simulator.settle(tmp_path)
    assert first
    assert second
    arrivals = json.loads((tmp_path / "arrivals.json").read_text())
    assert set(arrivals) == {file["name"] for file in [*first, *second]}
    for account in (SECRETS.stripe_account, SECRETS.adyen_account):
        spans = sorted((a["covers_from"], a["covers_until"]) for name, a in arrivals.items()
                       if a["gateway_account"] == account and "_payouts_" not in name)
        assert all(before[1] == after[0] for before, after in pairwise(spans))
    for file in [*first, *second]:
        assert file["until"] <= file["received_at"]


def test_a_sale_is_paid_two_business_days_later_over_weekend_and_holiday(tmp_path: Path) -> None:
    driver = Driver(at="2026-07-01T10:00:00+00:00")
    driver.pay("stripe", 1)
    driver.to("2026-07-06T11:59:00+00:00")  # Friday the third is a holiday
    assert driver.simulator.settle(tmp_path) == []
    driver.to("2026-07-06T12:00:00+00:00")
    assert [file["name"] for file in driver.simulator.settle(tmp_path)] == [
        f"{SECRETS.stripe_account}_{report}_2026-07-01_to_2026-07-02_UTC.csv"
        for report in ("payouts", "payout_reconciliation")]


def test_a_negative_batch_is_carried_into_the_next(tmp_path: Path) -> None:
    driver = Driver()
    ref = driver.pay("adyen", 1, 10_000)
    driver.to("2026-04-07T10:00:00+00:00")
    driver.refund("adyen", 1, ref, 10_000)
    driver.to("2026-04-09T10:00:00+00:00")
    driver.pay("adyen", 2, 50_000)
    driver.to(LATER)
    driver.simulator.settle(tmp_path / "files")
    assert set(taken_in(tmp_path / "files", tmp_path / "lake")) == {"accepted"}
    carried = ask(tmp_path / "lake", "batches", "SELECT batch_seq, carry_in_minor, carry_out_minor, payout_minor > 0 "
                  "FROM t ORDER BY 1")
    assert carried == [(1, 0, 0, True), (2, 0, -10_000, None), (3, -10_000, 0, True)]


def test_a_file_that_was_cut_off_is_written_again_the_same(tmp_path: Path) -> None:
    driver = Driver()
    busy(driver)
    driver.to(LATER)
    facts = driver.simulator.store.rows("SELECT * FROM facts")
    driver.simulator.settle(tmp_path)
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    driver.simulator.store.change("DELETE FROM facts")
    for fact in facts:
        driver.simulator.store.remember(fact["name"], fact["value"])
    driver.simulator.settle(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == texts


def test_business_days_know_weekends_and_holidays() -> None:
    assert Calendar("US").after(date(2026, 7, 2), 1) == date(2026, 7, 6)
    assert Calendar("TARGET").after(date(2026, 4, 2), 1) == date(2026, 4, 7)
    assert Calendar("US").after(date(2026, 4, 2), 1) == date(2026, 4, 3)
