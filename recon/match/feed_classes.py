"""Feed classes: what is late, short, repeated or restated. A late feed is never reported as missing money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from recon.engine.port import Engine
from recon.match.due import Expectation
from recon.match.feed_book import FeedBook, FeedFile, Interval, holds, intersects
from recon.match.finding import Finding, utc
from recon.match.request import Request


def feed_findings(engine: Engine, request: Request, book: FeedBook, expected: Sequence[Expectation]) -> list[Finding]:
    """All feed rows whose coverage intersects the cohort, one per class and subject."""
    return [
        *(late(request, book, expected)),
        *_by_subject("feed_incomplete", request, [f for f in book.current if f.status == "incomplete"], why_incomplete),
        *_by_subject(
            "feed_duplicate", request, [_original(f, book) for f in book.files if f.status == "duplicate"], _duplicate
        ),
        *_restated(engine, request, book),
    ]


def late(request: Request, book: FeedBook, expected: Sequence[Expectation]) -> list[Finding]:
    """feed_late: expected periods of the cohort that are due at as_of and that no known file covers in full."""
    found = []
    for report in expected:
        account = (report.gateway, report.gateway_account)
        covered = book.coverage(account, report_type=report.report_type, incomplete=True)
        for period in report.periods(request.cohort_from, request.cohort_to):
            due_at = report.period_due_at(period)
            if due_at is None or due_at > request.as_of or holds(covered, period):
                continue
            found.append(
                Finding(
                    divergence="feed_late",
                    subject=feed_subject(account, report.report_type, period[0]),
                    gateway=account[0],
                    gateway_account=account[1],
                    currency=None,
                    first_seen_at=due_at,
                    reason=why_late(report, period, due_at),
                    evidence={"covers_from": utc(period[0]), "covers_until": utc(period[1]), "due_at": utc(due_at)},
                )
            )
    return found


def _by_subject(divergence: str, request: Request, files: Sequence[FeedFile], explain: Any) -> list[Finding]:
    """One row per subject for the files whose coverage intersects the cohort."""
    groups: dict[str, list[FeedFile]] = defaultdict(list)
    for file in files:
        if file.covers and intersects(file.covers, (request.cohort_from, request.cohort_to)):
            groups[feed_subject(file.account, file.report_type or "", file.covers[0])].append(file)
    return [
        Finding(
            divergence=divergence,
            subject=subject,
            gateway=of[0].gateway,
            gateway_account=of[0].gateway_account,
            currency=None,
            batch_id=of[0].batch_id,
            first_seen_at=min(f.received_at for f in of),
            reason=explain(of),
            evidence={"files": [f.name for f in of], "file_ids": sorted({f.file_id for f in of})},
        )
        for subject, of in sorted(groups.items())
    ]


def why_late(report: Expectation, period: Interval, due_at: datetime) -> str:
    """One sentence on a period whose file was due and is not here."""
    return (f"The {report.report_type} of {report.gateway} {report.gateway_account} from {utc(period[0])} to "
            f"{utc(period[1])} was due {utc(due_at)} and is not here; what it must hold waits.")


def why_incomplete(files: Sequence[FeedFile]) -> str:
    """What is wrong with the incomplete files of one subject, in one sentence."""
    faults = [str(fault.get("problem", fault)) for file in files for fault in file.faults]
    why = "; ".join(faults[:3]) or "see its faults"
    return f"{files[0].name} failed its controls: {why}. Nothing is called missing on its account."


def _duplicate(files: Sequence[FeedFile]) -> str:
    return f"{', '.join(f.name for f in files)} repeats what was already here; it counts once."


def _original(file: FeedFile, book: FeedBook) -> FeedFile:
    """A duplicate with the coverage of what it repeats, where it does not say its own."""
    if file.covers:
        return file
    for other in book.files:
        same = other.file_id == file.file_id or (file.content_id and other.content_id == file.content_id)
        if same and other.covers:
            return replace(file, covers=other.covers, batch_id=file.batch_id or other.batch_id)
    return file


def _restated(engine: Engine, request: Request, book: FeedBook) -> list[Finding]:
    by_id = book.by_id()
    changes: dict[str, list[dict[str, Any]]] = {}
    for file in by_id.values():
        old = by_id.get(file.supersedes or "")
        if old and old.status == "accepted":
            changes[file.file_id] = engine.fetch(
                "restated_lines", new_file=file.file_id, old_file=old.file_id
            ).to_pylist()
    rows = engine.fetch("changed_lines").to_pylist()
    for row in rows:
        changes.setdefault(row["new_file_id"], []).append(
            {key: value for key, value in row.items() if not key.startswith("gateway")}
        )
    found = []
    for finding in _by_subject("feed_restated", request, [by_id[f] for f in changes if f in by_id], _restatement):
        listed = [change for file_id in finding.evidence["file_ids"] for change in changes[file_id]]
        found.append(_with_changes(finding, listed))
    return found


def _restatement(files: Sequence[FeedFile]) -> str:
    return f"{files[-1].name} changes lines that were already known"


def _with_changes(finding: Finding, changes: Sequence[dict[str, Any]]) -> Finding:
    count = f"{len(changes)} line(s)" if len(changes) < 50 else "50 lines or more"
    return replace(
        finding,
        reason=f"{finding.reason}: {count}, listed in the evidence. The later file counts.",
        evidence={**finding.evidence, "changes": list(changes)},
    )


def feed_subject(account: tuple[str, str], report_type: str, covers_from: datetime) -> str:
    """Subject of what a report says, or fails to say, of the time from `covers_from`."""
    return f"feed:{account[0]}:{account[1]}:{report_type}:{utc(covers_from)}"
