"""Step 3: asks the gateway for the hold, once, under one key. Undo: gives the hold back, also one in doubt."""

from __future__ import annotations

from pipeline.gateways.port import authorize_key
from pipeline.ledger.port import Operation, Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.authorization import ask, recorded, sends
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.operations import capture_in_doubt
from pipeline.saga.ports import Ports
from pipeline.saga.sending import Deadline, alone, await_other
from pipeline.saga.settle import (
    CAPTURED,
    UNWINDING,
    Begun,
    Decision,
    came_back,
    change,
    ended,
    event,
    is_saga_over,
    once_more,
    sent_so_far,
    settle,
)
from pipeline.saga.steps.void import undo as undo

STEP = "authorize"


def forward(ports: Ports, call: Call) -> Result:
    """OK: authorised. RESTING: authorised, the merchant captures later. DECLINED: the hold is released. VOID: give the
    hold back. IN_DOUBT: to be resolved by recovery. RETRYABLE, MISUSED: definitely not executed."""
    payment = ports.ledger.payment(call.payment_id)
    if payment is not None and past(ports, payment) is None:
        with alone(ports, call, payment) as mine:
            if not mine:
                return await_other(ports, call, ports.policy.authorize_budget_s, lambda found: past(ports, found, True))
            return _send(ports, call)
    return ended(settle(ports, call, lambda found: past(ports, found) or result(Outcome.RETRYABLE, found, "busy")))


def _send(ports: Ports, call: Call) -> Result:
    before, at = sent_so_far(ports, call.payment_id, STEP, "forward"), ports.clock()
    # A look-up is no call of the operation: only what may have an effect moves the horizon on.
    sent = once_more(before, at) if sends(ports, call.payment_id, before) else before

    def begin(payment: Payment) -> Decision | Result | Begun:
        found = past(ports, payment)
        if found is not None:
            return found
        first = payment.status is Status.RESERVED
        pending = Operation(payment.payment_id, STEP, 1, payment.amount_minor, "pending",
                            authorize_key(payment.payment_id), first_sent_at=at)
        return Decision(change(
            payment, at, status=Status.AUTHORIZING if first else None, operations=(pending,) if first else (),
            begins=(came_back(payment, STEP, "intended", sent),),
            events=(event(STEP, "started", attempt=sent.attempts),)), go_on=True)

    begun = settle(ports, call, begin)
    if not isinstance(begun, Begun):
        return begun
    budget_s = ports.policy.authorize_budget_s
    known, took = ask(ports, begun.payment, before, Deadline.after(ports, budget_s), budget_s)
    return ended(settle(
        ports, call, lambda payment: past(ports, payment) or recorded(ports, payment, known, sent, took)))


def past(ports: Ports, payment: Payment, polled: bool = False) -> Result | None:
    """How the step ends where there is nothing left to send; None where the gateway has to be asked. `polled`: another
    caller is at it, so its IN_DOUBT is an end as well."""
    status, cause = payment.status, payment.cause
    if status in (Status.RESERVED, Status.AUTHORIZING):
        return result(Outcome.RUNNING, payment) if is_saga_over(payment) else None
    if status is Status.IN_DOUBT and not capture_in_doubt(ports.ledger, payment):
        return result(Outcome.IN_DOUBT, payment, cause) if polled else None
    if status is Status.AUTHORIZED:
        if is_saga_over(payment):
            return result(Outcome.RESTING, payment)
        return result(Outcome.OK if cause is None else Outcome.VOID, payment, cause)
    if status in CAPTURED or status in (Status.CAPTURING, Status.IN_DOUBT):
        return result(Outcome.OK, payment)
    if status is Status.DECLINED:
        return result(Outcome.DECLINED, payment, cause)
    if status in UNWINDING or status in FINAL:
        return result(Outcome.UNDONE, payment, cause)
    return result(Outcome.MISUSED, payment, "out_of_order")
