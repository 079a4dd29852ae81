"""XLSX: the one filled sheet of a workbook, streamed cell by cell into the same text columns that a CSV gives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from recon.feeds.faults import KEPT, Fault, FileRefused, refuse
from recon.feeds.forms import Form
from recon.feeds.header import Header, clean
from recon.feeds.sheet import PREVIEW, Loaded
from recon.feeds.xlsx_cells import Reader, plain

_ACCEPTED = "an XLSX workbook with one sheet, or CSV in UTF-8"
_LARGEST = 4 * 1024**3
"""Bytes of a workbook when unpacked."""
_OLD = b"\xd0\xcf\x11\xe0"
_DOUBTFUL = "a 16-digit number ending in 0 where text belongs: the spreadsheet may have rounded it"

Row = tuple[Any, ...]


class XlsxSheet:
    """A workbook. A line is a row of its sheet, as a spreadsheet numbers them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _weigh(path)
        with self._book() as book:
            filled = [name for name in book.sheetnames if _has_value(book[name])]
        if len(filled) != 1:
            problem = f"{len(filled)} sheets with content: {', '.join(filled)}" if filled else "no sheet has content"
            raise refuse(problem, accepted="a workbook with one filled sheet")
        self.name = filled[0]
        # Empty rows stay, so that a header is found on the row that a spreadsheet shows it on.
        self.preview: list[tuple[str, ...]] = []
        for _, row in self._rows():
            self.preview.append(_unpadded(clean("" if cell.value is None else plain(cell.value) for cell in row)))
            if len(self.preview) == PREVIEW:
                break

    def load(self, con: duckdb.DuckDBPyConnection, header: Header, positions: Mapping[int, Form]) -> Loaded:
        """Table `raw`. Cells that a spreadsheet may have changed, gaps and cells beyond the header become faults."""
        readers = {position: Reader(form) for position, form in positions.items()}
        cells: dict[int, list[str | None]] = {position: [] for position in positions}
        faults: list[Fault] = []
        lines: list[int] = []
        gap: int | None = None
        for line, row in self._rows(header.line):
            if all(cell.value is None or cell.value == "" for cell in row):
                gap = gap or line
                continue
            if gap is not None and len(faults) < KEPT:
                faults.append(Fault("an empty row inside the table", gap, accepted="rows without gaps"))
            gap = None
            lines.append(line)
            faults += _beyond(line, row, header)
            for position, reader in readers.items():
                cell = row[position] if position < len(row) else None
                text, damage = (None, None) if cell is None else reader.read(line, cell.value, cell.data_type)
                cells[position].append(text)
                if damage is not None and len(faults) < KEPT:
                    faults.append(Fault(damage.problem, line, header.names[position], damage.value, damage.accepted))
        for position, reader in readers.items():
            if not reader.shows_all_digits:
                faults += [
                    Fault(_DOUBTFUL, line, header.names[position], text, "text, or a number of at most 15 digits")
                    for line, text in reader.doubtful[:KEPT]
                ]
        con.register("workbook", pa.table({f"c{at}": pa.array(column, pa.string()) for at, column in cells.items()}))
        con.execute("CREATE OR REPLACE TABLE raw AS SELECT * FROM workbook")
        con.unregister("workbook")
        return Loaded(header.line + 1, tuple(faults), lines)

    def _rows(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Rows after row `after`, with their numbers."""
        with self._book() as book:
            sheet = book[self.name]
            # What a sheet says of its own size may be wrong; then rows would be cut off.
            sheet.reset_dimensions()
            for line, row in enumerate(sheet.iter_rows(), start=1):
                if line > after:
                    yield line, row

    @contextmanager
    def _book(self) -> Iterator[Any]:
        try:
            with self.path.open("rb") as file:
                # Formulas are asked for rather than their last results, which need not be there and then look blank.
                book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
                try:
                    yield book
                finally:
                    book.close()
        except (FileRefused, duckdb.Error):
            raise
        except Exception as error:
            raise refuse(f"a workbook that cannot be read ({_told(error)})", accepted=_ACCEPTED) from error


def open_xlsx(path: Path, head: bytes) -> XlsxSheet | None:
    """The file as a workbook, or None when it is no ZIP archive. Raises FileRefused for what is nearly one."""
    if head.startswith(_OLD):
        raise refuse("the file is a workbook in the old XLS format, or one with a password", accepted=_ACCEPTED)
    return XlsxSheet(path) if head.startswith(b"PK\x03\x04") else None


def _weigh(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise refuse(f"a ZIP archive that cannot be read ({_told(error)})", accepted=_ACCEPTED) from None
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise refuse("the file is a ZIP archive, and not a workbook", accepted=_ACCEPTED)
    if sum(part.file_size for part in parts) > _LARGEST:
        raise refuse("a workbook of more than 4 GiB when unpacked", accepted="CSV, which is read as a stream")


def _has_value(sheet: Any) -> bool:
    if not hasattr(sheet, "iter_rows"):
        return False
    sheet.reset_dimensions()
    return any(cell.value not in (None, "") for row in sheet.iter_rows() for cell in row)


def _beyond(line: int, row: Row, header: Header) -> list[Fault]:
    width = len(header.names)
    extra = [plain(cell.value) for cell in row[width:] if cell.value not in (None, "")]
    return [Fault("a cell beyond the header's last column", line, None, cell, f"{width} columns") for cell in extra[:1]]


def _unpadded(names: tuple[str, ...]) -> tuple[str, ...]:
    while names and not names[-1]:
        names = names[:-1]
    return names


def _told(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
