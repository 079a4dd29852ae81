"""The text of a CSV as an XLSX workbook whose cells have the types that a gateway or a spreadsheet gives them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

NUMBERS = re.compile(r"\((NC|GC|PC|SC|FC)\)|Exchange Rate|Amount|Batch Number|Payable Batch|Num Txs")
TIMES = re.compile(r"Date( \(AMS\))?$")

Cell = Callable[[str, str], Any]
"""(header, printed text) to the value of a cell."""


def typed(header: str, text: str) -> Any:
    """Amounts, rates and batch numbers as numbers, times as dates, everything else as text."""
    if text and NUMBERS.search(header):
        return float(text) if "." in text else int(text)
    if text and TIMES.search(header) and re.match(r"[0-9]{4}-", text):
        return datetime.fromisoformat(text)
    return text or None


def printed(header: str, text: str) -> Any:
    """Every cell as text."""
    return text or None


def write_workbook(path: Path, text: str, *, header_line: int = 1, cell: Cell = typed) -> Path:
    """Write CSV `text` as a workbook; lines above `header_line` stay text."""
    rows = list(csv.reader(io.StringIO(text)))
    names = rows[header_line - 1]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, row in enumerate(rows, start=1):
        if number <= header_line:
            sheet.append([value or None for value in row])
        else:
            sheet.append([cell(name, value) for name, value in zip(names, row, strict=True)])
    book.save(path)
    return path


def change_cells(path: Path, changes: Mapping[str, Any]) -> Path:
    """Overwrite cells of a workbook by their address, such as `C2`; a number is no date any more."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    for address, value in changes.items():
        sheet[address].number_format = "General"
        sheet[address] = value
    book.save(path)
    return path


def column_letter(text: str, name: str, *, header_line: int = 1) -> str:
    """The letter of the first column called `name` in CSV `text`."""
    names = list(csv.reader(io.StringIO(text)))[header_line - 1]
    return get_column_letter(names.index(name) + 1)
