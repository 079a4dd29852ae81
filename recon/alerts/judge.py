"""What a run makes worth saying: one message per cause at most, none of what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from recon.alerts import unexplained
from recon.alerts.cause import SEVERITIES, Cause
from recon.alerts.fold import folded
from recon.alerts.journal import CLEARED, FLAGGED, Journal, Said
from recon.alerts.message import Previous, Told, flag, message_id, recovered
from recon.alerts.situation import Situation, causes_of, counted, situations
from recon.breaks.book import Book
from recon.breaks.changes import Changes
from recon.breaks.run_files import RunFiles

RUN_FAILED = "run_failed"
"""Class of the cause that a run itself failed: over once the run is there."""

OF_FEEDS = frozenset({"feed_late", "feed_incomplete", "feed_short", "batch_gap"})
"""Classes that the arrival model names: a run that may not speak of feeds cannot tell that they are over."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A run with the register after it: what is there, and what it may speak of."""

    book: Book
    told: Told
    found: Mapping[Cause, Situation]
    """Every cause that is there, explained ones too."""
    kept: Mapping[Cause, Situation]
    """Those that speak for themselves."""
    speaks_of_feeds: bool


def look(
    book: Book, run: RunFiles, changes: Changes, *, lake: str, region: str | None, speaks_of_feeds: bool
) -> Judged:
    """How things stand after `run`, which is registered in `book` and changed `changes`."""
    named = run.summary.get("arrivals", {}).get("findings", []) if speaks_of_feeds else []
    findings = [finding for finding in named if finding["severity"] in SEVERITIES]
    findings += unexplained.findings(run.summary)
    found = situations(book.cases.values(), changes, run.rows, findings)
    told = Told(run.summary, run.address, lake, _previous(book, run), region)
    return Judged(book, told, found, folded(found), speaks_of_feeds)


def judge(judged: Judged, journal: Journal, now: datetime) -> list[Said]:
    """Says in the journal what is new: causes that are there in their order, then those that are over."""
    said = []
    for of in judged.kept.values():
        new = journal.say(of.cause, partial(_flagged, of, judged.told), now)
        if new:
            said.append(new)
    for before in _maybe_over(judged, journal):
        new = journal.say(before.cause, partial(_over, judged), now)
        if new:
            said.append(new)
        if new or not before.is_flagged:
            journal.closed(before.cause)
    return said


def would_say(judged: Judged, journal: Journal) -> list[Mapping[str, Any]]:
    """The messages that judge() would make, with nothing written."""
    said = [_flagged(of, judged.told, journal.said(of.cause.fingerprint)) for of in judged.kept.values()]
    said += [_over(judged, before) for before in _maybe_over(judged, journal)]
    return [new.message for new in said if new]


def _maybe_over(judged: Judged, journal: Journal) -> Iterator[Said]:
    """What was flagged and is not among what is there."""
    there = {cause.fingerprint for cause in judged.found}
    for fingerprint in journal.open():
        before = None if fingerprint in there else journal.said(fingerprint)
        if before:
            yield before


def _flagged(of: Situation, told: Told, before: Said | None) -> Said | None:
    """What is said of a cause that is there; None where people know."""
    if before and before.message["message_id"] == message_id(of.cause, "flag", told.run_id):
        return before
    known = before is not None and before.is_flagged
    worse = known and of.severity == SEVERITIES[-1] and before is not None and before.severity != of.severity
    news = worse if of.cause.is_one_thing else bool(of.new)
    if known and not news:
        return None
    since = before.first_flagged_at if known and before else str(told.summary["known_at"])
    message = flag(of, told, first=not known, since=since)
    return Said(of.cause, FLAGGED, of.severity, since, of.cause.cls in OF_FEEDS, message)


def _over(judged: Judged, before: Said | None) -> Said | None:
    """What is said of a flagged cause of which nothing is left."""
    if before is None:
        return None
    cause, told = before.cause, judged.told
    if before.message["message_id"] == message_id(cause, "recovered", told.run_id):
        return before
    if not before.is_flagged or cause in judged.found or (before.of_feeds and not judged.speaks_of_feeds):
        return None
    if cause.cls == RUN_FAILED and cause.subject != f"run:{told.summary['window']}:{told.summary['as_of']}":
        return None
    if cause.cls == unexplained.UNEXPLAINED and not unexplained.is_looked_at(cause, told.summary):
        return None
    since = datetime.fromisoformat(before.first_flagged_at)
    closed = [case for case in judged.book.cases.values() if case.last_seen_at >= since and cause in causes_of(case)]
    message = recovered(cause, before.severity, closed, told, since=before.first_flagged_at)
    return Said(cause, CLEARED, before.severity, before.first_flagged_at, before.of_feeds, message)


def _previous(book: Book, run: RunFiles) -> Previous | None:
    """The registered run of the same window before `run`, as the register was after it."""
    own = (run.known_at, run.as_of)
    earlier = [row for row in book.runs.values() if row.window == run.window and (row.known_at, row.as_of) < own]
    if not earlier:
        return None
    row = max(earlier, key=lambda row: (row.known_at, row.as_of, row.run_id))
    cases = book.as_of_entry(row.log_entry_id) if row.log_entry_id else {}
    return Previous(row.run_id, f"{row.as_of:%Y-%m-%dT%H:%M:%SZ}", counted((cases or {}).values()))


def instant(at: datetime) -> str:
    """RFC 3339 with Z, to the millisecond, so that text sorts as time does."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
