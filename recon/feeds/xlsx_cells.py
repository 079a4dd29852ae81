"""A workbook's cell as the text that a CSV of the same report prints, or why it cannot be: a spreadsheet rewrites.

It keeps 15 significant digits, turns what looks like a date into one, and drops zeros at the ends of a number. What is
still exact is taken; what may have been changed is named and never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from recon.feeds.forms import Form

KEPT_DIGITS = 15
"""Significant digits that every spreadsheet program keeps."""
_EXACT = 2**53
"""Below it a workbook's number holds every whole number exactly."""
_FINEST = -4
"""Power of ten of the finest minor unit there is."""

CellValue = str | int | float | bool | datetime | date | time | timedelta | None

_WHOLE = "text, or a whole number that a workbook holds exactly"
_NUMBER = "text, or a number of at most 15 digits"


@dataclass(frozen=True, slots=True)
class Damage:
    """Why a cell cannot be trusted, what would be accepted, and what it holds."""

    problem: str
    accepted: str
    value: str


@dataclass(slots=True)
class Reader:
    """Turns the cells of one column into text.

    `doubtful` are the rows of numbers with 16 digits and a last digit of 0: a program that keeps 15 digits leaves
    nothing else, so they count only if `shows_all_digits`, which another number of the column proves.
    """

    form: Form
    doubtful: list[tuple[int, str]] = field(default_factory=list)
    shows_all_digits: bool = False

    def read(self, row: int, value: CellValue, data_type: str) -> tuple[str | None, Damage | None]:
        """(the text, what is wrong with it). Faults that a column's own checks name anyway are left to them."""
        if value is None or value == "":
            return None, None
        text = plain(value)
        if data_type in ("e", "f") and self.form is not Form.TIME:
            what = "a formula" if data_type == "f" else "an error of the spreadsheet"
            return None, Damage(f"{what} where a value belongs", "the value itself", text)
        if isinstance(value, str):
            return value, None
        if self.form is Form.TEXT:
            return self._reference(row, value, text)
        if self.form is Form.AMOUNT and isinstance(value, int | float) and _digits(text) > KEPT_DIGITS:
            finest = Decimal(text).normalize().as_tuple().exponent
            if isinstance(finest, int) and finest >= _FINEST:
                return text, Damage("a number of more digits than a spreadsheet keeps", _NUMBER, text)
        return text, None

    def _reference(self, row: int, value: CellValue, text: str) -> tuple[str, Damage | None]:
        wrong = ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            wrong = "a date or a truth value where text belongs"
        elif abs(value) >= _EXACT:
            wrong = "a number too large to be exact where text belongs: the spreadsheet rounds it"
        elif not float(value).is_integer():
            wrong = "a number with decimals where text belongs: it may have lost zeros at its end"
        if wrong:
            return text, Damage(wrong, _WHOLE, text)
        if len(text.lstrip("-")) > KEPT_DIGITS:
            if text.endswith("0"):
                self.doubtful.append((row, text))
            else:
                self.shows_all_digits = True
        return text, None


def plain(value: CellValue) -> str:
    """A cell's value as text: numbers without exponent in their shortest form, times as `YYYY-MM-DD HH:MM:SS`."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # The shortest text that gives the same number is what was typed, as far as the workbook still holds it.
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    if isinstance(value, datetime):
        fraction = f".{value.microsecond // 1000:03d}" if value.microsecond else ""
        return f"{value:%Y-%m-%d %H:%M:%S}{fraction}"
    return str(value)


def _digits(text: str) -> int:
    return len(text.replace(".", "").lstrip("-0").rstrip("0"))
