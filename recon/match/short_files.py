"""Files that hold far fewer rows than files of their kind do, though nothing in them says that something is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from recon.match.feed_book import FeedFile, Interval

ENOUGH = 8
"""Former files of a kind from which on a count can be called too low."""
RECENT = 20
"""How many former files are compared with: a month of working days."""
PART = 4
"""Below a quarter of the smallest of them is short. Sales halve on a holiday; they do not quarter the worst day."""
_HOUR = timedelta(hours=1)
_HALF_AN_HOUR = timedelta(minutes=30)
_SATURDAY = 5
_USED_TO = 3
"""So many short files in a row are no accident: from then on they are what is compared with."""


@dataclass(frozen=True, slots=True)
class Short:
    """A file with too few rows, and the smallest of the `compared` former ones."""

    file: FeedFile
    smallest: int
    compared: int


def short_files(current: Sequence[FeedFile], zone: ZoneInfo) -> list[Short]:
    """Accepted files of one report whose row count is below a quarter of the smallest of the last RECENT comparable
    former ones, of which there must be ENOUGH.

    Comparable are accepted files that cover as many days, beginning on a day of the same sort (working day or
    week-end in `zone`). What was called short is compared with only once there are _USED_TO in a row. Files go by
    what they cover, so that the order of their arrival says nothing.
    """
    former: dict[tuple[int, bool], deque[int]] = {}
    suspects: dict[tuple[int, bool], list[int]] = {}
    found = []
    whole = [(f.covers, f) for f in current if f.covers and f.status == "accepted"]
    for covers, file in sorted(whole, key=lambda pair: (pair[0], pair[1].received_at, pair[1].file_id)):
        kind = _kind(covers, zone)
        counts = former.setdefault(kind, deque(maxlen=RECENT))
        doubted = suspects.setdefault(kind, [])
        if len(counts) >= ENOUGH and file.rows * PART < min(counts):
            found.append(Short(file, min(counts), len(counts)))
            doubted.append(file.rows)
            if len(doubted) >= _USED_TO:
                counts.extend(doubted)
                doubted.clear()
        else:
            counts.append(file.rows)
            doubted.clear()
    return found


def _kind(covers: Interval, zone: ZoneInfo) -> tuple[int, bool]:
    """How many hours are covered, whole days where a clock change took or gave one; whether from a week-end."""
    hours = (covers[1] - covers[0] + _HALF_AN_HOUR) // _HOUR
    days = (hours + 1) // 24
    near_days = days and abs(hours - days * 24) <= 1
    return days * 24 if near_days else hours, covers[0].astimezone(zone).weekday() >= _SATURDAY
