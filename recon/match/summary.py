"""summary.json: the run in numbers, and what could not be decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from recon.match.batch_classes import Batch
from recon.match.coherence import Control
from recon.match.due import Expectation
from recon.match.feed_book import NOT_SETTLEMENT, FeedBook, holds, intersects
from recon.match.finding import Finding, utc
from recon.match.identity import Key, Total
from recon.match.plan import Scan
from recon.match.request import Request

NOT_EXAMINED = (
    "fee_variance",
    "fee_missing",
    "fx_variance",
    "settled_late",
    "unsettled",
    "clock_skew",
    "orphan_hold",
    "status_incoherent",
    "stuck_saga",
)
"""Classes that no query looks at yet: reported as not decidable, never as zero."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a summary is made of."""

    request: Request
    run_id: str
    totals: Mapping[Key, Total]
    findings: Sequence[Finding]
    divergences: pa.Table
    batches: Sequence[Batch]
    book: FeedBook
    expected: Sequence[Expectation]
    control: Control
    later_files: int
    lost: Sequence[str]
    landed: Sequence[Mapping[str, Any]]
    scan: Scan
    arrivals: Mapping[str, Any]


def summarise(story: Story, seconds: Mapping[str, float]) -> dict[str, Any]:
    """The summary as plain JSON values; equal for equal knowledge, apart from `seconds`."""
    request = story.request
    return {
        "window": request.window,
        "as_of": utc(request.as_of),
        "known_at": request.known_at.isoformat().replace("+00:00", "Z"),
        "cohort_from": utc(request.cohort_from),
        "cohort_to": utc(request.cohort_to),
        "engine": request.engine,
        "run_id": story.run_id,
        "status": _status(story),
        "totals": [_total(key, total) for key, total in story.totals.items()],
        "value_at_risk": _value_at_risk(story.divergences),
        "batches": [_batch(batch) for batch in story.batches if _in_cohort(batch, request)],
        "classes": _classes(story.divergences),
        "decidable": _undecidable(story),
        "feeds": _feeds(story),
        "arrivals": dict(story.arrivals),
        "landed_lines": list(story.landed),
        "later_files": story.later_files,
        "lost_objects": list(story.lost),
        "scan": story.scan.to_dict(),
        "seconds": dict(seconds),
    }


def _status(story: Story) -> str:
    if any(total.unexplained_minor for total in story.totals.values()):
        return "failed"
    return "waiting" if any(f.divergence == "feed_late" for f in story.findings) else "ok"


def _total(key: Key, total: Total) -> dict[str, Any]:
    return {
        "gateway": key[0],
        "gateway_account": key[1],
        "currency": key[2],
        "movements": total.movements,
        "matched": total.matched,
        "pending": total.pending,
        "divergent": total.divergent,
        "ledger_minor": total.ledger_minor,
        "ledger_value_minor": total.ledger_value_minor,
        "gateway_minor": total.gateway_minor,
        "matched_minor": total.matched_minor,
        "matched_value_minor": total.matched_value_minor,
        "named_minor": total.named_minor,
        "pending_minor": total.pending_minor,
        "held_minor": total.held_minor,
        "unexplained_minor": total.unexplained_minor,
    }


def _value_at_risk(divergences: pa.Table) -> dict[str, int]:
    """Sum of absolute differences of breaks and warnings, minor units per currency."""
    found: dict[str, int] = defaultdict(int)
    for severity, currency, diff in _columns(divergences, "severity", "currency", "diff_minor"):
        if severity in ("break", "warning") and currency:
            found[currency] += abs(diff)
    return dict(sorted(found.items()))


def _classes(divergences: pa.Table) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for name, severity, currency, diff, identity in _columns(
        divergences, "class", "severity", "currency", "diff_minor", "identity_minor"
    ):
        of = found.setdefault(name, {"rows": 0, "severity": severity, "diff_minor": {}, "identity_minor": {}})
        of["rows"] += 1
        if currency:
            of["diff_minor"][currency] = of["diff_minor"].get(currency, 0) + diff
            of["identity_minor"][currency] = of["identity_minor"].get(currency, 0) + identity
    return dict(sorted(found.items()))


