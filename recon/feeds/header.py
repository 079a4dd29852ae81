"""The header of a file: names as printed, found by name in any order, a name printed twice included."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """Column names in file order; `line` is the line of the file that the header is on."""

    names: tuple[str, ...]
    line: int = 1

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def positions(self, name: str) -> tuple[int, ...]:
        """Every position (from 0) of the column; empty when the file lacks it."""
        return tuple(index for index, printed in enumerate(self.names) if printed == name)

    def nearest(self, name: str) -> str | None:
        """The printed name that looks most like `name`, or None."""
        for printed in self.names:
            if printed.lower() == name.lower():
                return printed
        close = difflib.get_close_matches(name, self.names, n=1, cutoff=0.75)
        return close[0] if close else None


@dataclass(frozen=True, slots=True)
class Shape:
    """Which headers are this report's: `all_of` must be there, `none_of` must not, `any_of` at least one."""

    all_of: tuple[str, ...]
    none_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    def fits(self, header: Header) -> bool:
        """Whether the header is this report's."""
        return (
            all(name in header for name in self.all_of)
            and not any(name in header for name in self.none_of)
            and (not self.any_of or any(name in header for name in self.any_of))
        )

    def likeness(self, header: Header) -> float:
        """Share of the needed columns that the header has, 0 to 1: for naming what a strange file looks like."""
        return sum(name in header for name in self.all_of) / len(self.all_of)

    def lacking(self, header: Header) -> list[str]:
        """The needed columns that the header lacks."""
        missing = [name for name in self.all_of if name not in header]
        if self.any_of and not any(name in header for name in self.any_of):
            missing.append(" or ".join(self.any_of))
        return missing


def clean(cells: Iterable[str]) -> tuple[str, ...]:
    """Header cells as names: without surrounding blanks; letter case stays as printed."""
    return tuple(cell.strip() for cell in cells)
