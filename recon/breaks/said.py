"""What one run says of each subject: its rows joined to one statement, as the log keeps it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recon.breaks.case import SEVERITIES

_OF_THE_FIRST = ("gateway", "gateway_account", "payment_id", "batch_id", "native_id", "nearest_miss", "trace_id")
"""Columns of which the first row that has one speaks for all."""
_LISTED = 20
"""So many of a list in a row's evidence are kept in the log; all of them are in the run's own file."""


@dataclass(frozen=True, slots=True)
class Said:
    """A run's statement of one case; `content` is plain JSON values."""

    case_id: str
    subject_id: str
    divergence_id: str
    cls: tuple[str, ...]
    severity: str
    content: Mapping[str, Any]


def said_by_case(rows: Iterable[Mapping[str, Any]]) -> dict[str, Said]:
    """Statements by case_id, from rows of divergences.parquet; rows that are mere information say nothing."""
    by_case: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["severity"] in SEVERITIES:
            by_case[row["case_id"]].append(row)
    return {case_id: _said(case_id, of) for case_id, of in by_case.items()}


def instant(at: datetime) -> str:
    """RFC 3339 with Z, to the millisecond: the same length for every instant, so that text sorts as time does."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def when(at: datetime | None) -> str:
    """An instant to the minute, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if at else ""


def _said(case_id: str, rows: Sequence[Mapping[str, Any]]) -> Said:
    # The gravest row speaks first; among equals the order of the file, which is by divergence_id.
    ranked = sorted(rows, key=lambda row: -SEVERITIES.index(row["severity"]))
    first = ranked[0]
    seen = [row["first_seen_at"].replace(tzinfo=UTC) for row in rows if row["first_seen_at"]]
    content: dict[str, Any] = {name: _first(ranked, name) for name in _OF_THE_FIRST}
    evidence = [_evidence(row) for row in ranked]
    content |= {
        "subject_kind": first["subject_kind"],
        "diff_minor": _total(rows),
        "at_risk_minor": _total([{**row, "diff_minor": abs(row["diff_minor"])} for row in rows
                                 if row["severity"] in ("break", "warning")]),
        "reason": " ".join(dict.fromkeys(row["reason"] for row in ranked)),
        "root_cause": first["root_cause"],
        "first_seen_at": instant(min(seen)) if seen else None,
        "members": sorted({str(member) for of in evidence for member in of.get("members", ())}),
        "rows": [{"divergence_id": row["divergence_id"], "class": row["class"], "severity": row["severity"],
                  "currency": row["currency"], "diff_minor": row["diff_minor"], "evidence": _short(of)}
                 for row, of in zip(ranked, evidence, strict=True)],
    }  # fmt: skip
    return Said(
        case_id=case_id,
        subject_id=first["subject_id"],
        divergence_id=first["divergence_id"],
        cls=tuple(sorted({row["class"] for row in rows})),
        severity=first["severity"],
        content=content,
    )


def _first(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((row[name] for row in rows if row[name] is not None), None)


def _total(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for row in rows:
        if row["currency"]:
            total[row["currency"]] += row["diff_minor"]
    return dict(sorted(total.items()))


def _evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    value = json.loads(row["evidence"] or "{}")
    return value if isinstance(value, dict) else {"evidence": value}


def _short(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[:_LISTED] if isinstance(value, list) else value
            for name, value in evidence.items() if name != "members"}
