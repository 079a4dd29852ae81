"""When a movement's line, and the file that must hold it, are due: feed_expectations against a calendar."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recon.errors import Refused

_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)
CADENCES = ("hourly", "daily", "business_daily", "weekly", "monthly")


@dataclass(frozen=True, slots=True)
class Calendar:
    """Open days in order."""

    name: str
    open_days: tuple[date, ...]

    def nth_open_after(self, day: date, count: int) -> date | None:
        """The `count`-th open day after `day`; None where the calendar ends before it."""
        index = bisect_right(self.open_days, day) + count - 1
        return self.open_days[index] if index < len(self.open_days) else None


@dataclass(frozen=True, slots=True)
class Expectation:
    """One report of one account: when it is cut, and when it must be here."""

    gateway: str
    gateway_account: str
    report_type: str
    cadence: str
    zone: ZoneInfo
    cut_off: time
    lag_business_days: int
    grace: timedelta
    calendar: Calendar

    def due_at(self, event_at: datetime) -> datetime | None:
        """When the line of a movement at `event_at` is due, UTC; None where the calendar ends before."""
        local_day = event_at.astimezone(self.zone).date()
        day = self.calendar.nth_open_after(local_day, 1 + self.lag_business_days)
        if day is None:
            return None
        return datetime.combine(day, self.cut_off, self.zone).astimezone(UTC) + self.grace

    def periods(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The half-open UTC intervals that one file each must cover, all that intersect [start, end)."""
        at = self._period_start(start.astimezone(self.zone))
        while at.astimezone(UTC) < end:
            following = self._next_start(at)
            if following.astimezone(UTC) > start:
                yield at.astimezone(UTC), following.astimezone(UTC)
            at = following

    def period_due_at(self, period: tuple[datetime, datetime]) -> datetime | None:
        """When the file of `period` is due: when the last movement in it is."""
        return self.due_at(period[1] - _MS)

    def _period_start(self, local: datetime) -> datetime:
        if self.cadence == "hourly":
            return local.replace(minute=0, second=0, microsecond=0)
        day = local.date()
        if self.cadence == "weekly":
            day -= timedelta(days=day.weekday())
        elif self.cadence == "monthly":
            day = day.replace(day=1)
        elif self.cadence == "business_daily":
            while day - _DAY not in self.calendar.open_days and day > self.calendar.open_days[0]:
                day -= _DAY
        return datetime.combine(day, time(), self.zone)

    def _next_start(self, local: datetime) -> datetime:
        if self.cadence == "hourly":
            return (local.astimezone(UTC) + timedelta(hours=1)).astimezone(self.zone)
        day = local.date()
        if self.cadence == "weekly":
            day += timedelta(days=7)
        elif self.cadence == "monthly":
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        elif self.cadence == "business_daily":
            day = (self.calendar.nth_open_after(day - _DAY, 1) or day) + _DAY
        else:
            day += _DAY
        return datetime.combine(day, time(), self.zone)


def calendars(rows: Iterable[Mapping[str, object]]) -> dict[str, Calendar]:
    """Calendars by name from rows of business_days; a later row of the same day wins."""
    days: dict[str, dict[date, bool]] = {}
    for row in rows:
        day, name = row["day"], row["calendar"]
        assert isinstance(day, date)
        assert isinstance(name, str)
        days.setdefault(name, {})[day] = bool(row["open"])
    return {
        name: Calendar(name, tuple(sorted(day for day, is_open in of.items() if is_open)))
        for name, of in days.items()
    }


def expectations(rows: Iterable[Mapping[str, object]], known: Mapping[str, Calendar]) -> list[Expectation]:
    """Expectations from rows of feed_expectations. Raises Refused naming the row's fault and what is accepted."""
    found = []
    for row in rows:
        where = f"feed_expectations of {row['gateway']} {row['gateway_account']} {row['report_type']}"
        if row["cadence"] not in CADENCES:
            raise Refused(f"{where}: cadence {row['cadence']!r}; accepted: {', '.join(CADENCES)}")
        if row["calendar"] not in known:
            raise Refused(
                f"{where}: calendar {row['calendar']!r} is not in business_days; "
                f"there are: {', '.join(sorted(known)) or 'none'}"
            )
        try:
            zone = ZoneInfo(str(row["time_zone"]))
            cut_off = time.fromisoformat(str(row["cut_off"]))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Refused(f"{where}: {error}; accepted: an IANA zone and a local HH:MM") from None
        found.append(
            Expectation(
                gateway=str(row["gateway"]),
                gateway_account=str(row["gateway_account"]),
                report_type=str(row["report_type"]),
                cadence=str(row["cadence"]),
                zone=zone,
                cut_off=cut_off,
                lag_business_days=int(str(row["lag_business_days"])),
                grace=timedelta(hours=int(str(row["grace_hours"]))),
                calendar=known[str(row["calendar"])],
            )
        )
    return sorted(found, key=lambda e: (e.gateway, e.gateway_account, e.report_type))


def due_calendar(
    expected: Sequence[Expectation], start: datetime, end: datetime
) -> list[tuple[str, str, datetime, datetime, datetime]]:
    """(gateway, account, from, until, due_at) per local day of [start, end): what SQL joins movements to.

    An account with several settlement reports takes the earliest: once a covering file is here and its line was due,
    a missing line is missing.
    """
    earliest: dict[tuple[str, str], list[Expectation]] = {}
    for expectation in expected:
        earliest.setdefault((expectation.gateway, expectation.gateway_account), []).append(expectation)
    rows = []
    for (gateway, account), reports in sorted(earliest.items()):
        edges = sorted({edge for report in reports for edge in _local_midnights(report.zone, start, end)})
        for at, until in pairwise(edges):
            due = [at_due for report in reports if (at_due := _line_due(report, at))]
            if due:
                rows.append((gateway, account, at, until, min(due)))
    return rows


def _line_due(report: Expectation, at: datetime) -> datetime | None:
    """A line is due by the rule, but not before the file that must hold it."""
    by_rule = report.due_at(at)
    period = next(report.periods(at, at + _MS))
    by_file = report.period_due_at(period)
    return max(by_rule, by_file) if by_rule and by_file else None


def _local_midnights(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    day = start.astimezone(zone).date()
    last = end.astimezone(zone).date() + _DAY
    while day <= last:
        yield datetime.combine(day, time(), zone).astimezone(UTC)
        day += _DAY
