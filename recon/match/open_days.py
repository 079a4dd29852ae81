"""Open days of a calendar that the lake does not carry: from the holidays library, by the calendar's name."""

from __future__ import annotations

from datetime import date, timedelta

import holidays

from recon.errors import Refused
from recon.match.due import Calendar

_ALIASES = {"TARGET": "XECB", "TARGET2": "XECB", "T2": "XECB", "FEDWIRE": "XFED"}
_DAY = timedelta(days=1)


def default_calendar(name: str, start: date, end: date) -> Calendar:
    """Open days of [start, end] of a financial market or country, e.g. TARGET, NYSE, US or NL.

    Raises Refused where the library knows no such calendar.
    """
    code = _ALIASES.get(name, name)
    years = range(start.year, end.year + 1)
    if code in holidays.list_supported_financial():
        known = holidays.financial_holidays(code, years=years)
    elif code in holidays.list_supported_countries():
        known = holidays.country_holidays(code, years=years)
    else:
        raise Refused(
            f"calendar {name!r} is neither in business_days of the lake nor known by name; accepted: a calendar in "
            "business_days, TARGET, FEDWIRE, a market such as NYSE, or a country code such as US"
        )
    days = (start + _DAY * offset for offset in range((end - start).days + 1))
    return Calendar(name, tuple(day for day in days if known.is_working_day(day)))
