"""What happened, from those who know it: PostgreSQL's ledger, the gateways' book and files, the objects in the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUCKETS = 256

KIND_OF_TYPE = {
    "charge": "charge", "refund": "refund", "refund_failure": "refund_failure", "dispute": "chargeback",
    "dispute_reversal": "chargeback_reversal", "charge_failure": "charge_failure",
    "partial_capture_reversal": "partial_capture_reversal", "Settled": "charge", "Refunded": "refund",
    "CaptureFailed": "charge_failure", "RefundedReversed": "refund_failure", "Chargeback": "chargeback",
    "ChargebackReversed": "chargeback_reversal",
}
"""Kinds of lines by what the vendors' reports print."""
STEP_OF_KIND = {
    "charge": "CAPTURE", "partial_capture_reversal": "CAPTURE", "charge_failure": "CAPTURE_REVERSAL",
    "refund": "REFUND", "refund_failure": "REFUND_REVERSAL", "chargeback": "CHARGEBACK",
    "chargeback_reversal": "CHARGEBACK_REVERSAL",
}
"""The movement that a line of each kind answers."""

Account = tuple[str, str]
"""Gateway and account there."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One journal that moved money between a gateway and us; `amount` is debit less credit of clearing."""

    journal_id: str
    payment_id: int
    step: str
    sequence: int
    account: Account
    currency: str
    amount: int
    operation_ref: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger, as far as the lake's control counts it."""

    entry_id: str
    journal_id: str
    payment_id: int
    step: str
    account: str
    currency: str
    direction: str
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A settlement file as it was delivered."""

    name: str
    account: Account
    covers_from: datetime
    covers_until: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a gateway reports; `operation` is the number of the book's operation behind it, 0 for none."""

    native_id: str
    account: Account
    kind: str
    payment_id: int | None
    operation: int
    defect: int
    currency: str
    gross: int
    at: datetime
    file: File
    line_no: int


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout of one batch: what its lines add up to, and what the list of payouts says."""

    account: Account
    batch: str
    currency: str
    owed: int
    told: int
    file: File


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the gateways' book."""

    number: int
    kind: str
    payment_id: int | None
    ref: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the truth is derived from. Times are aware UTC, amounts ISO minor units.

    `missing` are entries that the lake has not, `repeated` tables and hours of which it has rows more than once;
    `given_up` says since when a payment is voided, declined, rejected or its hold released.
    """

    movements: Sequence[Movement]
    lines: Sequence[Line]
    files: Sequence[File]
    payouts: Sequence[Payout]
    operations: Mapping[int, Operation]
    given_up: Mapping[int, datetime]
    missing: Sequence[Entry] = ()
    repeated: frozenset[tuple[str, datetime]] = frozenset()
    controlled_until: Mapping[datetime, datetime] = field(default_factory=dict)
    """How far each hour is counted by ledger_control."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run that reconciles a cohort, as far as it was known at its instant."""

    window: str
    as_of: datetime
    cohort_from: datetime
    cohort_to: datetime

    @property
    def known_at(self) -> datetime:
        """What had come before its own instant."""
        return self.as_of

    @property
    def name(self) -> str:
        """How its folder is called."""
        return f"{self.window}_{self.as_of:%Y-%m-%dT%H}" if self.window == "hourly" else (
            f"{self.window}_{self.as_of:%Y-%m-%d}").replace("+", "")


def runs_of(instants: Sequence[datetime]) -> list[Run]:
    """An hourly run for every hour in which something happened, and T+7, T+14 and T+30 for every such day (UTC)."""
    hours = sorted({at.replace(minute=0, second=0, microsecond=0) for at in instants})
    days = sorted({hour.replace(hour=0) for hour in hours})
    return [*(Run("hourly", hour + 2 * HOUR, hour, hour + HOUR) for hour in hours),
            *(Run(f"T+{back}", day + back * DAY, day, day + DAY) for back in (7, 14, 30) for day in days)]


def hour_of(at: datetime) -> datetime:
    """The hour that an instant lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def rfc(at: datetime) -> str:
    """RFC 3339 `Z` to the second, as subjects and world.json print times."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
