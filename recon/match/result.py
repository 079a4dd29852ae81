"""What a reconciliation leaves: the tables of RECONCILIATION section 6 and the summary that sums them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

_AT = pa.timestamp("ms")

_COLUMNS: list[pa.Field[Any]] = [
    pa.field("divergence_id", pa.string(), nullable=False),
    pa.field("case_id", pa.string(), nullable=False),
    pa.field("run_id", pa.string(), nullable=False),
    pa.field("window", pa.string(), nullable=False),
    pa.field("as_of", _AT, nullable=False),
    pa.field("known_at", _AT, nullable=False),
    pa.field("class", pa.string(), nullable=False),
    pa.field("severity", pa.string(), nullable=False),
    pa.field("subject_kind", pa.string(), nullable=False),
    pa.field("subject_id", pa.string(), nullable=False),
    pa.field("gateway", pa.string()),
    pa.field("gateway_account", pa.string()),
    pa.field("currency", pa.string()),
    pa.field("payment_id", pa.int64()),
    pa.field("native_id", pa.string()),
    pa.field("batch_id", pa.string()),
    pa.field("ledger_minor", pa.int64()),
    pa.field("gateway_minor", pa.int64()),
    pa.field("diff_minor", pa.int64(), nullable=False),
    pa.field("identity_minor", pa.int64(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("nearest_miss", pa.string()),
    pa.field("root_cause", pa.string()),
    pa.field("evidence", pa.string(), nullable=False),
    pa.field("trace_id", pa.string()),
    pa.field("first_seen_at", _AT),
]
DIVERGENCES = pa.schema(_COLUMNS)
"""One row per divergence, sorted by divergence_id. Amounts are minor units of `currency`; diff is ledger − gateway."""

MATCHES = pa.schema(
    [
        pa.field("journal_id", pa.string(), nullable=False),
        pa.field("line_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
    ]
)
"""One row per claimed line, sorted by journal_id and line_id."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished reconciliation.

    `summary` and `manifest` are what summary.json and manifest.json hold (plain JSON values). `summary["totals"]` has
    one entry per gateway, account and currency with movements, matched, pending, divergent (counts) and ledger_minor,
    gateway_minor, matched_minor, named_minor, pending_minor, held_minor, unexplained_minor (minor units), so that
    ledger_minor − gateway_minor = named_minor + pending_minor + held_minor + unexplained_minor.
    """

    window: str
    as_of: datetime
    known_at: datetime
    cohort_from: datetime
    cohort_to: datetime
    engine: str
    run_id: str
    divergences: pa.Table
    matches: pa.Table
    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def status(self) -> str:
        """ok, waiting (a feed is due and absent) or failed."""
        return str(self.summary["status"])
