"""Workbooks: what a spreadsheet may have changed is refused by line and column, and never guessed."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.feeds.forms import Form
from recon.feeds.xlsx_cells import Reader, plain
from tests.factories.workbook import change_cells, column_letter, write_workbook
from tests.feeds.adyen_layouts import GOLDEN
from tests.feeds.offering import offer, stored, told

TEXT = (GOLDEN / "settlement_details_30.csv").read_text(encoding="utf-8")
_PSP, _MODIFICATION, _REFERENCE = "Psp Reference", "Modification Reference", "Merchant Reference"
_CREATED, _CREDIT, _BATCH = "Creation Date", "Net Credit (NC)", "Batch Number"


def _book(folder: Path, changes: Mapping[tuple[str, int], Any] | None = None) -> Path:
    path = write_workbook(folder / "settlement_detail_report_batch_41.xlsx", TEXT)
    return change_cells(
        path,
        {f"{column_letter(TEXT, name)}{line}": value for (name, line), value in (changes or {}).items()},
    )


@pytest.mark.parametrize(
    "name,value,why",
    [
        (_PSP, 1.2302025304e22, "too large to be exact"),
        (_PSP, 9900000000000001, "too large to be exact"),
        (_PSP, 2**53, "too large to be exact"),
        (_PSP, 1316098037405950, "16-digit number ending in 0"),
        (_REFERENCE, 2289.1, "lost zeros"),
        (_REFERENCE, 4611686018427400001, "too large to be exact"),
        (_REFERENCE, datetime(2026, 3, 12), "a date or a truth value"),
        (_REFERENCE, True, "a date or a truth value"),
        (_MODIFICATION, "=B2", "a formula"),
        (_PSP, "#N/A", "an error of the spreadsheet"),
        (_CREDIT, "=1+1", "a formula"),
        (_CREDIT, "#REF!", "an error of the spreadsheet"),
        (_CREDIT, 98.2000001, "more decimals than EUR has"),
        (_CREDIT, 0.305, "more decimals than EUR has"),
        (_CREDIT, 98765432109876.54, "more digits than a spreadsheet keeps"),
        (_CREDIT, datetime(2026, 3, 12), "text where an amount belongs"),
        (_CREDIT, "98,20.1", "separator"),
        (_CREATED, 46084.388, "impossible or unreadable time"),
        (_CREATED, time(9, 20), "impossible or unreadable time"),
        (_CREATED, "=NOW()", "impossible or unreadable time"),
        (_BATCH, 41.5, "not a whole number"),
        ("Net Currency", "EURO", "unknown currency"),
    ],
)
def test_a_damaged_cell_is_refused_by_line_and_column(name: str, value: object, why: str, tmp_path: Path) -> None:
    outcome = offer(_book(tmp_path, {(name, 3): value}), tmp_path / "lake")
    assert outcome.status == "refused"
    assert (3, name) in told(outcome)
    assert any(why in str(fault) for fault in outcome.faults if fault.line == 3), [str(f) for f in outcome.faults]
    assert not (tmp_path / "lake" / "settlement_lines").exists()


def test_every_damaged_cell_is_named_once(tmp_path: Path) -> None:
    changes = {(_PSP, 3): 1.23e22, (_CREDIT, 4): "x", (_CREATED, 5): 46084.388, (_REFERENCE, 6): 7.5}
    outcome = offer(_book(tmp_path, changes), tmp_path / "lake")
    assert told(outcome) == [(3, _PSP), (4, _CREDIT), (5, _CREATED), (6, _REFERENCE)]


def test_damage_in_a_column_that_is_not_used_does_not_matter(tmp_path: Path) -> None:
    damage = {("Payment Method Variant", 3): 1.23e22, ("Reserved4", 4): "#N/A", ("Company Account", 5): "=A1"}
    assert offer(_book(tmp_path, damage), tmp_path / "lake").status == "accepted"


def test_whole_numbers_that_a_workbook_holds_exactly_are_references(tmp_path: Path) -> None:
    # The number that ends in 5 shows that the column keeps 16 digits, so the one that ends in 0 is whole too.
    changes = {(_PSP, 3): 1316098037405955, (_PSP, 4): 1316098037405950, (_REFERENCE, 3): 123456789012345}
    outcome = offer(_book(tmp_path, changes), tmp_path / "lake")
    lines = stored(tmp_path / "lake", "settlement_lines")
    assert outcome.status == "accepted"
    assert [line["gateway_ref"] for line in lines[1:3]] == ["1316098037405955", "1316098037405950"]
    assert lines[1]["payment_ref"] == "123456789012345"


def test_an_empty_row_inside_the_table_is_refused_and_one_below_it_is_not(tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    blank = "," * lines[0].count(",") + "\n"
    (tmp_path / "a").mkdir()
    inside = write_workbook(tmp_path / "a" / "inside.xlsx", "".join([*lines[:4], blank, *lines[4:]]))
    outcome = offer(inside, tmp_path / "lake")
    assert (outcome.status, told(outcome)) == ("refused", [(5, None)])
    below = write_workbook(tmp_path / "a" / "below.xlsx", TEXT + blank * 3)
    assert offer(below, tmp_path / "lake").status == "accepted"


def test_lines_are_numbered_as_the_spreadsheet_shows_them(tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    blank = "," * lines[0].count(",") + "\n"
    path = write_workbook(tmp_path / "below_a_gap.xlsx", blank + blank + TEXT, header_line=3)
    assert offer(path, tmp_path / "lake").status == "accepted"
    assert [line["line_no"] for line in stored(tmp_path / "lake", "settlement_lines")] == list(range(4, 12))


def test_a_cell_beyond_the_header_is_refused(tmp_path: Path) -> None:
    path = change_cells(_book(tmp_path), {"AF4": "note"})
    assert told(offer(path, tmp_path / "lake")) == [(4, None)]


def test_a_batch_that_does_not_sum_to_zero_is_incomplete_in_a_workbook_too(tmp_path: Path) -> None:
    outcome = offer(_book(tmp_path, {(_CREDIT, 2): 3.01}), tmp_path / "lake")
    assert outcome.status == "incomplete"
    assert "left over 1" in str(outcome.faults[0])


def test_the_sheet_is_the_one_with_content(tmp_path: Path) -> None:
    path = _book(tmp_path)
    book = openpyxl.load_workbook(path)
    book.create_sheet("empty", 0)
    book.save(path)
    assert offer(path, tmp_path / "lake").status == "accepted"
    book["empty"]["B2"] = "a note"
    book.save(path)
    outcome = offer(path, tmp_path / "lake")
    assert outcome.status == "refused"
    assert "2 sheets with content: empty, Sheet" in str(outcome.faults[0])


def test_a_wrong_size_that_the_sheet_tells_of_itself_cuts_nothing_off(tmp_path: Path) -> None:
    path = _book(tmp_path)
    lying = tmp_path / "lying.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(lying, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                assert b'<dimension ref="A1:AD9"' in data
                data = data.replace(b'<dimension ref="A1:AD9"', b'<dimension ref="A1:B2"')
            new.writestr(part.filename, data)
    outcome = offer(lying, tmp_path / "lake")
    assert (outcome.status, outcome.row["rows"]) == ("accepted", 8)


@pytest.mark.parametrize(
    "content,why",
    [
        (b"PK\x03\x04 and then nothing", "ZIP archive that cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old XLS format"),
    ],
)
def test_what_is_nearly_a_workbook_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(content)
    outcome = offer(path, tmp_path / "lake")
    assert outcome.status == "refused"
    assert why in str(outcome.faults[0])


def test_an_archive_of_other_things_and_a_broken_workbook_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("settlement_detail_report_batch_41.csv", TEXT)
    assert "not a workbook" in str(offer(other, tmp_path / "lake").faults[0])
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(_book(tmp_path)) as old, zipfile.ZipFile(broken, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            new.writestr(part.filename, data[: len(data) // 2] if "sheet1" in part.filename else data)
    outcome = offer(broken, tmp_path / "lake")
    assert outcome.status == "refused"
    assert "workbook that cannot be read" in str(outcome.faults[0])


def test_a_workbook_without_content_or_of_another_report_is_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    assert "no sheet has content" in str(offer(tmp_path / "empty.xlsx", tmp_path / "lake").faults[0])
    write_workbook(tmp_path / "other.xlsx", "name,amount\nx,1\n")
    assert "no report that is known" in str(offer(tmp_path / "other.xlsx", tmp_path / "lake").faults[0])


def test_days_in_the_leading_line_may_be_real_dates(tmp_path: Path) -> None:
    text = (GOLDEN / "aggregate_settlement.csv").read_text(encoding="utf-8-sig")
    path = write_workbook(tmp_path / "aggregate.xlsx", text, header_line=3)
    change_cells(path, {"B2": date(2026, 3, 1), "C2": date(2026, 4, 3)})
    outcome = offer(path, tmp_path / "lake")
    assert str(outcome.row["covers_from"]) == "2026-02-28 23:00:00"
    assert str(outcome.row["covers_until"]) == "2026-04-02 22:00:00"


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1), st.integers(min_value=0, max_value=3))
def test_an_amount_as_a_number_is_the_amount_as_text(minor: int, decimals: int) -> None:
    amount = Decimal(minor).scaleb(-decimals)
    text, damage = Reader(Form.AMOUNT).read(2, float(amount), "n")
    assert damage is None
    assert text is not None
    assert Decimal(text) == amount
    assert "e" not in text.lower()


@given(st.integers(min_value=0, max_value=2**63))
def test_a_whole_number_is_a_reference_only_where_it_is_exact(number: int) -> None:
    reader = Reader(Form.TEXT)
    text, damage = reader.read(2, float(number), "n")
    if damage is None:
        assert int(text or "") == number
        assert number < 2**53
    else:
        assert number >= 2**53 or float(number) >= 2**53


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_breaks_the_reading(number: float) -> None:
    for form in Form:
        text, _ = Reader(form).read(2, number, "n")
        assert text is not None
    assert isinstance(plain(number), str)
