"""Step 2: holds the amount against the merchant's limit. Undo: releases the hold."""

from __future__ import annotations

from pipeline.ledger.port import LimitReached, Payment, Posting
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.ports import Ports
from pipeline.saga.settle import UNWINDING, Decision, change, ended, event, row, settle

STEP = "reserve"


def forward(ports: Ports, call: Call) -> Result:
    """OK: the hold is there. REJECTED: the limit leaves no room, and the payment is REJECTED."""

    def hold(payment: Payment) -> Decision | Result:
        gone = _gone(payment)
        if gone is not None or payment.status is not Status.VALIDATED:
            return gone or result(Outcome.OK, payment)
        return Decision(change(
            payment, ports.clock(), status=Status.RESERVED, postings=(Posting("RESERVE", 1, payment.amount_minor),),
            begins=(row(payment, STEP, "intended"),), ends=(row(payment, STEP, "done"),),
            events=(event(STEP, "succeeded"),)))

    def refuse(payment: Payment) -> Decision | Result:
        gone = _gone(payment)
        if gone is not None or payment.status is not Status.VALIDATED:
            return gone or result(Outcome.OK, payment)
        return Decision(change(
            payment, ports.clock(), status=Status.REJECTED, updates={"cause": "limit_reached"},
            begins=(row(payment, STEP, "intended"),), ends=(row(payment, STEP, "failed"),),
            events=(event(STEP, "failed", code="limit_reached"),), release_lease=True),
            Outcome.REJECTED, "limit_reached")

    try:
        return ended(settle(ports, call, hold))
    except LimitReached:
        return ended(settle(ports, call, refuse))


def undo(ports: Ports, call: Call) -> Result:
    """OK: nothing is held. Refused (MISUSED) while the gateway may still hold money: its undo comes first."""

    def decide(payment: Payment) -> Decision | Result:
        if payment.status in FINAL:
            return result(Outcome.OK, payment)
        if payment.status not in (Status.RECEIVED, Status.VALIDATED, Status.RESERVED, Status.VOIDING):
            return result(Outcome.MISUSED, payment, "out_of_order")
        held = ports.ledger.open_hold_minor(payment.payment_id)
        undone = any((found.step, found.direction, found.state) == (STEP, "undo", "done")
                     for found in ports.ledger.journal(payment.payment_id))
        if undone and not held and payment.status is not Status.RESERVED:
            return result(Outcome.OK, payment)
        return Decision(change(
            payment, ports.clock(), status=Status.VOIDING if payment.status is Status.RESERVED else None,
            postings=(Posting("RELEASE", 1, held),) if held else (),
            begins=(row(payment, STEP, "intended", direction="undo"),),
            ends=(row(payment, STEP, "done", direction="undo"),),
            events=(event(STEP, "compensated"),) if held else ()))

    return ended(settle(ports, call, decide))


def _gone(payment: Payment) -> Result | None:
    """How a late or unneeded forward call ends; None where the hold is still to be taken or is there."""
    if payment.status in UNWINDING or payment.status is Status.VOIDED:
        return result(Outcome.UNDONE, payment, payment.cause)
    if payment.status in FINAL:
        return result(Outcome.DONE, payment, payment.cause)
    return result(Outcome.MISUSED, payment, "out_of_order") if payment.status is Status.RECEIVED else None
