"""CSV: read by DuckDB in one pass; row by row in Python only when that fails, to say where and why."""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from recon.feeds.faults import KEPT, Fault, FileRefused, refuse
from recon.feeds.header import Header, clean
from recon.feeds.sheet import PREVIEW, Loaded

_MAX_LINE = 4_000_000
_OTHER = {b"\x1f\x8b": "gzip", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"%PDF": "PDF"}


class CsvSheet:
    """A comma-separated file in UTF-8, with or without BOM, with either line ending."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self.preview = _preview(head)

    def load(self, con: duckdb.DuckDBPyConnection, header: Header, positions: Collection[int]) -> Loaded:
        """Table `raw`. Rows of another width, undecodable bytes and open quotes become faults, with their lines."""
        columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
        kept = ", ".join(f"nullif(c{index}, '') AS c{index}" for index in positions)
        name = glob.escape(str(self.path)).replace("'", "''")
        query = (
            f"CREATE OR REPLACE TABLE raw AS SELECT {kept} FROM read_csv('{name}', auto_detect=false, header=true, "
            f"skip={header.line - 1}, delim=',', quote='\"', escape='\"', columns={{{columns}}}, "
            f"null_padding=false, strict_mode=true, max_line_size={_MAX_LINE})"
        )
        try:
            con.execute(query)
        except duckdb.Error as error:
            return self._load_slowly(con, header, positions, str(error))
        return Loaded(first_line=header.line + 1)

    def _load_slowly(
        self, con: duckdb.DuckDBPyConnection, header: Header, positions: Collection[int], message: str
    ) -> Loaded:
        faults: list[Fault] = []
        lines: list[int] = []
        cells: list[list[str | None]] = [[] for _ in positions]
        for line, record in self._records(header, faults):
            fault = _shape_fault(line, record, len(header.names))
            if fault is not None:
                faults.append(fault)
            elif len(faults) < KEPT:
                lines.append(line)
                for column, position in zip(cells, positions, strict=True):
                    column.append(record[position] or None)
        if not faults:
            raise refuse(f"not a CSV file that can be read safely ({_first_line(message)})", accepted="RFC 4180 CSV")
        named = zip(positions, cells, strict=True)
        table = pa.table({f"c{position}": pa.array(column, pa.string()) for position, column in named})
        con.register("slow", table)
        con.execute("CREATE OR REPLACE TABLE raw AS SELECT * FROM slow")
        con.unregister("slow")
        return Loaded(header.line + 1, tuple(faults), lines)

    def _records(self, header: Header, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            line = 0
            while True:
                try:
                    record = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    problem = f"quotes that do not pair ({error})"
                    faults.append(Fault(problem, line + 1, accepted="quotes around a whole field, doubled inside it"))
                    return
                line += bool(record) or line < header.line
                if record and line > header.line:
                    yield line, record


def open_csv(path: Path, head: bytes) -> CsvSheet | None:
    """The file as CSV: the format of last resort. Raises FileRefused for formats that are known not to be CSV."""
    for magic, name in _OTHER.items():
        if head.startswith(magic):
            raise refuse(f"the file is {name}", accepted="plain CSV in UTF-8, or XLSX")
    if b"\x00" in head:
        raise refuse("the file holds binary data", accepted="plain CSV in UTF-8, or XLSX")
    return CsvSheet(path, head)


def _preview(head: bytes) -> list[tuple[str, ...]]:
    head = head.removeprefix(b"\xef\xbb\xbf")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8")
        if text.count("\n") < 1:
            raise refuse("bytes that are not UTF-8", line=1, accepted="UTF-8") from None
    records: list[tuple[str, ...]] = []
    try:
        # Blank lines stay, so that a header is found on its own line.
        for record in csv.reader(io.StringIO(text, newline="")):
            records.append(clean(record))
            if len(records) == PREVIEW:
                break
    except csv.Error as error:
        if not records:
            raise FileRefused([Fault(f"no header can be read ({error})", line=1, accepted="CSV in UTF-8")]) from None
    return records


def _shape_fault(line: int, record: list[str], width: int) -> Fault | None:
    for cell in record:
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            shown = cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            return Fault("bytes that are not UTF-8", line, value=shown, accepted="UTF-8")
    if len(record) != width:
        return Fault(f"the row has {len(record)} fields, the header has {width}", line, accepted=f"{width} fields")
    return None


def _first_line(message: str) -> str:
    return " ".join(message.split("\n")[:2])[:200]
