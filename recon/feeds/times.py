"""Local times of the gateways' files to UTC, without an extension: zone rules become a CASE over the file's range.

A local time that the clocks skipped has no UTC instant (NULL, a fault); one that they showed twice needs the
abbreviation printed beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LABELS: dict[str, str] = {
    "UTC": "UTC", "Z": "UTC", "CET": "Europe/Amsterdam", "CEST": "Europe/Amsterdam", "GMT": "Europe/London",
    "BST": "Europe/London", "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver",
    "MDT": "America/Denver", "CST": "America/Chicago", "CDT": "America/Chicago", "EST": "America/New_York",
    "EDT": "America/New_York", "HKT": "Asia/Hong_Kong", "SGT": "Asia/Singapore", "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
    "EET": "Europe/Helsinki", "EEST": "Europe/Helsinki", "BRT": "America/Sao_Paulo",
}  # fmt: skip
"""Zone abbreviations as the gateways print them, and the zone whose rules they stand for."""

PATTERN = r"20[0-9]{2}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?"
ACCEPTED = "a date and time such as 2026-01-31 23:59:59"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a zone's offset at `at` (UTC, no tzinfo): offsets in seconds and abbreviations on both sides."""

    at: datetime
    before: int
    after: int
    label_before: str
    label_after: str


def known_zone(name: str) -> bool:
    """Whether `name` is a time zone that the machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def parsed(text: str | None) -> datetime | None:
    """The printed local time, None where it is none."""
    if text is None or not re.fullmatch(PATTERN, text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def local_sql(text: str) -> str:
    """SQL: the printed local time as TIMESTAMP, NULL where it is none or lies outside the years 2000 to 2099."""
    return f"CASE WHEN regexp_full_match({text}, '{PATTERN}') THEN TRY_CAST({text} AS TIMESTAMP) END"


def to_utc_sql(local: str, zone: str, low: datetime, high: datetime, label: str | None = None) -> str:
    """SQL: TIMESTAMP `local` in `zone` as UTC, for times from `low` to `high` (local, no tzinfo).

    `label` is SQL of the printed abbreviation; it decides the hour that the clocks show twice. NULL for a time that
    does not exist, or that exists twice without a deciding label.
    """
    if zone in ("UTC", "Etc/UTC"):
        return local
    rules = ZoneInfo(zone)
    changes = [c for year in range(low.year, high.year + 1) for c in changes_in(zone, year)]
    near = [c for c in changes if low - timedelta(days=2) <= c.at <= high + timedelta(days=2)]
    first = near[0].before if near else _offset(rules, low)
    branches, last = [], first
    for change in near:
        start, end = sorted(change.at + timedelta(seconds=s) for s in (change.before, change.after))
        branches.append(f"WHEN {local} < TIMESTAMP '{start}' THEN {last}")
        branches.append(f"WHEN {local} < TIMESTAMP '{end}' THEN {_twice(change, label)}")
        last = change.after
    seconds = f"CASE {' '.join(branches)} ELSE {last} END" if branches else str(last)
    return f"({local} - to_seconds({seconds}))"


@lru_cache(maxsize=1024)
def changes_in(zone: str, year: int) -> tuple[Change, ...]:
    """The changes of offset of `zone` in a UTC year, to the second."""
    rules, found = ZoneInfo(zone), []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        after = day + timedelta(days=1)
        if day.astimezone(rules).utcoffset() != after.astimezone(rules).utcoffset():
            found.append(_change(rules, day, after))
        day = after
    return tuple(found)


def _change(rules: ZoneInfo, low: datetime, high: datetime) -> Change:
    before = low.astimezone(rules).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if middle.astimezone(rules).utcoffset() == before else (low, middle)
    old, new = low.astimezone(rules), high.astimezone(rules)
    return Change(
        high.replace(tzinfo=None), _seconds(old.utcoffset()), _seconds(new.utcoffset()),
        old.tzname() or "", new.tzname() or "",
    )  # fmt: skip


def _twice(change: Change, label: str | None) -> str:
    if change.after > change.before or label is None:
        return "NULL"
    before, after = f"'{change.label_before}' THEN {change.before}", f"'{change.label_after}' THEN {change.after}"
    return f"CASE {label} WHEN {before} WHEN {after} END"


def _offset(rules: ZoneInfo, local: datetime) -> int:
    return _seconds(local.replace(tzinfo=rules).utcoffset())


def _seconds(offset: timedelta | None) -> int:
    return (offset or timedelta()) // timedelta(seconds=1)
