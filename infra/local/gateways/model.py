"""What the book holds. Amounts are integers as the vendor's API counts them, times milliseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1000
DAY = 86_400 * SECOND

STATES = ("new", "requires_action", "declined", "authorized", "captured", "voided", "expired")


class Refusal(Exception):
    """The book refuses an operation; `code` says why, one of REASONS."""

    def __init__(self, code: str, payment: Payment | None = None) -> None:
        super().__init__(f"{code}: {REASONS[code]}")
        self.code = code
        self.payment = payment


REASONS = {
    "not_found": "there is no such payment",
    "not_authorized": "the payment is not authorised",
    "already_captured": "the payment has been captured",
    "already_voided": "the payment has been cancelled",
    "expired": "the authorisation has expired",
    "too_much": "the amount is more than what is left",
    "other_currency": "the payment has another currency",
    "not_captured": "the payment has not been captured",
    "fully_refunded": "nothing is left to refund",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the issuer says of an authorisation: approve, partial (half of it), decline, requires_action."""

    kind: str = "approve"
    code: str = ""
    """Short reason of a decline, as Stripe spells decline codes."""


@dataclass(slots=True)
class Payment:
    """One payment intent (Stripe) or payment (Adyen)."""

    ref: str
    vendor: str
    account: str
    payment_id: str
    currency: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    state: str
    method: str
    manual: bool
    charge: str
    code: str
    metadata: dict[str, str]
    created: int
    expires: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that happened to a payment, refused ones included."""

    number: int
    ref: str
    payment: str
    kind: str
    amount: int
    status: str
    reason: str
    key: str
    at: int
    metadata: dict[str, str]


KINDS = ("authorize", "capture", "void", "expire", "refund", "capture_failed", "refund_failed", "chargeback",
         "chargeback_reversal")
STATUSES = ("succeeded", "refused")
