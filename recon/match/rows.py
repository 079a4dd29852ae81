"""Findings as rows of divergences.parquet: ids, severity, evidence, in one fixed order."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from recon.engine.port import Engine
from recon.match.finding import Finding
from recon.match.policy import Policy
from recon.match.request import Request
from recon.match.result import DIVERGENCES


def divergence_rows(
    engine: Engine,
    request: Request,
    run_id: str,
    findings: Sequence[Finding],
    policy: Policy,
    landed_at: Mapping[str, datetime],
) -> pa.Table:
    """The run's divergences, sorted by divergence_id. Ledger entries are looked up as evidence."""
    entries = _entries(engine, request, findings)
    rows = [_row(request, run_id, finding, policy, entries, landed_at) for finding in findings]
    rows.sort(key=lambda row: row["divergence_id"])
    return pa.Table.from_pylist(rows, schema=DIVERGENCES)


def divergence_id(divergence: str, subject: str, currency: str | None) -> str:
    """Hash of class, subject and currency."""
    return _hash(divergence, subject, currency or "")


def case_id(subject: str) -> str:
    """Hash of the subject alone: a case survives a change of class."""
    return _hash(subject)


def _row(
    request: Request,
    run_id: str,
    finding: Finding,
    policy: Policy,
    entries: Mapping[str, list[str]],
    landed_at: Mapping[str, datetime],
) -> dict[str, Any]:
    evidence = dict(finding.evidence)
    journals = evidence.pop("journals", None) or ([evidence["journal_id"]] if "journal_id" in evidence else [])
    if journals:
        evidence["entry_ids"] = [entry for journal in journals for entry in entries.get(journal, [])]
    landed = landed_at.get(str(evidence.get("source")))
    seen = [at for at in (finding.first_seen_at, landed) if at]
    return {
        "divergence_id": divergence_id(finding.divergence, finding.subject, finding.currency),
        "case_id": case_id(finding.subject),
        "run_id": run_id,
        "window": request.window,
        "as_of": _naive(request.as_of),
        "known_at": _naive(request.known_at),
        "class": finding.divergence,
        "severity": _severity(finding, policy, request.window),
        "subject_kind": finding.subject_kind,
        "subject_id": finding.subject,
        "gateway": finding.gateway,
        "gateway_account": finding.gateway_account,
        "currency": finding.currency,
        "payment_id": finding.payment_id,
        "native_id": finding.native_id,
        "batch_id": finding.batch_id,
        "ledger_minor": finding.ledger_minor,
        "gateway_minor": finding.gateway_minor,
        "diff_minor": finding.diff_minor,
        "identity_minor": finding.identity_minor,
        "reason": finding.reason,
        "nearest_miss": finding.nearest_miss,
        "root_cause": policy.root_cause(finding.divergence),
        "evidence": json.dumps(evidence, sort_keys=True, ensure_ascii=False, default=str),
        "trace_id": finding.trace_id,
        "first_seen_at": _naive(max(seen)) if seen else None,
    }


def _severity(finding: Finding, policy: Policy, window: str) -> str:
    """As the policy says; copies of one id that differ are never mere information."""
    if finding.divergence == "duplicate_delivery" and finding.evidence.get("differing"):
        return "break"
    return policy.severity(finding.divergence, window)


def _entries(engine: Engine, request: Request, findings: Sequence[Finding]) -> dict[str, list[str]]:
    wanted = sorted(
        {
            journal
            for finding in findings
            for journal in (*finding.evidence.get("journals", ()), finding.evidence.get("journal_id"))
            if journal
        }
    )
    if not wanted:
        return {}
    engine.register("wanted_journals", pa.table({"journal_id": pa.array(wanted, pa.string())}))
    found: dict[str, list[str]] = defaultdict(list)
    rows = engine.fetch("journal_entries", search_from=request.search_from, as_of=request.as_of)
    for row in rows.to_pylist():
        found[row["journal_id"]].append(row["entry_id"])
    return found


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
