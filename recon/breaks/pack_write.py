"""A case pack: cases as an Excel workbook in which three columns may be filled in and the rest is locked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.breaks.book import Book
from recon.breaks.case import Case
from recon.breaks.errors import NotPossible
from recon.breaks.orders import ACTIONS
from recon.breaks.pack_columns import CASES, COLUMNS, EDITABLE, NAMES, PACK, READ_ME, amount, fixed_cells, row_digest
from recon.breaks.said import instant

VERSION = "1"
MOST_ROWS = 1_000_000
"""Cases of a pack: somewhat less than the rows of a sheet."""
_HELP = (
    "One row per case. Fill in the coloured columns, save, and give the file to: recon breaks import FILE.xlsx",
    "assignee: who works on the case from now on. Leave it as it is to change nothing.",
    f"action: one of {', '.join(name for name in ACTIONS if name != 'assign')}; empty for none. A write-off needs a "
    "second person: who proposes it cannot approve it.",
    "text: the explanation or reason; every action but approve needs one.",
    "All other columns are fixed. The exact amount is the text; the number beside it is there to calculate with.",
    "Rows may be left out. Nothing is applied unless every row is right, and a case that changed since the export is "
    "refused: export again and fill in what is still to be done.",
)
_Made = Callable[[int, int], None]


def write_pack(path: Path, book: Book, cases: Sequence[Case], now: datetime, progress: _Made | None = None) -> None:
    """Write `cases`, as `book` has them, to `path` in one step; `progress` is told rows done and in all.

    Raises NotPossible where there is nothing to export, or too much.
    """
    if not cases or book.chain.last is None:
        raise NotPossible("there is no case to export; recon breaks list shows those there are")
    if len(cases) > MOST_ROWS:
        raise NotPossible(f"{len(cases):,} cases are more than a sheet holds; choose fewer with --status, --class or "
                          "--gateway")
    at = datetime.fromisoformat(instant(now))
    workbook = Workbook(write_only=True)
    # The sheet that is written first is the one that opens.
    digests = _cases(workbook, cases, at, progress)
    _read_me(workbook)
    _pack(workbook, book, at, zip(cases, digests, strict=True))
    workbook.properties.created = workbook.properties.modified = at.replace(tzinfo=None)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        workbook.save(part)
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


def _cases(workbook: Workbook, cases: Sequence[Case], at: datetime, progress: _Made | None) -> list[str]:
    """The sheet of cases; each row's digest."""
    sheet = workbook.create_sheet(CASES)
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.autoFilter = sheet.protection.sort = False
    sheet.freeze_panes = "B2"
    letters = {column.name: get_column_letter(place) for place, column in enumerate(COLUMNS, 1)}
    for column in COLUMNS:
        sheet.column_dimensions[letters[column.name]].width = column.width
    choice = ",".join(name for name in ACTIONS if name != "assign")
    validation = DataValidation(type="list", formula1=f'"{choice}"', allow_blank=True, errorStyle="stop",
                                error=f"accepted: {choice.replace(',', ', ')}, or nothing")
    validation.add(f"{letters['action']}2:{letters['action']}{len(cases) + 1}")
    sheet.data_validations.append(validation)
    sheet.auto_filter.ref = f"A1:{letters[NAMES[-1]]}{len(cases) + 1}"
    sheet.append(_header(sheet))
    row, digests = _Row(sheet), []
    for number, case in enumerate(cases, 1):
        cells = fixed_cells(case, at)
        digests.append(row_digest(cells))
        sheet.append(row.of(case, cells))
        if progress and (number % 500 == 0 or number == len(cases)):
            progress(number, len(cases))
    return digests


class _Row:
    """The cells of one row, used again for each: what is appended is written at once, and new cells take long."""

    def __init__(self, sheet: Any) -> None:
        self._cells = {name: _styled(sheet) for name in NAMES}
        for name in EDITABLE:
            self._cells[name] = _styled(sheet, protection=Protection(locked=False),
                                        fill=PatternFill("solid", fgColor="FFF2CC"))  # fmt: skip

    def of(self, case: Case, cells: dict[str, str]) -> list[Any]:
        """Values, and cells where the value alone would be taken for something else or would not look as it should."""
        return [self._one(name, cells, case) for name in NAMES]

    def _one(self, name: str, cells: dict[str, str], case: Case) -> Any:
        if name in EDITABLE:
            return self._text(name, (case.assignee or "") if name == "assignee" else "")
        if name not in cells:
            return self._number(name, case)
        # Excel would calculate what begins so, and take an error's name for the error.
        return self._text(name, cells[name]) if cells[name][:1] in ("=", "#") else cells[name] or None

    def _text(self, name: str, text: str) -> Any:
        cell = self._cells[name]
        cell.value = text or None
        if text:
            cell.data_type = "s"
        return cell

    def _number(self, name: str, case: Case) -> Any:
        value = amount(case)
        if value is None:
            return None
        cell = self._cells[name]
        cell.value = value
        decimals = max(0, -int(value.as_tuple().exponent))
        cell.number_format = "#,##0" + (f".{'0' * decimals}" if decimals else "")
        return cell


def _header(sheet: Any) -> list[Any]:
    bold, fill = Font(bold=True), PatternFill("solid", fgColor="FFD966")
    row = [_styled(sheet, font=bold, **({"fill": fill} if name in EDITABLE else {})) for name in NAMES]
    for cell, name in zip(row, NAMES, strict=True):
        cell.value = name
    return row


def _styled(sheet: Any, **style: Any) -> Any:
    cell: Any = WriteOnlyCell(sheet)
    for name, value in style.items():
        setattr(cell, name, value)
    return cell


def _read_me(workbook: Workbook) -> None:
    sheet = workbook.create_sheet(READ_ME)
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 100
    for line in _HELP:
        sheet.append([line])
    sheet.append([])
    for column in COLUMNS:
        sheet.append([column.name, column.note])
    sheet.append([])
    sheet.append(["decimals", "of a currency as ISO 4217 has them: "
                  + ", ".join(f"{places} for {name}" for name, places in sorted(ISO_EXPONENTS.items()) if places != 2)
                  + "; 2 for all others"])  # fmt: skip


def _pack(workbook: Workbook, book: Book, at: datetime, rows: Iterable[tuple[Case, str]]) -> None:
    sheet = workbook.create_sheet(PACK)
    sheet.sheet_state = "hidden"
    sheet.protection.sheet = True
    last = book.chain.last
    for name, value in (("version", VERSION), ("lake", book.root), ("head", last.entry_id if last else ""),
                        ("exported_at", instant(at.astimezone(UTC)))):  # fmt: skip
        sheet.append([name, value])
    for case, digest in rows:
        sheet.append([case.case_id, case.last_entry_id, digest])
