"""A case pack that comes back is checked cell by cell, and applied whole or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from recon.breaks.orders import Order, carry_out
from recon.breaks.pack_import import import_pack, preview
from recon.breaks.pack_read import PackRefused, read_pack
from tests.breaks.desk import Desk
from tests.breaks.packs import COLUMN, FOUND, Edit, edited, export, fill, put, refused
from tests.breaks.places import FasterRival
from tests.factories.finished_run import Found, case_id


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


def test_a_pack_of_another_lake_or_with_another_hidden_sheet_is_refused(desk: Desk, pack: Path) -> None:
    other = replace(desk, folder=desk.folder / "other")
    other.enter(found=FOUND)
    assert re.search(r"exported from .*lake at entry \w{12}, which the log of .*other/lake does not have",
                     refused(other, pack))  # fmt: skip
    rows = openpyxl.load_workbook(pack)["pack"].iter_rows()
    row = next(row for row in rows if row[0].value == case_id("movement:J0"))
    path = edited(pack, put("pack", row[2].coordinate, "0" * 64))
    assert "what the hidden sheet says of case" in refused(desk, path)


def test_a_row_that_nobody_filled_in_may_be_out_of_date(desk: Desk, pack: Path) -> None:
    path = edited(pack, fill("movement:J0", action="explain", text="timing"))
    desk.enter("T+14", [replace(FOUND[1], diff_minor=7)])
    [done] = import_pack(desk.place, read_pack(path), actor="ana", now=desk.now + timedelta(hours=1))
    assert done.after.status == "explained"


def test_a_case_that_changes_while_the_pack_is_checked_refuses_it(desk: Desk, pack: Path) -> None:
    path = edited(pack, fill("movement:J0", action="explain", text="timing"))
    rival = FasterRival(desk.place.root, lambda: carry_out(
        desk.place, [Order(case_id("movement:J0"), "assign", "zoe")], actor="bob", now=desk.now))
    with pytest.raises(PackRefused, match=r"has changed since the export: bob \(assigned"):
        import_pack(rival, read_pack(path), actor="ana", now=desk.now)
