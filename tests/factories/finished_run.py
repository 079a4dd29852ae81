"""Folders of finished runs, written row by row: for tests of what is made of a run, not of how it is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recon.match.result import DIVERGENCES, MATCHES

GATEWAY, ACCOUNT, REPORT = "stripe", "acct_1", "payout_reconciliation"
COHORT = date(2026, 3, 10)
"""The day that the runs here are about."""
_BACK = {"T+7": 7, "T+14": 14, "T+30": 30}


@dataclass(frozen=True, slots=True)
class Found:
    """One divergence in short; amounts are minor units."""

    subject: str
    cls: str = "missing_at_gateway"
    diff_minor: int = 1000
    currency: str | None = "EUR"
    severity: str = "break"
    gateway: str | None = GATEWAY
    account: str | None = ACCOUNT
    payment_id: int | None = None
    batch_id: str | None = None
    reason: str = "something does not fit"
    evidence: str = "{}"
    first_seen_at: datetime | None = datetime(2026, 3, 12, 6, tzinfo=UTC)


def case_id(subject: str) -> str:
    """As a run makes it."""
    return _hash(subject)[:32]


def line_id(native_id: str, gateway: str = GATEWAY, account: str = ACCOUNT) -> str:
    """As ingest makes it."""
    return _hash(gateway, account, native_id)


def write_run(
    folder: Path,
    window: str = "T+7",
    found: Sequence[Found] = (),
    *,
    matched: Sequence[tuple[str, str]] = (),
    cohort: date = COHORT,
    hour: int | None = None,
    known_after: timedelta = timedelta(0),
    status: str = "ok",
    **summary: Any,
) -> Path:
    """A finished run over `cohort` (hourly: its `hour`), known `known_after` its as_of; `matched` are (journal, native
    id). `summary` replaces values of the summary. The run_id follows from all of it. Returns the folder."""
    start = datetime.combine(cohort, time(hour or 0), UTC)
    end = start + (timedelta(hours=1) if hour is not None else timedelta(days=1))
    as_of = end + timedelta(hours=1) if hour is not None else start + timedelta(days=_BACK[window])
    window = "hourly" if hour is not None else window
    known_at = as_of + known_after
    run_id = _hash(window, _z(as_of), _z(known_at), repr(list(found)), repr(list(matched)), status, repr(summary))[:32]
    common = {"run_id": run_id, "window": window, "as_of": _naive(as_of), "known_at": _naive(known_at)}
    rows = sorted((_row(item, common) for item in found), key=lambda row: str(row["divergence_id"]))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=DIVERGENCES), folder / "divergences.parquet")
    claims = [{"journal_id": journal, "line_id": line_id(native_id), "rule": "operation_ref"}
              for journal, native_id in matched]
    pq.write_table(pa.Table.from_pylist(claims, schema=MATCHES), folder / "matches.parquet")
    said = {
        "window": window, "as_of": _z(as_of), "known_at": _z(known_at), "cohort_from": _z(start), "cohort_to": _z(end),
        "engine": "duckdb", "run_id": run_id, "status": status, "feeds": [], "decidable": [], "batches": [],
        "lost_objects": [], "totals": [],
    } | summary  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def feed(status: str, cohort: date = COHORT, report: str = REPORT) -> dict[str, Any]:
    """What a summary says of one day's report."""
    start = datetime.combine(cohort, time(), UTC)
    return {"gateway": GATEWAY, "gateway_account": ACCOUNT, "report_type": report, "covers_from": _z(start),
            "covers_until": _z(start + timedelta(days=1)), "status": status, "files": ["f.csv"]}


def undecidable(cls: str, account: str | None = ACCOUNT) -> dict[str, Any]:
    """What a summary says of a class that it could not look at."""
    return {"class": cls, "gateway": GATEWAY if account else None, "gateway_account": account, "decidable": False,
            "reason": "because"}


def _row(item: Found, common: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **common,
        "divergence_id": _hash(item.cls, item.subject, item.currency or "")[:32], "case_id": case_id(item.subject),
        "class": item.cls, "severity": item.severity, "subject_kind": item.subject.split(":", 1)[0],
        "subject_id": item.subject, "gateway": item.gateway, "gateway_account": item.account,
        "currency": item.currency, "payment_id": item.payment_id, "native_id": None, "batch_id": item.batch_id,
        "ledger_minor": item.diff_minor, "gateway_minor": 0, "diff_minor": item.diff_minor,
        "identity_minor": item.diff_minor, "reason": item.reason, "nearest_miss": None, "root_cause": "somebody erred",
        "evidence": item.evidence, "trace_id": "trace-1",
        "first_seen_at": _naive(item.first_seen_at) if item.first_seen_at else None,
    }  # fmt: skip


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _z(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
