"""What a history is made of. Times are integer milliseconds UTC, amounts integer minor units."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from recon.worlds.clock import Expectation
from recon.worlds.frame import Account

SIGN = {
    "CAPTURE": 1,
    "CAPTURE_REVERSAL": -1,
    "REFUND": -1,
    "REFUND_REVERSAL": 1,
    "CHARGEBACK": -1,
    "CHARGEBACK_REVERSAL": 1,
}
"""Steps that move gateway clearing, with the sign of debit − credit there."""

KIND_OF_STEP = {
    "CAPTURE": "charge",
    "CAPTURE_REVERSAL": "charge_failure",
    "REFUND": "refund",
    "REFUND_REVERSAL": "refund_failure",
    "CHARGEBACK": "chargeback",
    "CHARGEBACK_REVERSAL": "chargeback_reversal",
}
STEP_OF_KIND = {kind: step for step, kind in KIND_OF_STEP.items()} | {"partial_capture_reversal": "CAPTURE"}


@dataclass(slots=True, eq=False)
class Payment:
    """One payment. `path` is captured, voided, declined, rejected or stuck (captured at the gateway, never posted)."""

    index: int
    id: int
    account: Account
    merchant: int
    currency: str
    amount: int
    path: str
    manual: bool
    created: int
    authorized_at: int
    ended_at: int
    gateway_ref: str
    capture_ref: str
    brand: int
    country: int
    moves: list[Movement] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    defect: str | None = None

    @property
    def reserved_at(self) -> int:
        """When the hold was posted."""
        return self.authorized_at - (self.authorized_at - self.created) // 2

    @property
    def bucket(self) -> int:
        """Bucket of ledger_control."""
        return self.id % 256


@dataclass(slots=True, eq=False)
class Movement:
    """One journal that touches gateway clearing. `amount` is positive; `lines` are what the gateway wrote of it."""

    payment: Payment
    step: str
    sequence: int
    amount: int
    at: int
    operation_ref: str | None
    lines: list[Line] = field(default_factory=list)
    repeats: bool = False
    journal: int = -1

    @property
    def signed(self) -> int:
        """Debit − credit on gateway clearing."""
        return SIGN[self.step] * self.amount

    @property
    def account(self) -> Account:
        """Account at the gateway."""
        return self.payment.account

    @property
    def currency(self) -> str:
        """Currency of the ledger."""
        return self.payment.currency


@dataclass(slots=True, eq=False)
class Line:
    """One payment row of a settlement report, signed from the merchant's side.

    `movement` is the journal that the gateway's operation caused, None where the ledger has none; `payment` is the
    payment that it is about. The four references are what the file prints, and may be blank or wrong; `tangle` are the
    journals that they point at where they contradict each other. `files` are the deliveries that hold the line.
    """

    account: Account
    payment: Payment
    movement: Movement | None
    kind: str
    raw_type: str
    gross: int
    currency: str
    settled: int
    settled_currency: str
    rate: Decimal
    commission: int
    markup: int
    scheme: int
    interchange: int
    at: int
    operation_ref: str
    gateway_ref: str
    charge_ref: str
    payment_ref: str
    token: str
    native_id: str = ""
    tangle: tuple[Movement, ...] = ()
    files: list[FeedFile] = field(default_factory=list)

    @property
    def fee(self) -> int:
        """All fees, positive = cost, in the settlement currency."""
        return self.commission + self.markup + self.scheme + self.interchange

    @property
    def net(self) -> int:
        """What reaches the balance, in the settlement currency."""
        return self.settled - self.fee

    @property
    def keyless(self) -> bool:
        """Whether the row carries no reference at all."""
        return not (self.operation_ref or self.gateway_ref or self.charge_ref or self.payment_ref)


@dataclass(slots=True, eq=False)
class BatchRow:
    """A row of a settlement report that is about the batch: fee, payout, balance_transfer, topup."""

    kind: str
    raw_type: str
    text: str
    currency: str
    net: int
    at: int
    token: str = ""
    other_batch: int | None = None
    payout: str = ""


@dataclass(slots=True, eq=False)
class Payout:
    """What one batch pays in one currency. `told` is what the control report says (None: it lacks the payout)."""

    account: Account
    batch: str
    currency: str
    net: int
    carry_in: int
    carry_out: int
    paid: int
    effective_at: int
    told: int | None
    carry_out_to: int | None = None
    carry_in_from: int | None = None
    txn: str = ""


@dataclass(slots=True, eq=False)
class FeedFile:
    """One delivery of one report. `status` is what ingest must find: accepted, duplicate or incomplete.

    `authorised` are the payments whose authorisation a status report tells.
    """

    account: Account
    report: str
    role: str
    name: str
    day: date
    covers_from: int
    covers_until: int
    received_at: int
    batch: int | None
    lines: list[Line]
    batch_rows: list[BatchRow]
    payouts: list[Payout]
    status: str = "accepted"
    restates: FeedFile | None = None
    repeats: FeedFile | None = None
    reordered: bool = False
    authorised: list[Payment] = field(default_factory=list)

    @property
    def subject(self) -> tuple[str, str, str, int]:
        """Gateway, account, report, covers_from: what a feed divergence is about."""
        return self.account.gateway, self.account.name, self.report, self.covers_from


@dataclass(frozen=True, slots=True)
class Gap:
    """Part of an hour's ledger entries that the lake lacks until `landed_at` (None: for ever)."""

    hour: int
    buckets: frozenset[int]
    landed_at: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run that the truth speaks of; the cohort is half-open."""

    window: str
    as_of: int
    known_at: int
    cohort_from: int
    cohort_to: int


@dataclass(slots=True, eq=False)
class History:
    """Everything that happened, before a single row or file exists."""

    seed: int
    start: int
    until: int
    days: int
    payments: list[Payment]
    runs: list[Run]
    files: list[FeedFile] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    doubled_hours: list[int] = field(default_factory=list)
    planted: dict[str, int] = field(default_factory=dict)
    journal_ids: list[str] = field(default_factory=list)

    def expectations(self) -> list[tuple[Account, Expectation]]:
        """Every expected report with its account."""
        accounts = {p.account.index: p.account for p in self.payments}
        return [(accounts[i], accounts[i].expected) for i in sorted(accounts)]
