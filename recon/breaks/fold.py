"""The state of a case is what its entries add up to, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from recon.breaks.case import Amounts, Case
from recon.breaks.entry import Entry

_FOUND = ("opened", "seen", "reclassified")


def folded(case: Case | None, entry: Entry) -> Case:
    """`case` after `entry`; the first entry of a case makes it. Raises ValueError where the entry is none of ours."""
    told = entry.told()
    if "said" in told:
        return _found(case, entry, told)
    if case is None:
        raise ValueError(f"case {entry.case_id[:12]} was never opened")
    case = replace(case, status=entry.status, severity=entry.severity, last_entry_id=entry.entry_id)
    if entry.run_id is not None:
        return replace(case, spoken=_spoken(told["run"]))
    changes: dict[str, Any] = {name: told[name] for name in ("assignee", "text", "maker") if name in told}
    if "due_at" in told:
        changes |= {"due_at": _at(told["due_at"]), "counted_from": _at(told["counted_from"])}
    return replace(case, **changes)


def parts_with(
    case: Case | None, said: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, tuple[Amounts, Amounts]]:
    """A group's parts once `run` has found it: its cohort's part anew, the parts of other cohorts as they were."""
    kept = dict(case.parts or {}) if case and case.status != "resolved" else {}
    cohort = (run["cohort_from"], run["cohort_to"])
    for key in list(kept):
        start, _, end = key.partition("/")
        if cohort[0] <= start and end <= cohort[1]:
            del kept[key]
    return kept | {"/".join(cohort): (said["diff_minor"], said["at_risk_minor"])}


def amounts_with(case: Case | None, said: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[Amounts, Amounts]:
    """Diff and amounts at risk of a case once `run` has found it."""
    if said["subject_kind"] != "group":
        return said["diff_minor"], said["at_risk_minor"]
    parts = parts_with(case, said, run).values()
    return _sum([diff for diff, _ in parts]), _sum([risk for _, risk in parts])


def _found(case: Case | None, entry: Entry, told: Mapping[str, Any]) -> Case:
    said, run = told["said"], told["run"]
    diff_minor, at_risk_minor = amounts_with(case, said, run)
    seen = [at for at in (case.first_seen_at if case else None, _maybe(said["first_seen_at"])) if at]
    return Case(
        case_id=entry.case_id,
        subject_kind=said["subject_kind"],
        subject_id=entry.subject_id,
        cls=tuple(entry.cls.split(" ")),
        severity=entry.severity,
        gateway=said["gateway"],
        gateway_account=said["gateway_account"],
        payment_id=said["payment_id"],
        batch_id=said["batch_id"],
        native_id=said["native_id"],
        diff_minor=diff_minor,
        at_risk_minor=at_risk_minor,
        reason=said["reason"],
        root_cause=said["root_cause"],
        nearest_miss=said["nearest_miss"],
        trace_id=said["trace_id"],
        window=run["window"],
        run_id=str(entry.run_id),
        as_of=_at(run["as_of"]),
        known_at=_at(run["known_at"]),
        cohort_from=_at(run["cohort_from"]),
        cohort_to=_at(run["cohort_to"]),
        first_seen_at=min(seen, default=None),
        opened_at=case.opened_at if case else entry.recorded_at,
        last_seen_at=_at(run["known_at"]),
        due_at=_at(told["due_at"]),
        status=entry.status,
        assignee=case.assignee if case else None,
        last_entry_id=entry.entry_id,
        members=tuple(said["members"]),
        parts=parts_with(case, said, run) if said["subject_kind"] == "group" else None,
        counted_from=_at(told["counted_from"]),
        spoken=_spoken(run),
        maker=case.maker if case and entry.action in _FOUND else None,
        text=case.text if case else None,
    )


def _sum(parts: list[Amounts]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        for currency, amount_minor in part.items():
            total[currency] += amount_minor
    return dict(sorted(total.items()))


def _spoken(run: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return _at(run["known_at"]), _at(run["as_of"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
