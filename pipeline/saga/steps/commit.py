"""Step 5: makes what was captured payable to the merchant, less the platform's fee. Only goes forward."""

from __future__ import annotations

from pipeline.ledger.port import Payment, Posting
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.ports import Ports
from pipeline.saga.settle import CAPTURED, UNWINDING, Decision, change, ended, event, row, settle
from pipeline.saga.steps.tombstone import bury

STEP = "commit"


def forward(ports: Ports, call: Call) -> Result:
    """OK: committed, and the saga is over. UNDONE: the capture was taken back before. MISUSED: nothing is captured."""

    def decide(payment: Payment) -> Decision | Result:
        if payment.status is Status.CAPTURED:
            fee = platform_fee(payment.captured_minor, ports.policy.fee_bps)
            return Decision(change(
                payment, ports.clock(), status=Status.COMMITTED,
                postings=(Posting("COMMIT", 1, payment.captured_minor, fee_minor=fee),),
                begins=(row(payment, STEP, "intended"),), ends=(row(payment, STEP, "done"),),
                events=(event(STEP, "succeeded"),), release_lease=True))
        if payment.status in CAPTURED:
            return result(Outcome.OK, payment)
        if payment.status in FINAL or payment.status in UNWINDING:
            return result(Outcome.UNDONE, payment, payment.cause)
        return result(Outcome.MISUSED, payment, "out_of_order")

    return ended(settle(ports, call, decide))


def undo(ports: Ports, call: Call) -> Result:
    """Before the pivot a tombstone; after it REJECTED."""
    return bury(ports, call, STEP)


def platform_fee(amount_minor: int, bps: int) -> int:
    """`bps` hundredths of a percent of `amount_minor`, half up, at most the amount; all in minor units."""
    return min((amount_minor * bps + 5_000) // 10_000, amount_minor)
