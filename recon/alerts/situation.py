"""How things stand with every cause after a run: what is open, what the run brought, what is named of feeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recon.alerts.cause import FLAGGED, Cause, cause_of, worst
from recon.breaks.case import Amounts, Case
from recon.breaks.changes import Changes

Rows = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Situation:
    """One cause. `open` are unfinished cases of it, `new` those that the run opened, reopened, raised or moved here;
    `findings` are of the arrival model; `explains` are causes that are there because of this one."""

    cause: Cause
    open: list[Case] = field(default_factory=list)
    new: list[Case] = field(default_factory=list)
    findings: list[Mapping[str, Any]] = field(default_factory=list)
    explains: list[Situation] = field(default_factory=list)

    @property
    def severity(self) -> str:
        """The gravest of what is open or named."""
        return worst([*(case.severity for case in self.open), *(f["severity"] for f in self.findings)])

    def batches(self) -> set[str]:
        """The batches that it is about."""
        told = [*(case.batch_id for case in self.open), *(f["batch_id"] for f in self.findings)]
        return {batch for batch in told if batch}


def situations(
    cases: Iterable[Case], changes: Changes, rows: Rows, findings: Iterable[Mapping[str, Any]]
) -> dict[Cause, Situation]:
    """Every cause of which something is open or named, by cause, in order.

    `rows` are those of the run, which say of a case with several classes how grave each of them is; `findings` those
    of the arrival model, none where the run has nothing new to say of feeds.
    """
    grave = _grave_classes(rows)
    fresh = {case.case_id for of in (changes.opened, changes.reopened, changes.escalated, changes.reclassified)
             for case in of}  # fmt: skip
    found: dict[Cause, Situation] = {}
    for case in cases:
        if not case.is_unfinished or case.severity not in FLAGGED:
            continue
        for cause in causes_of(case, grave.get(case.case_id)):
            of = found.setdefault(cause, Situation(cause))
            of.open.append(case)
            if case.case_id in fresh:
                of.new.append(case)
    for finding in findings:
        about = finding["cause"]
        cause = cause_of(about["class"], finding["gateway"], finding["gateway_account"], about["subject_id"])
        found.setdefault(cause, Situation(cause)).findings.append(finding)
    return dict(sorted(found.items()))


def causes_of(case: Case, grave: frozenset[str] | None = None) -> list[Cause]:
    """The causes of a case: one per class, of several only those that the run calls grave, where it speaks of it."""
    classes = [name for name in case.cls if grave is None or name in grave] or list(case.cls)
    return [cause_of(name, case.gateway, case.gateway_account, case.subject_id) for name in classes]


def counted(cases: Iterable[Case]) -> dict[Cause, tuple[int, Amounts]]:
    """How many unfinished cases every cause has, and their minor units at risk by currency."""
    counts: Counter[Cause] = Counter()
    at_risk: dict[Cause, Counter[str]] = defaultdict(Counter)
    for case in cases:
        if case.is_unfinished and case.severity in FLAGGED:
            for cause in causes_of(case):
                counts[cause] += 1
                at_risk[cause].update(case.at_risk_minor)
    return {cause: (counts[cause], value_at_risk([at_risk[cause]])) for cause in counts}


def value_at_risk(amounts: Iterable[Amounts]) -> dict[str, int]:
    """Minor units by currency, added up."""
    total: Counter[str] = Counter()
    for of in amounts:
        total.update(of)
    return {currency: minor for currency, minor in sorted(total.items()) if minor}


def _grave_classes(rows: Rows) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["severity"] in FLAGGED:
            found[row["case_id"]].add(row["class"])
    return {case_id: frozenset(classes) for case_id, classes in found.items()}
