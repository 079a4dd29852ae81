"""Settlement lag: open days between a capture and its money, by the calendar of the gateway's account."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from recon.match.due import Calendar, calendars
from recon.match.open_days import default_calendar

CALENDARS = {"stripe": "US", "adyen": "TARGET"}
"""Where the lake's feed_expectations name none."""

Row = Mapping[str, Any]


class OpenDays:
    """Which days count for an account."""

    def __init__(self, expected: Iterable[Row], known_days: Iterable[Row]) -> None:
        """Rows of the queries expected_feeds and calendar_days."""
        self._known = calendars(known_days)
        self._of_account = {(row["gateway"], row["gateway_account"]): str(row["calendar"]) for row in expected}

    def between(self, gateway: str, account: str, start: date, end: date) -> int:
        """Open days after `start` up to and with `end`; 0 where the end is not later."""
        name = self._of_account.get((gateway, account)) or CALENDARS.get(gateway, "TARGET")
        held = self._known.get(name)
        # What the lake's calendar does not reach is counted by the library's.
        reaches = held and held.open_days and held.open_days[0] <= start and end <= held.open_days[-1]
        chosen = held if held and reaches else self._library(name, start, end)
        return max(bisect_right(chosen.open_days, end) - bisect_right(chosen.open_days, start), 0)

    def _library(self, name: str, start: date, end: date) -> Calendar:
        return default_calendar(name, start, max(start, end))


def lags(rows: Iterable[Row], open_days: OpenDays) -> Sequence[Row]:
    """Rows of latency_settled with open days for their dates, equal ones together, sorted."""
    found: Counter[tuple[str, str, int | None, int | None]] = Counter()
    for row in rows:
        gateway, account = row["gateway"] or "", row["gateway_account"] or ""
        paid, reported = (
            None if row[name] is None else open_days.between(gateway, account, row["captured_day"], row[name])
            for name in ("paid_day", "reported_day"))
        found[gateway, account, paid, reported] += row["payments"]
    ordered = sorted(found.items(), key=lambda item: [(part is None, part or 0 if isinstance(part, int) else part or "")
                                                      for part in item[0]])
    return [{"gateway": gateway, "gateway_account": account, "paid_after": paid, "reported_after": reported,
             "payments": payments} for (gateway, account, paid, reported), payments in ordered]
