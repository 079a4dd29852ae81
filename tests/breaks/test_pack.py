"""A case pack: exact to the minor unit, locked where it should be, and applied whole or not at all."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.breaks.money import major, number
from recon.breaks.orders import Order, carry_out
from recon.breaks.pack_columns import COLUMNS, EDITABLE, NAMES
from recon.breaks.pack_import import import_pack, preview
from recon.breaks.pack_read import PackRefused, read_pack
from recon.breaks.pack_write import write_pack
from tests.breaks.desk import Desk
from tests.factories.finished_run import Found, case_id

FOUND = [
    Found("movement:J0", diff_minor=2**53 + 1, payment_id=2**62 + 1),
    Found("movement:J1", "unsettled", 5, "JPY", severity="warning", reason="=1+1"),
    Found("movement:J2", "currency_mismatch", -12345, "KWD"), Found("movement:J2", "currency_mismatch", 100, "EUR"),
    Found("feed:stripe:acct_1:x:2026-03-10T00:00:00Z", "feed_late", 0, None, reason="#N/A\r\nsecond\x01line"),
]  # fmt: skip
COLUMN = {name: number for number, name in enumerate(NAMES, 1)}
Edit = Callable[[Any], object]


@pytest.fixture
def pack(desk: Desk) -> Path:
    """A pack of four cases, of which J1 is assigned to zoe."""
    desk.enter(found=FOUND)
    carry_out(desk.place, [Order(case_id("movement:J1"), "assign", "zoe")], actor="ana", now=desk.now)
    return export(desk)


def export(desk: Desk) -> Path:
    """All cases, in the order of their subjects."""
    book = desk.book()
    cases = sorted(book.cases.values(), key=lambda case: case.subject_id)
    write_pack(desk.folder / "pack.xlsx", book, cases, desk.now)
    return desk.folder / "pack.xlsx"


def edited(pack: Path, edit: Edit) -> Path:
    """The pack as a spreadsheet program saves it after `edit` of its sheet of cases."""
    workbook = openpyxl.load_workbook(pack)
    edit(workbook)
    workbook.save(pack.with_name("edited.xlsx"))
    return pack.with_name("edited.xlsx")


def fill(subject: str, **cells: Any) -> Edit:
    """Fills in a row; underscores in names stand for spaces."""
    def edit(workbook: Any) -> None:
        sheet = workbook["cases"]
        for row in range(2, sheet.max_row + 1):
            if sheet.cell(row, 1).value == case_id(subject):
                for name, value in cells.items():
                    sheet.cell(row, COLUMN[name.replace("_", " ")]).value = value

    return edit


def refused(desk: Desk, path: Path, *, actor: str = "ana") -> str:
    """What is said of a pack of which nothing may be applied, the same by preview and by import."""
    before = desk.book().chain
    said = set()
    for attempt in (preview, import_pack):
        with pytest.raises(PackRefused) as error:
            attempt(desk.place, read_pack(path), actor=actor, now=desk.now)
        said.add(str(error.value))
    assert desk.book().chain == before
    [text] = said
    return text


def cells(path: Path, subject: str) -> dict[str, Any]:
    """A row of the sheet of cases."""
    sheet = openpyxl.load_workbook(path)["cases"]
    return next(dict(zip(NAMES, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)
                if row[0] == case_id(subject))  # fmt: skip


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


def test_a_pack_that_nobody_filled_in_changes_nothing(desk: Desk, pack: Path) -> None:
    before = desk.book().chain
    for path in (pack, edited(pack, lambda workbook: None)):
        assert import_pack(desk.place, read_pack(path), actor="ana", now=desk.now) == []
    assert desk.book().chain == before


def test_what_is_filled_in_is_shown_first_then_applied_in_one_append_and_never_twice(desk: Desk, pack: Path) -> None:
    def edit(workbook: Any) -> None:
        fill("movement:J0", assignee="bob", action="explain", text=" known\noutage ")(workbook)
        fill("movement:J1", action="write-off", text="small")(workbook)
        fill("movement:J2", assignee="eve")(workbook)

    path = edited(pack, edit)
    before = desk.book().chain
    shown = preview(desk.place, read_pack(path), actor="ana", now=desk.now)
    assert desk.book().chain == before
    done = import_pack(desk.place, read_pack(path), actor="ana", now=desk.now)
    assert done == shown
    assert {of.after.subject_id: (of.actions, of.before.status, of.after.status, of.after.assignee) for of in done} == {
        "movement:J0": (("assign", "explain"), "open", "explained", "bob"),
        "movement:J1": (("write-off",), "assigned", "write_off_proposed", "zoe"),
        "movement:J2": (("assign",), "open", "assigned", "eve"),
    }
    assert desk.case("movement:J0").text == "known outage"
    assert desk.book().chain.number == before.number + 1
    said = refused(desk, path)
    assert said.startswith("the pack has 3 faults, and nothing of it was applied:\n  cases!A")
    assert re.search(rf"cases!A\d: case {case_id('movement:J1')[:12]} has changed since the export: "
                     r"ana \(written off, 2026-04-01 09:00\); export again and look at it anew", said)  # fmt: skip


def test_a_second_person_approves_by_pack_and_the_first_cannot(desk: Desk, pack: Path) -> None:
    carry_out(desk.place, [Order(case_id("movement:J0"), "write-off", "small")], actor="ana", now=desk.now)
    path = edited(export(desk), fill("movement:J0", action="approve"))
    assert "cases!L" in refused(desk, path)
    assert "ana proposed the write-off, so somebody else has to approve it" in refused(desk, path)
    [done] = import_pack(desk.place, read_pack(path), actor="bob", now=desk.now)
    assert done.after.status == "written_off"


@pytest.mark.parametrize("edit, said", [
    (fill("movement:J0", amount="90071992547409.92"),
     "cases!E3: amount was '90071992547409.93' and is now '90071992547409.92'; fixed columns cannot be changed"),
    (fill("movement:J0", **{"amount (number)": 1}),
     "cases!F3: the number was 90071992547409.93 and is now '1'; fixed columns cannot be changed"),
    (fill("movement:J0", status="resolved"), "cases!J3: status was 'open' and is now 'resolved'"),
    (fill("movement:J0", currency=None), "cases!D3: currency was 'EUR' and is now ''"),
    (fill("movement:J0", case="0" * 32), "cases!A3: '00000000000000000000000000000000' is no case of this pack"),
    (fill("movement:J0", case=case_id("movement:J1")), "cases!A4: case"),
    (fill("movement:J0", action="burn"), "cases!L3: action 'burn' is unknown; accepted: explain, write-off, approve"),
    (fill("movement:J0", action="assign", text="x"), "cases!L3: action 'assign' is unknown"),
    (fill("movement:J0", action="explain"), "explain needs a text"),
    (fill("movement:J0", action="approve"), "is open, which approve is not for; possible now: assign, explain"),
    (fill("movement:J0", text="because"), "there is a text and no action in cases!L3"),
    (fill("movement:J1", assignee=None), "cases!L4: the assignee was zoe and is gone"),
    (fill("movement:J0", text="=A1", action="explain"), "cases!M3 holds a formula; write the text itself"),
    (fill("movement:J0", assignee="=1+1"), "cases!K3 holds a formula"),
    (fill("movement:J0", reason='=HYPERLINK("x")'), "cases!N3 holds a formula"),
    (fill("movement:J0", text=17, action="explode"), "action 'explode' is unknown"),
])  # fmt: skip
def test_a_wrong_cell_is_named_and_nothing_applied(desk: Desk, pack: Path, edit: Edit, said: str) -> None:
    def both(workbook: Any) -> None:
        fill("movement:J2", action="explain", text="right")(workbook)
        edit(workbook)

    path = edited(pack, both)
    assert said in refused(desk, path)


def test_every_fault_is_counted_and_the_first_are_named(desk: Desk) -> None:
    desk.enter(found=[Found(f"movement:{number:02}") for number in range(30)])

    def spoil(workbook: Any) -> None:
        for row in range(2, 27):
            workbook["cases"].cell(row, COLUMN["due"]).value = "later"

    said = refused(desk, edited(export(desk), spoil))
    assert said.startswith("the pack has 25 faults, and nothing of it was applied:\n  cases!H2: due was '2026-03-13")
    assert said.count("cases!H") == 20
    assert said.endswith("and 5 more")


def test_a_copied_row_is_named_with_its_twin(desk: Desk, pack: Path) -> None:
    def copy(workbook: Any) -> None:
        sheet = workbook["cases"]
        sheet.append([cell.value for cell in sheet[3]])

    assert re.search(r"cases!A6: case \w{12} stands in row 3 already", refused(desk, edited(pack, copy)))


def test_rows_may_be_left_out_and_sorted(desk: Desk, pack: Path) -> None:
    def edit(workbook: Any) -> None:
        fill("movement:J1", action="explain", text="timing")(workbook)
        sheet = workbook["cases"]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        sheet.delete_rows(2, len(rows))
        for row in reversed(rows[1:]):
            sheet.append(row)
            sheet.cell(sheet.max_row, COLUMN["reason"]).data_type = "s"

    [done] = import_pack(desk.place, read_pack(edited(pack, edit)), actor="ana", now=desk.now)
    assert done.after.subject_id == "movement:J1"


def _drop(sheet: str) -> Edit:
    return lambda workbook: workbook.remove(workbook[sheet])


def _put(sheet: str, cell: str, value: Any) -> Edit:
    return lambda workbook: setattr(workbook[sheet][cell], "value", value)


@pytest.mark.parametrize("edit, said", [
    (_drop("cases"), "has no sheet 'cases'; accepted: an XLSX file that recon breaks export wrote"),
    (_drop("pack"), "has no sheet 'pack'"),
    (lambda workbook: workbook["cases"].delete_cols(5), "sheet 'cases' lacks the column amount; accepted"),
    (lambda workbook: workbook["cases"].insert_cols(2), "cases!B1 holds ''; 'severity' was expected: columns stay as"),
    (_put("cases", "Z1", "note"), "cases!Z1 holds 'note'; 'nothing' was expected"),
    (_put("cases", "Z3", "hm"), "cases!Z3 holds 'hm', outside the pack's columns"),
    (_put("pack", "B1", "2"), "its hidden sheet 'pack' is not as the export wrote it; export anew"),
    (_put("pack", "A3", "tail"), "its hidden sheet 'pack' is not as the export wrote it"),
    (_put("pack", "B4", "soon"), "cannot be read as a workbook"),
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


def test_a_pack_of_another_lake_or_with_another_hidden_sheet_is_refused(desk: Desk, pack: Path) -> None:
    other = replace(desk, folder=desk.folder / "other")
    other.enter(found=FOUND)
    assert re.search(r"exported from .*lake at entry \w{12}, which the log of .*other/lake does not have",
                     refused(other, pack))  # fmt: skip
    rows = openpyxl.load_workbook(pack)["pack"].iter_rows()
    row = next(row for row in rows if row[0].value == case_id("movement:J0"))
    path = edited(pack, _put("pack", row[2].coordinate, "0" * 64))
    assert "what the hidden sheet says of case" in refused(desk, path)


def test_a_row_that_nobody_filled_in_may_be_out_of_date(desk: Desk, pack: Path) -> None:
    path = edited(pack, fill("movement:J0", action="explain", text="timing"))
    desk.enter("T+14", [replace(FOUND[1], diff_minor=7)])
    [done] = import_pack(desk.place, read_pack(path), actor="ana", now=desk.now + timedelta(hours=1))
    assert done.after.status == "explained"


def test_a_case_that_changes_while_the_pack_is_checked_refuses_it(desk: Desk, pack: Path) -> None:
    from tests.breaks.places import FasterRival

    path = edited(pack, fill("movement:J0", action="explain", text="timing"))
    rival = FasterRival(desk.place.root, lambda: carry_out(
        desk.place, [Order(case_id("movement:J0"), "assign", "zoe")], actor="bob", now=desk.now))
    with pytest.raises(PackRefused, match=r"has changed since the export: bob \(assigned"):
        import_pack(rival, read_pack(path), actor="ana", now=desk.now)


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
