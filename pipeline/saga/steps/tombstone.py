"""The undo of a step that is never unwound once it may have happened: before the pivot a tombstone, after it a no."""

from __future__ import annotations

from pipeline.ledger.port import Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.ports import Ports
from pipeline.saga.settle import CAPTURED, Decision, change, ended, is_saga_over, row, settle


def bury(ports: Ports, call: Call, step: str) -> Result:
    """OK: the step did not happen and is refused from now on. IN_DOUBT: the gateway has to be asked. REJECTED
    (`captured`): too late, the saga only goes forward."""

    def decide(payment: Payment) -> Decision | Result:
        if payment.status in CAPTURED:
            return result(Outcome.REJECTED, payment, "captured")
        if payment.status in FINAL or is_saga_over(payment):
            return result(Outcome.OK, payment)
        if payment.status in (Status.CAPTURING, Status.IN_DOUBT):
            return result(Outcome.IN_DOUBT, payment, payment.cause)
        if any((found.step, found.direction) == (step, "undo") for found in ports.ledger.journal(payment.payment_id)):
            return result(Outcome.OK, payment)
        return Decision(change(payment, ports.clock(), begins=(row(payment, step, "intended", direction="undo"),),
                               ends=(row(payment, step, "done", direction="undo"),)))

    return ended(settle(ports, call, decide))
