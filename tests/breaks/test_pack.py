"""A case pack as it is written and read: exact to the minor unit, locked where it should be."""

from __future__ import annotations

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.breaks.money import major, number
from recon.breaks.pack_columns import COLUMNS, EDITABLE, NAMES
from recon.breaks.pack_import import import_pack
from recon.breaks.pack_read import PackRefused, read_pack
from tests.breaks.desk import Desk
from tests.breaks.packs import COLUMN, FOUND, Edit, cells, drop, edited, export, put
from tests.factories.finished_run import Found


def test_amounts_are_exact_text_with_a_number_beside(pack: Path) -> None:
    large = cells(pack, "movement:J0")
    assert (large["currency"], large["amount"], large["payment"]) == ("EUR", "90071992547409.93", "4611686018427387905")
    assert large["amount (number)"] == pytest.approx(90071992547409.93, abs=0.02)
    assert cells(pack, "movement:J1")["amount"] == "5"
    both = cells(pack, "movement:J2")
    assert (both["currency"], both["amount"], both["further amounts"]) == ("KWD", "-12.345", "1.00 EUR")
    feed = cells(pack, FOUND[4].subject)
    assert (feed["currency"], feed["amount"], feed["amount (number)"]) == (None, None, None)


def test_only_the_columns_to_fill_in_are_open(pack: Path) -> None:
    workbook = openpyxl.load_workbook(pack)
    assert workbook.sheetnames == ["cases", "read me", "pack"]
    assert workbook["pack"].sheet_state == "hidden"
    sheet = workbook["cases"]
    assert sheet.protection.sheet
    for row in sheet.iter_rows(min_row=2):
        assert {name for name, cell in zip(NAMES, row, strict=True) if not cell.protection.locked} == set(EDITABLE)
    assert sheet.data_validations.dataValidation[0].formula1 == '"explain,write-off,approve,reject,reopen"'
    assert {column.name for column in COLUMNS} <= {row[0] for row in workbook["read me"].iter_rows(values_only=True)}


def test_text_is_never_calculated(pack: Path) -> None:
    sheet = openpyxl.load_workbook(pack)["cases"]
    reasons = {cell.value: cell.data_type for (cell,) in sheet.iter_rows(min_row=2, min_col=COLUMN["reason"],
                                                                         max_col=COLUMN["reason"])}  # fmt: skip
    assert reasons["=1+1"] == reasons["#N/A second\ufffdline"] == "s"


@pytest.mark.parametrize("edit, said", [
    (drop("cases"), "has no sheet 'cases'; accepted: an XLSX file that recon breaks export wrote"),
    (drop("pack"), "has no sheet 'pack'"),
    (lambda workbook: workbook["cases"].delete_cols(5), "sheet 'cases' lacks the column amount; accepted"),
    (lambda workbook: workbook["cases"].insert_cols(2), "cases!B1 holds ''; 'severity' was expected: columns stay as"),
    (put("cases", "Z1", "note"), "cases!Z1 holds 'note'; 'nothing' was expected"),
    (put("cases", "Z3", "hm"), "cases!Z3 holds 'hm', outside the pack's columns"),
    (put("pack", "B1", "2"), "its hidden sheet 'pack' is not as the export wrote it; export anew"),
    (put("pack", "A3", "tail"), "its hidden sheet 'pack' is not as the export wrote it"),
    (put("pack", "B4", "soon"), "cannot be read as a workbook"),
])  # fmt: skip
def test_what_is_no_pack_any_more_is_refused(pack: Path, edit: Edit, said: str) -> None:
    with pytest.raises(PackRefused, match=re.escape(said)):
        read_pack(edited(pack, edit))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pack.xlsx"
    with pytest.raises(PackRefused, match="there is no file"):
        read_pack(path)
    path.write_text("case,action")
    with pytest.raises(PackRefused, match="is no workbook"):
        read_pack(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x", "y")
    with pytest.raises(PackRefused, match="cannot be read as a workbook"):
        read_pack(path)


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XXX"]),
                          st.text(min_size=1, max_size=40)), min_size=1, max_size=6))  # fmt: skip
def test_whatever_a_case_says_comes_back_as_it_went(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, str]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.enter(found=[Found(f"movement:J{place}", diff_minor=minor, currency=currency,
                            reason=reason.encode("utf-8", "replace").decode(), account=reason.encode("utf-8", "replace")
                            .decode()) for place, (minor, currency, reason) in enumerate(rows)])  # fmt: skip
    path = export(desk)
    again = edited(path, lambda workbook: None)
    for of in (path, again):
        assert import_pack(desk.place, read_pack(of), actor="ana", now=desk.now) == []
        for place, (minor, currency, _) in enumerate(rows):
            text = cells(of, f"movement:J{place}")["amount"]
            assert Decimal(text).scaleb(ISO_EXPONENTS.get(currency, 0)) == minor


@given(st.integers(), st.sampled_from(sorted(ISO_EXPONENTS)))
def test_an_amount_in_major_units_is_exact_and_has_the_currencys_decimals(minor: int, currency: str) -> None:
    text = major(minor, currency)
    assert Decimal(text) == number(minor, currency)
    assert len(text.partition(".")[2]) == ISO_EXPONENTS[currency]
    assert major(minor, currency, grouped=True).replace(",", "") == text


def test_a_pack_says_what_it_was_made_from(pack: Path, desk: Desk) -> None:
    read, book = read_pack(pack), desk.book()
    assert (read.exported_at, read.lake) == (desk.now, desk.place.root)
    assert book.as_of_entry(read.head) == book.cases
    assert {case_id: known[0] for case_id, known in read.known.items()} == {
        case_id: case.last_entry_id for case_id, case in book.cases.items()}
