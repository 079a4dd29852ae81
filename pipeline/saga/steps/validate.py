"""Step 1: opens or claims the payment for this execution, and decides on fraud once. Undo: its last status."""

from __future__ import annotations

from dataclasses import replace

from pipeline.errors import Misused, Retryable
from pipeline.fraud.port import FraudDecision, FraudInput
from pipeline.ledger.port import NewPayment, Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.ports import Ports
from pipeline.saga.settle import UNWINDING, Decision, change, ended, event, is_saga_over, row, settle
from pipeline.saga.steps.starting import claim_operation, resume

STEP = "validate"

REJECTING = frozenset({"fraud_rejected", "limit_reached", "unrepresentable_amount"})
"""Causes that are our own refusal: such a payment ends REJECTED, not VOIDED."""


def forward(ports: Ports, call: Call) -> Result:
    """OK: go on under the returned fence. DONE, RESTING: its saga is over. RUNNING: another execution holds it.
    REJECTED: fraud, or an operation that the payment's state does not allow. VOID: an unwinding to go on with."""
    if call.saga != "pay":
        return claim_operation(ports, call)
    at = ports.clock()
    payment = ports.ledger.open(new_payment(call), execution=call.execution, at=at, lease_until=at + ports.policy.lease)
    held = resume(ports, call, payment)
    if not isinstance(held, Payment):
        return held
    call = replace(call, payment_id=held.payment_id, fence=held.fence)
    if held.status in UNWINDING:
        return result(Outcome.VOID, held, held.cause)
    if held.status is not Status.RECEIVED:
        return result(Outcome.OK, held)
    scored = _score(ports, held)

    def decide(payment: Payment) -> Decision | Result:
        if payment.status is not Status.RECEIVED:
            return result(Outcome.DONE if payment.status in FINAL else Outcome.OK, payment, payment.cause)
        refused = scored.decision == "reject"
        ends = "failed" if refused else "done"
        return Decision(change(
            payment, ports.clock(), status=Status.REJECTED if refused else Status.VALIDATED,
            updates={"fraud_decision": scored.decision, "fraud_score": scored.score, "fraud_model": scored.model}
            | ({"cause": "fraud_rejected"} if refused else {}),
            begins=(row(payment, STEP, "intended"),), ends=(row(payment, STEP, ends),),
            events=(event(STEP, "failed" if refused else "succeeded", code="fraud_rejected" if refused else None),),
            release_lease=refused), *((Outcome.REJECTED, "fraud_rejected") if refused else (Outcome.OK,)))

    return ended(settle(ports, call, decide))


def undo(ports: Ports, call: Call) -> Result:
    """Gives the payment its last status and ends the saga. What never began is opened and refused at once, so that a
    late forward call finds it refused."""
    if ports.ledger.payment(call.payment_id) is None and call.saga == "pay" and call.request:
        at = ports.clock()
        ports.ledger.open(new_payment(call), execution=call.execution, at=at, lease_until=at + ports.policy.lease)

    def decide(payment: Payment) -> Decision | Result:
        if payment.status in FINAL or is_saga_over(payment):
            return result(Outcome.OK, payment)
        if payment.status not in (Status.RECEIVED, Status.VALIDATED, Status.VOIDING):
            return result(Outcome.MISUSED, payment, "out_of_order")
        if ports.ledger.open_hold_minor(payment.payment_id):
            return result(Outcome.MISUSED, payment, "hold_open")
        cause = payment.cause or "interrupted"
        return Decision(change(
            payment, ports.clock(), status=_last_status(payment, cause), updates={"cause": cause},
            begins=(row(payment, STEP, "intended", direction="undo"),),
            ends=(row(payment, STEP, "done", direction="undo"),),
            events=(event(STEP, "compensated", code=cause),), release_lease=True))

    return ended(settle(ports, call, decide))


def new_payment(call: Call) -> NewPayment:
    """The payment that a `pay` call asks for. Raises Misused naming what its request lacks."""
    request = call.request
    try:
        return NewPayment(
            payment_id=call.payment_id, merchant_id=call.merchant_id, amount_minor=int(request["amount_minor"]),
            currency=str(request["currency"]), gateway=str(request["gateway"]),
            gateway_account=str(request["gateway_account"]), capture_mode=str(request["capture_mode"]),
            method_token=str(request["method_token"]), idempotency_hash=call.saga_hash, trace_id=call.trace_id,
            reference=request.get("reference"), metadata=dict(request.get("metadata") or {}))
    except (KeyError, ValueError, TypeError) as error:
        raise Misused(f"the request of payment {call.payment_id} is wrong or lacks a member: {error}") from None


def _last_status(payment: Payment, cause: str) -> Status:
    if payment.status is not Status.VOIDING or cause in REJECTING:
        return Status.REJECTED
    return Status.VOIDED


def _score(ports: Ports, payment: Payment) -> FraudDecision:
    asked = FraudInput(payment.payment_id, payment.merchant_id, payment.amount_minor, payment.currency,
                       payment.method_token, payment.reference, payment.metadata)
    try:
        return ports.scorer.score(asked, budget_s=ports.policy.fraud_budget_s)
    except Retryable as error:
        mode = ports.policy.fraud_fail_mode
        ports.log("fraud_unanswered", payment_id=payment.payment_id, decision=mode, reason=str(error))
        return FraudDecision(mode, 0, f"fail_{mode}")
