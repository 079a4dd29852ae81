"""Time inside a world: integer milliseconds since 1970 UTC, local days, business days, due instants."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def ms(at: datetime) -> int:
    """Milliseconds of an aware datetime."""
    return (at - _EPOCH) // _MS


def moment(at: int) -> datetime:
    """The aware UTC datetime of `at` milliseconds."""
    return _EPOCH + at * _MS


def rfc(at: int) -> str:
    """RFC 3339 `Z` to the second, as subjects and world.json print times."""
    return moment(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(at: int, zone: str) -> date:
    """The calendar day of `at` in `zone`."""
    return moment(at).astimezone(ZoneInfo(zone)).date()


@functools.cache
def local_midnight(day: date, zone: str) -> int:
    """When `day` begins in `zone`, in milliseconds."""
    return ms(datetime.combine(day, time(), ZoneInfo(zone)))


def local_days(zone: str, start: int, until: int) -> Iterator[tuple[date, int, int]]:
    """(day, from, until) of every local day that meets [start, until)."""
    day = local_date(start, zone)
    while (begins := local_midnight(day, zone)) < until:
        ends = local_midnight(day + timedelta(days=1), zone)
        yield day, begins, ends
        day += timedelta(days=1)


@functools.cache
def is_open(calendar: str, day: date) -> bool:
    """Whether banks of `calendar` (TARGET, US or UTC) are open on `day`."""
    if calendar == "UTC":
        return True
    return day.weekday() < 5 and day not in _closed(calendar, day.year)


@functools.cache
def _closed(calendar: str, year: int) -> frozenset[date]:
    days = (
        holidays.financial_holidays("ECB", years=year)
        if calendar == "TARGET"
        else (holidays.country_holidays("US", years=year))
    )
    return frozenset(days)


def landing(hour: int) -> int:
    """When the ledger objects of the hour that begins at `hour` reach the lake: a few minutes after its end."""
    return hour + HOUR + (2 + hour // HOUR % 5) * MINUTE


@dataclass(frozen=True, slots=True)
class Expectation:
    """When one report of one account is expected: the columns of feed_expectations that the due rule reads."""

    report: str
    time_zone: str
    cut_off: str
    lag_business_days: int
    grace_hours: int
    calendar: str


def due(at: int, expected: Expectation) -> int:
    """When the line of a movement at `at` is due: first open day after its local day, plus lag, cut-off and grace."""
    return _due_after(local_date(at, expected.time_zone), expected)


@functools.cache
def _due_after(day: date, expected: Expectation) -> int:
    left = expected.lag_business_days + 1
    while left:
        day += timedelta(days=1)
        left -= is_open(expected.calendar, day)
    hour, minute = expected.cut_off.split(":")
    local = datetime.combine(day, time(int(hour), int(minute)), ZoneInfo(expected.time_zone))
    return ms(local) + expected.grace_hours * HOUR
