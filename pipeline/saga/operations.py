"""Which operation of a payment is open: the capture in doubt, the next void, by the ledger's own record."""

from __future__ import annotations

from pipeline.ledger.port import Ledger, Operation, Payment

OPEN = ("pending", "in_doubt")
"""Operations of which the gateway's answer is not known."""


def latest(ledger: Ledger, payment_id: int, kind: str) -> Operation | None:
    """The last operation of its kind; sequences are given from 1 without a gap."""
    last: Operation | None = None
    while (found := ledger.operation(payment_id, kind, 1 if last is None else last.sequence + 1)) is not None:
        last = found
    return last


def capture_in_doubt(ledger: Ledger, payment: Payment) -> bool:
    """Whether a payment IN_DOUBT is so for its capture; otherwise it is for its authorisation."""
    found = latest(ledger, payment.payment_id, "capture")
    return found is not None and found.status in OPEN
