"""What a flag says: one JSON value with everything, from which its subject and text are made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recon.alerts import amounts, links
from recon.alerts.cause import SEVERITIES, Cause
from recon.alerts.commands import again, investigate
from recon.alerts.situation import Situation, value_at_risk
from recon.breaks.case import Amounts, Case

VERSION = 1
LARGEST = 5
"""Cases, findings and explained causes that a message shows; it always says how many there are."""
SENTENCE = 400
"""Characters of a sentence in a message; the run has all of it."""

Counted = tuple[int, Amounts]
"""Open cases and their minor units at risk by currency."""


@dataclass(frozen=True, slots=True)
class Previous:
    """The run of the same window before this one, and how many cases each cause had open after it."""

    run_id: str
    as_of: str
    causes: Mapping[Cause, Counted]


@dataclass(frozen=True, slots=True)
class Told:
    """The run that a message is about: its summary, where its files lie, the lake, and the AWS region where known."""

    summary: Mapping[str, Any]
    address: str
    lake: str
    previous: Previous | None = None
    region: str | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.summary["run_id"])


def message_id(cause: Cause, kind: str, run_id: str) -> str:
    """The same for the same news: 32 hex characters."""
    return hashlib.sha256(json.dumps([cause.fingerprint, kind, run_id]).encode()).hexdigest()[:32]


def flag(of: Situation, told: Told, *, first: bool, since: str) -> dict[str, Any]:
    """The message that a cause is there: flagged `since` the known_at of a run, and `first` where that is this one."""
    ranked = sorted(of.open, key=lambda case: (-SEVERITIES.index(case.severity), -amounts.size(case), case.case_id))
    at_risk = value_at_risk(case.at_risk_minor for case in of.open)
    said = of.findings[0]["reason"] if of.findings else ranked[0].reason
    new = sorted(of.new, key=lambda case: case.case_id)
    return {
        **_common("flag", of.cause, told),
        "first": first,
        "first_flagged_at": since,
        "severity": of.severity,
        "reason": _short(said),
        "root_cause": next((case.root_cause for case in ranked if case.root_cause), None),
        "new_cases": len(new),
        "open_cases": len(of.open),
        "value_at_risk": amounts.listed(at_risk),
        "new_value_at_risk": amounts.listed(value_at_risk(case.at_risk_minor for case in new)),
        "trend": _trend(of.cause, len(of.open), at_risk, told.previous),
        "largest": [_case(case) for case in ranked[:LARGEST]],
        "findings": [_finding(finding) for finding in of.findings[:LARGEST]],
        "findings_total": len(of.findings),
        "explains": [_explained(other) for other in of.explains[:LARGEST]],
        "explains_total": len(of.explains),
        "commands": investigate(of.cause, ranked, told.summary, told.lake),
    }


def recovered(cause: Cause, severity: str, closed: Iterable[Case], told: Told, *, since: str) -> dict[str, Any]:
    """The message that nothing of a cause is open or named any more, which was flagged `since`, as grave as `severity`.
    `closed` are the cases of it that were seen since."""
    counts: dict[str, int] = {}
    for case in closed:
        counts[case.status] = counts.get(case.status, 0) + 1
    return {
        **_common("recovered", cause, told),
        "severity": severity,
        "first_flagged_at": since,
        "reason": "Nothing of it is open any more.",
        "closed_cases": dict(sorted(counts.items())),
        "open_cases": 0,
        "value_at_risk": [],
        "trend": _trend(cause, 0, {}, told.previous),
        "commands": {"run": again(told.summary, told.lake)},
    }


def _common(kind: str, cause: Cause, told: Told) -> dict[str, Any]:
    summary = told.summary
    return {
        "version": VERSION,
        "kind": kind,
        "message_id": message_id(cause, kind, told.run_id),
        "fingerprint": cause.fingerprint,
        "cause": cause.to_dict(),
        "window": summary["window"],
        "as_of": summary["as_of"],
        "known_at": summary["known_at"],
        "run_id": told.run_id,
        "run": told.address,
        "links": links.of_run(told.address, told.region),
    }


def _trend(cause: Cause, open_cases: int, at_risk: Amounts, before: Previous | None) -> dict[str, Any] | None:
    """Against what was open after the run of this window before; None where this is the first."""
    if before is None:
        return None
    count, amount_minor = before.causes.get(cause, (0, {}))
    change = {name: at_risk.get(name, 0) - amount_minor.get(name, 0) for name in {*at_risk, *amount_minor}}
    return {
        "previous_run_id": before.run_id,
        "previous_as_of": before.as_of,
        "open_cases": count,
        "value_at_risk": amounts.listed(amount_minor),
        "open_cases_change": open_cases - count,
        "value_at_risk_change": amounts.listed({name: minor for name, minor in change.items() if minor}),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "subject_id": _short(case.subject_id),
        "severity": case.severity,
        "payment_id": None if case.payment_id is None else str(case.payment_id),
        "batch_id": case.batch_id,
        "diff": amounts.listed(case.diff_minor),
        "reason": _short(case.reason),
        "trace_id": case.trace_id,
    }


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: finding[name] for name in ("class", "subject_id", "report_type", "covers_from", "covers_until",
                                             "file", "first_seen_at", "severity")}  # fmt: skip
    return told | {"reason": _short(finding["reason"])}


def _explained(other: Situation) -> dict[str, Any]:
    return {**other.cause.to_dict(), "open_cases": len(other.open),
            "value_at_risk": amounts.listed(value_at_risk(case.at_risk_minor for case in other.open))}


def _short(text: str) -> str:
    return text if len(text) <= SENTENCE else f"{text[: SENTENCE - 1]}…"


def encoded(data: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON with the same text for the same value."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False)
