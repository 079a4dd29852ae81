"""Where rows come from, whatever the format: a few first records to know the report by, then the needed columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from recon.feeds.faults import Fault, refuse
from recon.feeds.forms import Form
from recon.feeds.header import Header

PREVIEW = 12
"""Records from which a report is known: a header may stand below a few leading lines."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading found: `first_line` is the line of the first data row; `faults` are rows of the wrong shape.

    `lines` is given where rows were left out: the line of each row that was loaded.
    """

    first_line: int
    faults: tuple[Fault, ...] = ()
    lines: Sequence[int] | None = None

    def line_of(self, row: int) -> int:
        """The line in the file of a row counted from 0."""
        return self.lines[row] if self.lines is not None else row + self.first_line


class Sheet(Protocol):
    """A file of records. `preview` has the first records as text."""

    preview: list[tuple[str, ...]]

    def load(self, con: duckdb.DuckDBPyConnection, header: Header, positions: Mapping[int, Form]) -> Loaded:
        """Make table `raw` with a text column `c{position}` for each position, blank cells NULL, in file order.

        `positions` says what each column is meant to hold; a format of mere text need not ask.
        """
        ...


Opener = Callable[[Path, bytes], Sheet | None]
"""(path, first bytes) to a sheet, or None when the format is another one. Raises FileRefused."""


def open_sheet(path: Path, openers: Sequence[Opener]) -> Sheet:
    """The file as a sheet by the first opener that knows its format. Raises FileRefused for an empty file."""
    with path.open("rb") as file:
        head = file.read(262_144)
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise refuse("the file is empty", line=1, accepted="a report with its header")
    for opener in openers:
        sheet = opener(path, head)
        if sheet is not None:
            return sheet
    raise refuse("not a format that is read", accepted="CSV in UTF-8, XLSX, or Stripe API JSON")
