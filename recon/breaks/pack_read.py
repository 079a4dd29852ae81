"""Reading a case pack back: rows as text, cell by cell, and what it was made from."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from recon.breaks.errors import NotPossible
from recon.breaks.pack_columns import CASES, NAMES, PACK
from recon.breaks.pack_write import VERSION

_LARGEST = 1 << 30
"""Bytes of a workbook when unpacked."""
_NEXT = "accepted: an XLSX file that recon breaks export wrote, with its fill-in columns filled in"
_META = ("version", "lake", "head", "exported_at")


class PackRefused(NotPossible):
    """A file is no case pack, or not one that can be applied: the message names every place, and nothing was."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the sheet of cases; `cells` by column: text as it stands, None where empty."""

    number: int
    cells: Mapping[str, Any]
    formulas: tuple[str, ...] = ()
    """Columns that hold a formula."""

    def cell(self, column: str) -> str:
        """Where a cell is, as a spreadsheet says it: cases!F17."""
        return f"{CASES}!{get_column_letter(NAMES.index(column) + 1)}{self.number}"

    def text(self, column: str) -> str:
        """What a cell holds, as text."""
        return text_of(self.cells[column])


@dataclass(frozen=True, slots=True)
class Pack:
    """A case pack as it came back. `known` has (last_entry_id, digest of the fixed cells) by case."""

    lake: str
    head: str
    exported_at: datetime
    known: Mapping[str, tuple[str, str]]
    rows: Sequence[Row]


def read_pack(path: Path) -> Pack:
    """The pack at `path`. Raises PackRefused where it is none, or lacks a sheet or a column."""
    _weigh(path)
    try:
        with closing(openpyxl.load_workbook(path, read_only=True)) as workbook:
            for name in (CASES, PACK):
                if name not in workbook.sheetnames:
                    raise PackRefused(f"{path} has no sheet {name!r}; {_NEXT}")
            meta, known = _meta(workbook[PACK], path)
            rows = list(_rows(workbook[CASES], path))
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        raise PackRefused(f"{path} cannot be read as a workbook ({type(error).__name__}: {error}); {_NEXT}") from None
    return Pack(meta["lake"], meta["head"], datetime.fromisoformat(meta["exported_at"]), known, rows)


def text_of(value: Any) -> str:
    """A cell's value as text; spreadsheets may have turned text that people typed into something else."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _weigh(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
    except FileNotFoundError:
        raise PackRefused(f"there is no file {path}; {_NEXT}") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise PackRefused(f"{path} is no workbook ({error}); {_NEXT}") from None
    if size > _LARGEST:
        raise PackRefused(f"{path} unpacks to {size:,} bytes; accepted: up to {_LARGEST:,}")


def _meta(sheet: Any, path: Path) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    sheet.reset_dimensions()
    rows = [[text_of(value) for value in row[:3]] for row in sheet.iter_rows(values_only=True)]
    meta = {row[0]: row[1] for row in rows[:len(_META)] if len(row) > 1}
    if tuple(meta) != _META or meta["version"] != VERSION:
        raise PackRefused(f"{path}: its hidden sheet {PACK!r} is not as the export wrote it; export anew")
    datetime.fromisoformat(meta["exported_at"])
    return meta, {row[0]: (row[1], row[2]) for row in rows[len(_META):] if len(row) > 2}


def _rows(sheet: Any, path: Path) -> Iterator[Row]:
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), 1):
        values = [cell.value for cell in cells]
        if number == 1:
            _check_header(values, path)
            continue
        for place, value in enumerate(values[len(NAMES):], len(NAMES) + 1):
            if value is not None:
                raise PackRefused(f"{CASES}!{get_column_letter(place)}{number} holds {text_of(value)[:40]!r}, outside "
                                  "the pack's columns; text about a case goes into its column text")
        if any(value is not None for value in values):
            row = dict.fromkeys(NAMES) | dict(zip(NAMES, values, strict=False))
            formulas = tuple(name for name, cell in zip(NAMES, cells, strict=False) if cell.data_type == "f")
            yield Row(number, row, formulas)


def _check_header(values: Sequence[Any], path: Path) -> None:
    names = [text_of(value) for value in values]
    missing = [name for name in NAMES if name not in names]
    if missing:
        raise PackRefused(f"{path}: sheet {CASES!r} lacks the column {', '.join(missing)}; {_NEXT}")
    for place, (found, expected) in enumerate(zip(names, [*NAMES, *[""] * len(names)], strict=False), 1):
        if found != expected:
            raise PackRefused(f"{CASES}!{get_column_letter(place)}1 holds {found[:40]!r}; {expected or 'nothing'!r} "
                              "was expected: columns stay as the export wrote them")
