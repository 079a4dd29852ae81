"""Case packs in tests: four cases, their pack, and what people and programs do to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from recon.breaks.pack_columns import NAMES
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


def drop(sheet: str) -> Edit:
    """Removes a sheet."""
    return lambda workbook: workbook.remove(workbook[sheet])


def put(sheet: str, cell: str, value: Any) -> Edit:
    """Writes a cell."""
    return lambda workbook: setattr(workbook[sheet][cell], "value", value)
