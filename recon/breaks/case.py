"""A case: what the log says of one subject, as of its last entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

SEVERITIES = ("timing", "warning", "break")
"""Severities that open a case, the lowest first."""
STATUSES = ("open", "assigned", "explained", "write_off_proposed", "written_off", "resolved")
UNFINISHED = frozenset({"open", "assigned", "write_off_proposed"})
"""States in which somebody still has something to do."""

Amounts = Mapping[str, int]
"""Minor units by currency."""


@dataclass(frozen=True, slots=True)
class Case:
    """One break and its state. Instants are aware UTC; amounts are minor units, diff is ledger − gateway, signed.

    `window`, `run_id`, `as_of`, `known_at` and the cohort are of the run that last found it; `last_seen_at` is that
    run's known_at. `at_risk_minor` counts each currency's breaks and warnings without their signs.
    """

    case_id: str
    subject_kind: str
    subject_id: str
    cls: tuple[str, ...]
    severity: str
    gateway: str | None
    gateway_account: str | None
    payment_id: int | None
    batch_id: str | None
    native_id: str | None
    diff_minor: Amounts
    at_risk_minor: Amounts
    reason: str
    root_cause: str | None
    nearest_miss: str | None
    trace_id: str | None
    window: str
    run_id: str
    as_of: datetime
    known_at: datetime
    cohort_from: datetime
    cohort_to: datetime
    first_seen_at: datetime | None
    opened_at: datetime
    last_seen_at: datetime
    due_at: datetime
    status: str
    assignee: str | None
    last_entry_id: str
    members: tuple[str, ...] = ()
    """Subjects of a group's movements and lines."""
    parts: Mapping[str, tuple[Amounts, Amounts]] | None = None
    """A group over two cohorts is found in parts: diff and amounts at risk by cohort. None for other subjects."""
    counted_from: datetime | None = None
    """Where its time begins to run: first_seen_at, else its opening; after a reopening that."""
    spoken: tuple[datetime, datetime] | None = None
    """known_at and as_of of the last run that said anything of it, its resolution included."""
    maker: str | None = None
    """Who proposed the write-off."""
    text: str | None = None
    """What people last said of it."""

    @property
    def is_unfinished(self) -> bool:
        """Whether somebody still has something to do."""
        return self.status in UNFINISHED

    @property
    def since(self) -> datetime:
        """When its age begins."""
        return self.counted_from or self.opened_at