def _columns(table: pa.Table, *names: str) -> zip[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "gateway": batch.gateway,
        "gateway_account": batch.gateway_account,
        "batch_id": batch.batch_id,
        "currency": batch.currency,
        "closed_at": _text(batch.closed_at),
        "net_minor": batch.net_minor,
        "carry_in_minor": batch.carry_in_minor,
        "carry_out_minor": batch.carry_out_minor,
        "payout_minor": batch.payout_minor,
        "residual_minor": batch.residual_minor,
        "whole": batch.is_whole,
    }


def _in_cohort(batch: Batch, request: Request) -> bool:
    return bool(batch.covers and intersects(batch.covers, (request.cohort_from, request.cohort_to)))


def _undecidable(story: Story) -> list[dict[str, Any]]:
    """What cannot be decided, for whom, and why: never reported as zero."""
    rows: list[tuple[str, str | None, str | None, str]] = []
    expecting = {(e.gateway, e.gateway_account) for e in story.expected if e.report_type not in NOT_SETTLEMENT}
    accounts = {(key[0], key[1]) for key in story.totals} | expecting | set(story.book.accounts())
    for account in sorted(accounts):
        files = [f for f in story.book.current if f.account == account and f.role == "settlement"]
        provided = frozenset[str]().union(*(f.provides for f in files))
        if account not in expecting:
            rows.append(("missing_at_gateway", *account, "feed_expectations has no settlement report of this account"))
        elif files and not story.book.coverage(account, incomplete=True):
            rows.append(("missing_at_gateway", *account, "no file says which interval it covers"))
        if files and not provided & {"operation_ref", "gateway_ref", "payment_ref"}:
            rows.append(("missing_in_ledger", *account, "the files carry no reference: lines are only suggested"))
        if files and "gross_currency" not in provided:
            rows.append(("currency_mismatch", *account, "the files do not say what the customer was charged"))
        roles = {f.role for f in story.book.current if f.account == account}
        if account[0] == "adyen" and "status" not in roles:
            rows.append(("partial_capture", *account, "no payment accounting report: shown as amount_mismatch"))
        told = [b for b in story.batches if (b.gateway, b.gateway_account) == account]
        if told and all(b.payout_minor is None for b in told):
            rows.append(("payout_residual", *account, "no report says what was paid out"))
        if account[0] == "stripe":
            rows.append(("batch_gap", *account, "the gateway does not number its payouts"))
    if not story.control.covered_until:
        rows.append(("lake_gap", None, None, "ledger_control says nothing of these hours"))
    rows += [(name, None, None, "not examined by this version") for name in NOT_EXAMINED]
    return [
        {"class": name, "gateway": gateway, "gateway_account": account, "decidable": False, "reason": reason}
        for name, gateway, account, reason in rows
    ]


def _feeds(story: Story) -> list[dict[str, Any]]:
    """Every expected file of the cohort: here, incomplete, late or not yet due."""
    cohort = (story.request.cohort_from, story.request.cohort_to)
    rows = []
    for report in story.expected:
        account = (report.gateway, report.gateway_account)
        here = [
            f for f in story.book.current if f.account == account and f.report_type == report.report_type and f.covers
        ]
        for period in report.periods(*cohort):
            due_at = report.period_due_at(period)
            files = [f for f in here if f.covers and intersects(f.covers, period)]
            if holds(story.book.coverage(account, report_type=report.report_type), period):
                status = "accepted"
            elif holds(story.book.coverage(account, report_type=report.report_type, incomplete=True), period):
                status = "incomplete"
            else:
                status = "late" if due_at and due_at <= story.request.as_of else "waiting"
            rows.append(
                {
                    "gateway": account[0],
                    "gateway_account": account[1],
                    "report_type": report.report_type,
                    "covers_from": utc(period[0]),
                    "covers_until": utc(period[1]),
                    "status": status,
                    "due_at": _text(due_at),
                    "received_at": _text(max((f.received_at for f in files), default=None)),
                    "files": [f.name for f in files],
                    "rows": sum(f.rows for f in files),
                }
            )
    return rows


def _text(at: datetime | None) -> str | None:
    return utc(at) if at else None
