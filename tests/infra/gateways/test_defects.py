"""A defect of the settlement is written down first, changes what the files say, and never what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.local.gateways.settlement.settle import settled as said
from tests.infra.gateways.driving import Driver
from tests.infra.gateways.test_settlement import LATER, ask, taken_in

VENDORS = pytest.mark.parametrize("vendor", ["stripe", "adyen"])
_TOLD = "SELECT kind, payment_ref, gross_minor, gross_currency FROM t WHERE gross_minor IS NOT NULL AND kind IN " \
        "('charge', 'charge_failure', 'chargeback') ORDER BY ALL"


def defect(driver: Driver, vendor: str, kind: str, **more: Any) -> dict[str, Any]:
    """One defect, asked for as over HTTP."""
    return driver.simulator.defect({"kind": kind, "label": f"label of {kind}", "vendor": vendor, **more})


def told(driver: Driver, folder: Path) -> list[tuple[Any, ...]]:
    """What recon finds in the files; each of them adds up."""
    driver.to(LATER)
    driver.simulator.settle(folder / "files")
    assert set(taken_in(folder / "files", folder / "lake")) == {"accepted"}
    return ask(folder / "lake", "settlement_lines", _TOLD)


@VENDORS
@pytest.mark.parametrize(("kind", "more", "expected"), [
    ("left_out", {}, []),
    ("other_amount", {"amount_minor": 9_000}, [("charge", "1", 9_000, "EUR")]),
    ("other_currency", {"currency": "USD"}, [("charge", "1", 10_000, "USD")]),
    ("twice", {}, [("charge", "1", 10_000, "EUR")] * 2),
])
def test_a_line_is_told_wrongly(tmp_path: Path, vendor: str, kind: str, more: dict[str, Any],
                                expected: list[tuple[Any, ...]]) -> None:
    driver = Driver()
    driver.pay(vendor, 1)
    driver.pay(vendor, 2, 5_000)
    before = driver.simulator.report()
    made = defect(driver, vendor, kind, payment_id=1, **more)
    assert made["label"] == f"label of {kind}"
    assert told(driver, tmp_path) == sorted([*expected, ("charge", "2", 5_000, "EUR")])
    assert driver.simulator.report() == before


@VENDORS
def test_charges_that_the_book_has_not(tmp_path: Path, vendor: str) -> None:
    driver = Driver()
    ref = driver.pay(vendor, 1, capture=None)
    driver.pay(vendor, 2, 50_000)
    if vendor == "stripe":
        driver.stripe("POST", f"payment_intents/{ref}/cancel", key="1:void")
    else:
        driver.adyen(f"payments/{ref}/cancels", {}, key="1:void")
    defect(driver, vendor, "after_void", payment_id=1)
    defect(driver, vendor, "unasked", amount_minor=4_321, currency="EUR")
    assert told(driver, tmp_path) == [("charge", "1", 10_000, "EUR"), ("charge", "2", 50_000, "EUR"),
                                      ("charge", None, 4_321, "EUR")]


@VENDORS
@pytest.mark.parametrize(("of", "kind"), [("capture_failed", "charge_failure"), ("chargeback", "chargeback")])
def test_what_befalls_a_payment_is_told_by_no_webhook(tmp_path: Path, vendor: str, of: str, kind: str) -> None:
    driver = Driver()
    driver.pay(vendor, 1)
    driver.pay(vendor, 2, 90_000)
    events = driver.events()
    assert defect(driver, vendor, "webhook_lost", payment_id=1, of=of)["operation"] > 0
    assert driver.events() == events
    assert (kind, "1", -10_000, "EUR") in told(driver, tmp_path)


def test_a_payout_is_listed_short(tmp_path: Path) -> None:
    driver = Driver()
    driver.pay("stripe", 1)
    defect(driver, "stripe", "payout_short", amount_minor=111, currency="EUR")
    assert told(driver, tmp_path) == [("charge", "1", 10_000, "EUR")]
    (payout,) = [said for said in settled(driver) if said["what"] == "payout"]
    assert payout["owed_minor"] - payout["told_minor"] == 111
    rows = ask(tmp_path / "lake", "batches", "SELECT role, payout_minor FROM t ORDER BY role")
    assert rows == [("control", payout["told_minor"]), ("settlement", payout["owed_minor"])]


@VENDORS
def test_the_settlement_says_where_each_line_stands(tmp_path: Path, vendor: str) -> None:
    driver = Driver()
    driver.pay(vendor, 1)
    driver.pay(vendor, 2, 5_000, "USD", capture=3_000)
    driver.simulator.happen("chargeback", "1", vendor=vendor)
    made = defect(driver, vendor, "twice", payment_id=1)
    told(driver, tmp_path)
    here = ask(tmp_path / "lake", "settlement_lines", "SELECT native_id, line_no, gross_minor, gross_currency, "
               "coalesce(batch_id, '') FROM t WHERE payment_ref IS NOT NULL ORDER BY 2")
    lines = [said for said in settled(driver) if said["what"] == "line"]
    assert [(s["native_id"], s["line_no"], s["gross_minor"], s["currency"], s["batch"]) for s in lines] == here
    assert [said["defect"] for said in lines].count(made["number"]) == 1
    of_book = {done["number"] for done in driver.simulator.report()}
    assert {said["operation"] for said in lines} - {0} <= of_book


@VENDORS
def test_quiet_days_have_files_when_they_are_wanted(tmp_path: Path, vendor: str) -> None:
    driver = Driver(at="2026-07-06T22:30:00+00:00")
    driver.pay(vendor, 1)
    driver.to("2026-07-16T10:00:00+00:00")
    files = driver.simulator.settle(tmp_path / "files", quiet_since=1_783_296_000_000)
    assert set(taken_in(tmp_path / "files", tmp_path / "lake")) == {"accepted"}
    covered = sorted((file["since"], file["until"]) for file in files if "_payouts_" not in file["name"])
    assert covered[0][0] <= 1_783_296_000_000
    assert [until for _, until in covered[:-1]] == [since for since, _ in covered[1:]]
    assert len(covered) > 5


@pytest.mark.parametrize(("wanted", "why"), [
    ({"kind": "unheard_of", "vendor": "stripe"}, "accepted: left_out"),
    ({"kind": "left_out", "vendor": "stripe", "payment_id": 7}, "no payment 7"),
    ({"kind": "left_out", "vendor": "stripe", "payment_id": 1, "of": "refund"}, "no refund"),
    ({"kind": "after_void", "vendor": "stripe", "payment_id": 1}, "is captured"),
    ({"kind": "unasked", "vendor": "stripe"}, "needs amount_minor"),
    ({"kind": "unasked", "vendor": "adyen", "amount_minor": 1, "currency": "EUR"}, "no payments yet"),
])
def test_what_cannot_be_is_refused(wanted: dict[str, Any], why: str) -> None:
    driver = Driver()
    driver.pay("stripe", 1)
    with pytest.raises(ValueError, match=why):
        driver.simulator.defect({"label": "x", **wanted})
    assert driver.simulator.store.rows("SELECT * FROM defects") == []


def settled(driver: Driver) -> list[dict[str, Any]]:
    """What the files say."""
    return said(driver.simulator.store)
