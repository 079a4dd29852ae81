"""Days on which money moves."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import cast

import holidays

_DAY = timedelta(days=1)
_WEEKEND = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days of a payment system: `US` (Federal Reserve) or `TARGET` (euro)."""

    name: str

    def open(self, day: date) -> bool:
        """Whether `day` is a business day."""
        return day.weekday() < _WEEKEND and day not in _holidays(self.name, day.year)

    def after(self, day: date, count: int) -> date:
        """The `count`-th business day after `day`, which itself need not be one."""
        while count:
            day += _DAY
            count -= self.open(day)
        return day


@cache
def _holidays(name: str, year: int) -> Container[date]:
    found = holidays.country_holidays("US", years=year) if name == "US" else holidays.financial_holidays(
        "XECB", years=year)
    return cast("Container[date]", frozenset(found))
