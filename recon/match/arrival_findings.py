"""What one cycle must name of the feeds, whichever cohort it reconciles: late, cut and short files, gaps in batches.

Rows of a run are another matter: they belong to the runs whose cohort meets the coverage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from recon.match.arrival_periods import Period, Report
from recon.match.batch_classes import Batch, gaps
from recon.match.due import Expectation
from recon.match.feed_book import FeedBook, FeedFile, Interval, intersects
from recon.match.feed_classes import feed_subject, why_incomplete, why_late
from recon.match.finding import utc
from recon.match.short_files import Short, short_files

SHORT_SEVERITY = "warning"
"""feed_short is no class of a run's rows, so no policy speaks of it."""

_UTC = ZoneInfo("UTC")
_AGES = ((timedelta(days=30), "T+30"), (timedelta(days=14), "T+14"), (timedelta(days=7), "T+7"))
_MOSTLY = 4
"""A report that came in parts more than once in so many periods is used to come in parts."""


def named(report: Report, look_back: Interval, severity: Callable[[str, str], str]) -> Iterator[dict[str, Any]]:
    """feed_late, feed_incomplete and feed_short of one report in the look-back, as JSON values.

    `cause` is what the finding is about: a file that is shorter than its period is the beginning of a late one.
    Severities are those of the window that the age of the period falls into, so that every run says the same.
    """
    as_of = look_back[1]
    for period in report.periods:
        if period.state == "late" and report.expected and period.due_at:
            yield _late(report.expected, period, period.due_at, severity("feed_late", _age(period.span[1], as_of)))
    cut: dict[datetime, list[FeedFile]] = defaultdict(list)
    for file in report.current:
        if file.status == "incomplete" and file.covers and intersects(file.covers, look_back):
            cut[file.covers[0]].append(file)
    for files in cut.values():
        covers = files[0].covers
        assert covers
        yield _of_file(report, "feed_incomplete", files[0], why_incomplete(files),
                       severity("feed_incomplete", _age(covers[1], as_of)), min(f.received_at for f in files))
    zone = report.expected.zone if report.expected else _UTC
    for short in short_files(report.current, zone):
        if short.file.covers and intersects(short.file.covers, look_back):
            yield _of_file(report, "feed_short", short.file, _few(short), SHORT_SEVERITY, short.file.received_at)
    yield from _parts(report)


def named_gaps(
    batches: Sequence[Batch], book: FeedBook, look_back: Interval, severity: Callable[[str, str], str]
) -> list[dict[str, Any]]:
    """batch_gap findings whose place in time is in the look-back, as JSON values."""
    report_types = {f.name: f.report_type for f in book.current}
    return [
        {
            "class": gap.divergence,
            "subject_id": gap.subject,
            "cause": {"class": gap.divergence, "subject_id": gap.subject},
            "gateway": gap.gateway,
            "gateway_account": gap.gateway_account,
            "report_type": report_types.get(gap.evidence["after"]),
            "covers_from": None,
            "covers_until": None,
            "batch_id": gap.batch_id,
            "file": gap.evidence["after"],
            "reason": gap.reason,
            "first_seen_at": utc(gap.first_seen_at) if gap.first_seen_at else None,
            "severity": severity("batch_gap", "hourly"),
        }
        for gap in gaps(batches, book, look_back)
    ]


def _parts(report: Report) -> Iterator[dict[str, Any]]:
    """Files that end before their period does, where those before them did not: named when they come, not only once
    the rest is due."""
    if report.expected is None:
        return
    whole = in_parts = 0
    for period in report.periods:
        if period.state == "waiting" and period.partly and whole > in_parts * _MOSTLY:
            account = (report.key[0], report.key[1])
            cause = {"class": "feed_late", "subject_id": feed_subject(account, report.key[2], period.span[0])}
            file = period.partly[-1]
            yield _of_file(report, "feed_short", file, _partly(file, period), SHORT_SEVERITY, file.received_at,
                           cause=cause)
        whole += period.state == "accepted" and not period.in_parts
        in_parts += period.in_parts or bool(period.partly)


def _late(report: Expectation, period: Period, due_at: datetime, severity: str) -> dict[str, Any]:
    subject = feed_subject((report.gateway, report.gateway_account), report.report_type, period.span[0])
    here = f" Of it is here: {', '.join(f.name for f in period.partly)}." if period.partly else ""
    return {
        "class": "feed_late",
        "subject_id": subject,
        "cause": {"class": "feed_late", "subject_id": subject},
        "gateway": report.gateway,
        "gateway_account": report.gateway_account,
        "report_type": report.report_type,
        "covers_from": utc(period.span[0]),
        "covers_until": utc(period.span[1]),
        "batch_id": None,
        "file": period.partly[-1].name if period.partly else None,
        "reason": why_late(report, period.span, due_at) + here,
        "first_seen_at": utc(due_at),
        "severity": severity,
    }


def _of_file(
    report: Report, divergence: str, file: FeedFile, reason: str, severity: str, first_seen_at: datetime,
    *, cause: dict[str, str] | None = None,
) -> dict[str, Any]:
    gateway, account, report_type = report.key
    assert file.covers
    subject = feed_subject((gateway, account), report_type, file.covers[0])
    return {
        "class": divergence,
        "subject_id": subject,
        "cause": cause or {"class": divergence, "subject_id": subject},
        "gateway": gateway,
        "gateway_account": account,
        "report_type": report_type,
        "covers_from": utc(file.covers[0]),
        "covers_until": utc(file.covers[1]),
        "batch_id": file.batch_id,
        "file": file.name,
        "reason": reason,
        "first_seen_at": utc(first_seen_at),
        "severity": severity,
    }


def _few(short: Short) -> str:
    return (f"{short.file.name} has {short.file.rows} row(s), less than a quarter of {short.smallest}, the fewest of "
            f"the {short.compared} files of its kind before it; nothing in it says that something is missing.")


def _partly(file: FeedFile, period: Period) -> str:
    covers = file.covers or period.span
    return (f"{file.name} covers {utc(covers[0])} to {utc(covers[1])} only; its period runs from "
            f"{utc(period.span[0])} to {utc(period.span[1])}, and files before it covered theirs.")


def _age(until: datetime, as_of: datetime) -> str:
    """The window whose cohorts are as old as what ended at `until`."""
    return next((window for age, window in _AGES if as_of - until >= age), "hourly")
