"""When each period of a report was due, when it was here, and how long reports take to come."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recon.match.due import Expectation
from recon.match.feed_book import FeedFile, Interval, holds, merged

HISTORY = timedelta(days=365)
"""How far back delays are learnt from: long enough that one in a hundred is seen, short enough to forget old habits."""

Key = tuple[str, str, str]
"""Gateway, account, report; empty where a refused file did not say."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One interval that a report has to cover. `state` is accepted, incomplete, late (due and absent) or waiting;
    `here_at` is when known files first held all of it, None where they do not."""

    span: Interval
    due_at: datetime | None
    state: str
    here_at: datetime | None
    partly: tuple[FeedFile, ...]
    """Files that count and hold a part of it, where all of them together do not hold the whole."""
    in_parts: bool = False
    """It took several files to hold the whole."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one account: all files offered, those that count, its periods that have ended (in order)."""

    key: Key
    expected: Expectation | None
    offers: Sequence[FeedFile]
    current: Sequence[FeedFile]
    periods: Sequence[Period]


def periods(
    report: Expectation, offers: Sequence[FeedFile], current: Sequence[FeedFile], interval: Interval, as_of: datetime
) -> list[Period]:
    """The periods of `report` that meet `interval` and had ended at `as_of`, in order.

    `offers` are all files of the report that were read, whatever became of them; `current` those that count.
    """
    spans = [span for span in report.periods(*interval) if span[1] <= as_of]
    of_offers, of_current = _by_span(spans, offers), _by_span(spans, current)
    return [
        _period(report, span, offered, counting, as_of)
        for span, offered, counting in zip(spans, of_offers, of_current, strict=True)
    ]


def _period(
    report: Expectation, span: Interval, offered: Sequence[FeedFile], counting: Sequence[FeedFile], as_of: datetime
) -> Period:
    due_at = report.period_due_at(span)
    if holds(_covered([f for f in counting if f.status == "accepted"]), span):
        state = "accepted"
    elif holds(_covered(counting), span):
        state = "incomplete"
    else:
        late = due_at is not None and due_at <= as_of
        return Period(span, due_at, "late" if late else "waiting", None, tuple(counting))
    in_parts = not any(holds(_covered([f]), span) for f in counting)
    return Period(span, due_at, state, _here_at(span, offered), (), in_parts)


def _here_at(span: Interval, offered: Sequence[FeedFile]) -> datetime | None:
    """When the files received so far first held all of `span`."""
    so_far: list[Interval] = []
    for file in sorted(offered, key=lambda f: f.received_at):
        so_far = merged([*so_far, *_covered([file])])
        if holds(so_far, span):
            return file.received_at
    return None


def delays(offers: Sequence[FeedFile], as_of: datetime) -> list[int]:
    """Seconds from the end of what was covered to its first arrival, sorted: one per interval that ended within the
    last HISTORY. Negative where a file came before its interval was over."""
    first: dict[Interval, datetime] = {}
    for file in offers:
        if file.covers and file.covers[1] >= as_of - HISTORY:
            first[file.covers] = min(first.get(file.covers, file.received_at), file.received_at)
    return sorted((at - covers[1]) // _SECOND for covers, at in first.items())


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The exact percentile of sorted values: the smallest that `percent` of them do not exceed; None of nothing."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)] if ordered else None


def _by_span(spans: Sequence[Interval], files: Sequence[FeedFile]) -> list[list[FeedFile]]:
    """Per span the files whose coverage meets it; spans are in order and do not overlap."""
    found: list[list[FeedFile]] = [[] for _ in spans]
    starts = [span[0] for span in spans]
    for file in files:
        if not file.covers:
            continue
        at = max(0, bisect_right(starts, file.covers[0]) - 1)
        while at < len(spans) and starts[at] < file.covers[1]:
            if file.covers[0] < spans[at][1]:
                found[at].append(file)
            at += 1
    return found


def _covered(files: Sequence[FeedFile]) -> list[Interval]:
    return merged([f.covers for f in files if f.covers])
