"""Finds card numbers in text: 13 to 19 digits, also in groups, whose check digit is right."""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[0-9]+(?:[ ._\-\u2010-\u2015]{1,2}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_SHORTEST, _LONGEST = 13, 19


def holds_card_number(text: str) -> bool:
    """Whether one is anywhere in `text`; digits of any script count, groups may be parted by spaces, dots or dashes."""
    # Full-width and other digits become plain ones.
    plain = unicodedata.normalize("NFKC", text)
    return any(_in_groups(_GROUP.findall(run)) for run in _RUN.findall(plain))


def _in_groups(groups: list[str]) -> bool:
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _LONGEST:
                break
            if len(digits) >= _SHORTEST and _luhn(digits):
                return True
    return False


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    # Only zeros pass the sum and are no card.
    return total % 10 == 0 and total > 0
