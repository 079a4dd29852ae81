"""What happens to captured money afterwards: refunds and chargebacks with their reversals, each a fact of its own."""

from __future__ import annotations

from dataclasses import replace

from pipeline.gateways.events import GatewayEvent
from pipeline.ledger.port import Change, Ledger, Operation, Payment, Posting
from pipeline.ledger.statuses import Status
from pipeline.saga.operations import OPEN
from pipeline.saga.ports import Ports
from pipeline.saga.settle import change, event

LATER = "later"
Noticed = Change | str | None
"""A change to make, `later` where what it follows is not recorded yet, None where there is nothing to change."""

_SETTLED = (Status.COMMITTED, Status.PARTIALLY_REFUNDED, Status.REFUNDED, Status.CHARGED_BACK)
_COMING = (Status.CAPTURING, Status.CAPTURED, Status.IN_DOUBT)
"""Captured or about to be: what follows a capture has to wait for its commit."""


def later_on(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """For what the payment's status does not allow: to wait where the capture is on its way, else to be looked at."""
    if payment.status in _COMING:
        return LATER
    ports.log("webhook_out_of_place", payment_id=payment.payment_id, kind=told.kind, status=str(payment.status))
    return None


def refunded(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """A refund of ours is confirmed, or one that was made at the gateway is recorded."""
    known = _by_reference(ports.ledger, payment, "refund", told)
    if payment.status not in _SETTLED:
        return later_on(ports, payment, told)
    if known is not None and known.status not in OPEN:
        return None
    amount = told.amount_minor or (known.amount_minor if known else 0)
    made = known or Operation(payment.payment_id, "refund", len(_all(ports.ledger, payment, "refund")) + 1, amount,
                              "pending", f"{told.gateway}:{told.event_id}", first_sent_at=ports.clock())
    return refund_change(ports, payment, replace(made, operation_ref=told.operation_ref or made.operation_ref))


def refund_change(ports: Ports, payment: Payment, operation: Operation, *, release_lease: bool = False) -> Noticed:
    """The refund's change: status, posting and operation together. None where nothing is left to refund."""
    total = payment.refunded_minor + operation.amount_minor
    if not 0 < operation.amount_minor <= payment.captured_minor - payment.refunded_minor:
        ports.log("refund_above_captured", payment_id=payment.payment_id, amount_minor=operation.amount_minor)
        return None
    status = _status(payment, total, charged_back=bool(_standing(ports.ledger, payment)))
    return change(payment, ports.clock(), status=status, updates={"refunded_minor": total},
                  postings=(Posting("REFUND", operation.sequence, operation.amount_minor, operation.operation_ref),),
                  operations=(replace(operation, status="succeeded", error_code=None),),
                  events=(event("refund", "succeeded"),), release_lease=release_lease)


def refund_refused(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """A refund did not come to pass."""
    known = _by_reference(ports.ledger, payment, "refund", told)
    if known is None or known.status == "failed":
        return None
    return refund_reversed(ports, payment, told) if known.status == "succeeded" else change(
        payment, ports.clock(), operations=(replace(known, status="failed", error_code="refund_failed"),),
        events=(event("refund", "failed", code="refund_failed"),))


def refund_reversed(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """A refund came back. One that is not recorded yet comes first."""
    known = _by_reference(ports.ledger, payment, "refund", told)
    if known is None:
        return LATER
    if known.status != "succeeded":
        return None if known.status == "failed" else LATER
    total = payment.refunded_minor - known.amount_minor
    status = _status(payment, total, charged_back=bool(_standing(ports.ledger, payment)))
    return change(payment, ports.clock(), status=status, updates={"refunded_minor": total},
                  postings=(Posting("REFUND_REVERSAL", known.sequence, known.amount_minor, known.operation_ref),),
                  operations=(replace(known, status="failed", error_code="refund_failed"),),
                  events=(event("refund", "failed", code="refund_failed"),))


def charged_back(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """The shopper's bank took the money back."""
    if payment.status not in _SETTLED:
        return later_on(ports, payment, told)
    if _by_reference(ports.ledger, payment, "chargeback", told) is not None:
        return None
    sequence = len(_all(ports.ledger, payment, "chargeback")) + 1
    amount = told.amount_minor or payment.captured_minor
    made = Operation(payment.payment_id, "chargeback", sequence, amount, "succeeded",
                     f"{told.gateway}:{told.event_id}", told.operation_ref)
    status = _status(payment, payment.refunded_minor, charged_back=True)
    return change(payment, ports.clock(), status=status, operations=(made,),
                  postings=(Posting("CHARGEBACK", sequence, amount, told.operation_ref),),
                  events=(event("chargeback", "succeeded"),))


def chargeback_reversed(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """The dispute was won. One that is not recorded yet comes first."""
    standing = _standing(ports.ledger, payment)
    known = _by_reference(ports.ledger, payment, "chargeback", told) or (standing[-1] if standing else None)
    if known is None:
        return LATER
    if known.status != "succeeded":
        return None
    status = _status(payment, payment.refunded_minor, charged_back=len(standing) > 1)
    return change(payment, ports.clock(), status=status, operations=(replace(known, status="failed"),),
                  postings=(Posting("CHARGEBACK_REVERSAL", known.sequence, known.amount_minor, told.operation_ref),),
                  events=(event("chargeback", "compensated"),))


def _status(payment: Payment, refunded_minor: int, *, charged_back: bool) -> Status | None:
    """The status that refunds and standing chargebacks come to; None where the payment has it already."""
    if charged_back:
        wanted = Status.CHARGED_BACK
    elif refunded_minor <= 0:
        wanted = Status.COMMITTED
    else:
        wanted = Status.REFUNDED if refunded_minor >= payment.captured_minor else Status.PARTIALLY_REFUNDED
    # Refunded further is a transition of its own.
    same = wanted is payment.status and wanted is not Status.PARTIALLY_REFUNDED
    return None if same else wanted


def _standing(ledger: Ledger, payment: Payment) -> list[Operation]:
    return [made for made in _all(ledger, payment, "chargeback") if made.status == "succeeded"]


def _all(ledger: Ledger, payment: Payment, kind: str) -> list[Operation]:
    found: list[Operation] = []
    while (one := ledger.operation(payment.payment_id, kind, len(found) + 1)) is not None:
        found.append(one)
    return found


def _by_reference(ledger: Ledger, payment: Payment, kind: str, told: GatewayEvent) -> Operation | None:
    """The operation that the event is about: by the gateway's reference; a refund of ours without one by its amount."""
    all_of_kind = _all(ledger, payment, kind)
    for one in all_of_kind:
        if one.operation_ref is not None and one.operation_ref == told.operation_ref:
            return one
    return next((one for one in all_of_kind if one.operation_ref is None and one.status in OPEN
                 and one.amount_minor == told.amount_minor), None)
