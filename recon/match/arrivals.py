"""How every report arrives: what was due and is here, how long it takes, and what to name now, whatever the cohort."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from recon.match.arrival_findings import named, named_gaps
from recon.match.arrival_periods import Key, Period, Report, delays, nearest_rank, periods
from recon.match.batch_classes import Batch
from recon.match.due import Expectation
from recon.match.feed_book import FeedBook, FeedFile, Interval
from recon.match.finding import utc

LOOK_BACK = timedelta(days=35)
"""Longer than the longest window and than a month: what a later run says of a feed was named by the hourly ones."""

_READ = ("accepted", "incomplete")
_REASONS = 5
"""Refused files that are listed; the count says how many there are."""
_MOMENT = timedelta(milliseconds=1)

Severity = Callable[[str, str], str]
"""Class and window to severity."""

def arrivals(
    book: FeedBook,
    expected: Sequence[Expectation],
    batches: Sequence[Batch],
    severity: Severity,
    *,
    as_of: datetime,
    ledger_from: datetime | None,
) -> dict[str, Any]:
    """The arrival model as summary.json holds it: {look_back_from, reports, findings}, plain JSON values.

    `book` is what was known; `ledger_from` where the ledger that the run reads begins: a report of which nothing ever
    came is waited for from there, any other from the first period that a file of it held. Counts are of periods and
    files, times RFC 3339, delays whole seconds. Equal knowledge gives equal values, in whatever order files came.
    """
    look_back = (as_of - LOOK_BACK, as_of)
    reports = list(_reports(book, expected, look_back, ledger_from))
    findings = [finding for report in reports for finding in named(report, look_back, severity)]
    findings += named_gaps(batches, book, look_back, severity)
    return {
        "look_back_from": utc(look_back[0]),
        "reports": [_row(report, look_back) for report in reports],
        "findings": sorted(findings, key=lambda f: (f["subject_id"], f["class"])),
    }


def _reports(
    book: FeedBook, expected: Sequence[Expectation], look_back: Interval, ledger_from: datetime | None
) -> Iterator[Report]:
    offers: dict[Key, list[FeedFile]] = defaultdict(list)
    current: dict[Key, list[FeedFile]] = defaultdict(list)
    for files, of in ((book.files, offers), (book.current, current)):
        for file in files:
            of[*file.account, file.report_type or ""].append(file)
    waited_for = {(e.gateway, e.gateway_account, e.report_type): e for e in expected}
    for key in sorted(waited_for.keys() | offers.keys()):
        report = waited_for.get(key)
        read = [f for f in offers[key] if f.status in _READ]
        found = _ended(report, read, current[key], look_back, ledger_from) if report else []
        yield Report(key, report, offers[key], current[key], found)


def _ended(
    report: Expectation, read: Sequence[FeedFile], current: Sequence[FeedFile], look_back: Interval,
    ledger_from: datetime | None,
) -> list[Period]:
    """The report's periods of the look-back, from where it can be said to have begun."""
    begins = min((f.covers[0] for f in current if f.covers), default=None)
    if begins is None:
        if ledger_from is None:
            return []
        begins, _ = next(report.periods(ledger_from, ledger_from + _MOMENT))
    interval = (max(look_back[0], begins), look_back[1])
    return [p for p in periods(report, read, current, interval, look_back[1]) if p.span[0] >= begins]


def _row(report: Report, look_back: Interval) -> dict[str, Any]:
    gateway, account, report_type = report.key
    return {
        "gateway": gateway,
        "gateway_account": account,
        "report_type": report_type,
        "expected": report.expected is not None,
        "completeness": _completeness(report.periods),
        "timeliness": _timeliness(report, look_back[1]),
        "accuracy": _accuracy([f for f in report.offers if f.received_at >= look_back[0]]),
    }


def _completeness(ended: Sequence[Period]) -> dict[str, int | None]:
    """Periods by state; `complete_bps` is the accepted ones in 10,000 of those that are here or due."""
    states = Counter(period.state for period in ended)
    wanted = len(ended) - states["waiting"]
    return {
        "periods": len(ended),
        **{state: states[state] for state in ("accepted", "incomplete", "late", "waiting")},
        "complete_bps": states["accepted"] * 10_000 // wanted if wanted else None,
    }


def _timeliness(report: Report, as_of: datetime) -> dict[str, Any]:
    taken = delays([f for f in report.offers if f.status in _READ], as_of)
    timed = [(p.here_at, p.due_at) for p in report.periods if p.here_at and p.due_at]
    on_time = sum(here_at <= due_at for here_at, due_at in timed)
    return {
        "delays": len(taken),
        **{f"p{percent}_s": nearest_rank(taken, percent) for percent in (50, 90, 99)},
        "max_s": taken[-1] if taken else None,
        "on_time": on_time,
        "came_late": len(timed) - on_time,
        "next": _next(report, as_of, nearest_rank(taken, 99)),
    }


def _next(report: Report, as_of: datetime, p99_s: int | None) -> dict[str, str | None] | None:
    """The earliest period that is neither here nor due: what it covers, when ninety-nine in a hundred would be here,
    and when it is due."""
    if report.expected is None:
        return None
    open_ = next((p.span for p in report.periods if p.state == "waiting"), None)
    span = open_ or next(report.expected.periods(as_of, as_of + _MOMENT))
    due_at = report.expected.period_due_at(span)
    return {
        "covers_from": utc(span[0]),
        "covers_until": utc(span[1]),
        "likely_by": utc(span[1] + timedelta(seconds=p99_s)) if p99_s is not None else None,
        "due_at": utc(due_at) if due_at else None,
    }


def _accuracy(offers: Sequence[FeedFile]) -> dict[str, Any]:
    """What became of the files that were received in the look-back."""
    states = Counter(f.status for f in offers)
    refused = [f for f in offers if f.status == "refused"]
    return {
        "files": len(offers),
        **{status: states[status] for status in ("accepted", "incomplete", "duplicate", "refused")},
        "restated": sum(f.supersedes is not None and f.status == "accepted" for f in offers),
        "rows": sum(f.rows for f in offers if f.status in _READ),
        "refusals": [
            {"file": f.name, "received_at": utc(f.received_at), "reasons": [_said(fault) for fault in f.faults[:3]]}
            for f in refused[-_REASONS:]
        ],
    }


def _said(fault: Any) -> str:
    return str(fault.get("problem", fault))
