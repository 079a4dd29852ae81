"""Bad input in Adyen's accounting and aggregate reports: refused by line and column, or kept and flagged."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from recon.feeds.ingest import Outcome
from tests.feeds.adyen_layouts import GOLDEN
from tests.feeds.offering import offer, stored, told

ACCOUNTING, AGGREGATE = GOLDEN / "payment_accounting_37.csv", GOLDEN / "aggregate_settlement.csv"


def _changed(path: Path, folder: Path, line: int, column: str, value: str) -> Outcome:
    """The golden file with one cell changed, offered to a lake in `folder`."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    header = 3 if path == AGGREGATE else 1
    names = rows[1 - 1] if line <= 2 and header == 3 else rows[header - 1]
    rows[line - 1][names.index(column)] = value
    changed = folder / path.name
    with changed.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return offer(changed, folder / "lake")


@pytest.mark.parametrize(
    "line,column,value,why",
    [
        (2, "Merchant Account", "", "empty where a value is needed"),
        (3, "Booking Date", "2026-02-30 10:00:00", "impossible or unreadable time"),
        (3, "Booking Date", "02/03/2026 10:00", "impossible or unreadable time"),
        (6, "Booking Date", "2026-03-29 02:30:00", "skipped"),
        (3, "TimeZone", "XYZ", "unknown time zone"),
        (3, "TimeZone", "", "no time zone beside the time"),
        (3, "Record Type", "", "empty where a value is needed"),
        (4, "Payable (SC)", "39,21.0", "separator"),
        (4, "Payable (SC)", "n/a", "text where an amount belongs"),
        (4, "Settlement Currency", "", "amount without a known currency"),
        (4, "Settlement Currency", "EUX", "unknown currency"),
        (6, "Captured (PC)", "-5200.5", "more decimals than JPY has"),
        (2, "Main Amount", "92233720368547758.08", "beyond 64 bits"),
        (2, "Processing Fee Currency", "", "amount without a known currency"),
    ],
)
def test_a_bad_cell_of_payment_accounting_is_refused(
    line: int, column: str, value: str, why: str, tmp_path: Path
) -> None:
    outcome = _changed(ACCOUNTING, tmp_path, line, column, value)
    assert (outcome.status, outcome.row["report_type"]) == ("refused", "payment_accounting")
    assert (line, column) in told(outcome) or column == "Settlement Currency" or column == "Processing Fee Currency"
    assert {at for at, _ in told(outcome)} == {line}
    assert any(why in str(fault) for fault in outcome.faults), [str(fault) for fault in outcome.faults]
    assert not (tmp_path / "lake" / "status_lines").exists()
    assert list((tmp_path / "lake" / "refused").iterdir())


def test_original_amount_is_not_read(tmp_path: Path) -> None:
    assert _changed(ACCOUNTING, tmp_path, 6, "Original Amount", "no number").status == "accepted"


def test_a_register_that_did_not_move_needs_no_currency(tmp_path: Path) -> None:
    assert _changed(ACCOUNTING, tmp_path, 4, "Processing Fee (FC)", "0.00").status == "accepted"


def test_an_unknown_record_type_is_kept_and_reported(tmp_path: Path) -> None:
    outcome = _changed(ACCOUNTING, tmp_path, 3, "Record Type", "AuthorisedTwice")
    assert outcome.status == "accepted"
    assert "AuthorisedTwice '1 lines, first on line 3'" in str(outcome.faults[0])
    assert stored(tmp_path / "lake", "status_lines")[1]["raw_type"] == "AuthorisedTwice"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "payments_accounting_report_2026_03_02.csv"
    path.write_text(ACCOUNTING.read_text(encoding="utf-8").replace("Captured (PC)", "Captured"), encoding="utf-8")
    outcome = offer(path, tmp_path / "lake")
    assert told(outcome) == [(1, "Captured (PC)")]
    assert "looks like adyen payment_accounting but lacks column 'Captured (PC)' (it has 'Captured')" in str(
        outcome.faults[0]
    )


@pytest.mark.parametrize(
    "line,column,value,why",
    [
        (2, "Start date", "2026/03/01", "dd/mm/yyyy"),
        (2, "Start date", "03/13/2026", "dd/mm/yyyy"),
        (2, "End date", "31/02/2026", "dd/mm/yyyy"),
        (4, "Batch Number", "", "empty where a value is needed"),
        (4, "Batch Number", "41a", "not a whole number"),
        (5, "Batch Closed Date", "2026-03-04 25:00:00.000", "impossible or unreadable time"),
        (5, "Net Currency", "", "empty where a value is needed"),
        (6, "Net Credit (NC)", "48.70", "both debit and credit are filled"),
        (7, "Net Debit (NC)", "1.305", "more decimals than EUR has"),
        (10, "Net Credit (NC)", "5880.5", "more decimals than JPY has"),
    ],
)
def test_a_bad_cell_of_an_aggregate_is_refused(line: int, column: str, value: str, why: str, tmp_path: Path) -> None:
    outcome = _changed(AGGREGATE, tmp_path, line, column, value)
    assert (outcome.status, outcome.row["report_type"]) == ("refused", "aggregate_settlement")
    assert {at for at, _ in told(outcome)} == {line}
    assert any(why in str(fault) for fault in outcome.faults), [str(fault) for fault in outcome.faults]
    assert not (tmp_path / "lake" / "batches").exists()


@pytest.mark.parametrize("line,column,value", [(4, "Net Credit (NC)", "1204.56"), (11, "Net Debit (NC)", "5881")])
def test_an_aggregate_that_does_not_sum_to_zero_is_incomplete(
    line: int, column: str, value: str, tmp_path: Path
) -> None:
    outcome = _changed(AGGREGATE, tmp_path, line, column, value)
    assert outcome.status == "incomplete"
    assert "does not sum to zero: MoorlandShop 41" in str(outcome.faults[0])


def test_an_unknown_journal_type_of_an_aggregate_is_reported(tmp_path: Path) -> None:
    outcome = _changed(AGGREGATE, tmp_path, 7, "Journal Type", "Rebate")
    assert outcome.status == "accepted"
    assert "Rebate" in str(outcome.faults[0])


@pytest.mark.parametrize("start,end", [("10/03/2026", "10/03/2026"), ("11/03/2026", "10/03/2026"), ("", "10/03/2026")])
def test_leading_days_that_hold_no_whole_day_claim_nothing(start: str, end: str, tmp_path: Path) -> None:
    text = AGGREGATE.read_text(encoding="utf-8").replace("01/03/2026,03/04/2026", f"{start},{end}")
    path = tmp_path / "aggregate.csv"
    path.write_text(text, encoding="utf-8")
    outcome = offer(path, tmp_path / "lake")
    assert (outcome.status, outcome.row["covers_from"], outcome.row["covers_until"]) == ("accepted", None, None)


def test_a_blank_line_above_the_header_does_not_move_it(tmp_path: Path) -> None:
    lines = AGGREGATE.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "aggregate.csv"
    path.write_text("".join([*lines[:2], "\n", *lines[2:]]), encoding="utf-8")
    outcome = offer(path, tmp_path / "lake")
    assert (outcome.status, outcome.row["rows"]) == ("accepted", 10)
    path.write_text("".join([*lines[:2], "\n", *lines[2:4], "Moorland,cut off\n"]), encoding="utf-8")
    assert told(offer(path, tmp_path / "lake")) == [(6, None)]
