"""The two sides that are compared: movements of the ledger and lines of the gateways' reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

KIND_OF_STEP = {
    "CAPTURE": "charge",
    "CAPTURE_REVERSAL": "charge_failure",
    "REFUND": "refund",
    "REFUND_REVERSAL": "refund_failure",
    "CHARGEBACK": "chargeback",
    "CHARGEBACK_REVERSAL": "chargeback_reversal",
}
"""Which kind of line answers a movement's step."""

HELD = "held"
"""Kind of a line whose type nobody knows."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One ledger movement: debit − credit of a journal's clearing entries, in minor units of `currency`."""

    journal_id: str
    payment_id: int
    step: str
    kind: str
    sequence: int
    gateway: str
    gateway_account: str
    operation_ref: str | None
    gateway_ref: str | None
    currency: str
    amount_minor: int
    event_at: datetime
    is_double: bool
    in_cohort: bool
    is_decidable: bool
    """The line is due and the file that must hold it is here and complete."""
    due_at: datetime | None
    trace_id: str | None
    source_path: str

    @property
    def payment_ref(self) -> str:
        """The payment id as a report prints it."""
        return str(self.payment_id)

    @property
    def subject(self) -> str:
        """Subject of this movement's divergences."""
        return f"movement:{self.journal_id}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a settlement report, signed from the merchant's side, in minor units of `currency`."""

    line_id: str
    native_id: str
    file_id: str
    line_no: int
    gateway: str
    gateway_account: str
    kind: str
    raw_type: str
    operation_ref: str | None
    charge_ref: str | None
    gateway_ref: str | None
    payment_ref: str | None
    """Our payment id where the file carries a usable one."""
    currency: str | None
    amount_minor: int
    occurred_at: datetime
    received_at: datetime
    batch_id: str | None
    in_cohort: bool

    @property
    def has_key(self) -> bool:
        """Whether anything on the line can name a payment or an operation."""
        return bool(self.operation_ref or self.gateway_ref or self.payment_ref)

    @property
    def subject(self) -> str:
        """Subject of this line's divergences."""
        return f"line:{self.gateway}:{self.native_id}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A movement's claim on one line, with the rule that made it."""

    movement: Movement
    line: Line
    rule: str
