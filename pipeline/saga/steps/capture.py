"""Step 4, the pivot: captures the hold, or finds that it has to be given back. After it nothing is unwound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from pipeline.gateways.port import Answer, capture_key
from pipeline.ledger.port import Operation, Payment, Posting
from pipeline.ledger.statuses import FINAL, Status
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.operations import OPEN, capture_in_doubt, latest
from pipeline.saga.ports import Ports
from pipeline.saga.sending import SHORTEST_S, Deadline, alone, await_other, insist, is_absence, may_send
from pipeline.saga.settle import (
    CAPTURED,
    UNWINDING,
    Begun,
    Decision,
    Sent,
    came_back,
    change,
    ended,
    event,
    is_saga_over,
    once_more,
    pause_until,
    sent_so_far,
    settle,
)
from pipeline.saga.steps.capture_void import void_instead
from pipeline.saga.steps.tombstone import bury

STEP = "capture"


@dataclass(frozen=True, slots=True)
class _Known:
    """state: captured | not_captured (definitely) | unknown."""

    state: str
    code: str | None = None
    operation_ref: str | None = None
    amount_minor: int | None = None
    hold_gone: bool = False
    silent: bool = False
    """The gateway has no look-up, and its horizon has passed without an event."""


def forward(ports: Ports, call: Call) -> Result:
    """OK: captured. VOID: give the hold back. DECLINED: a merchant's own capture failed for good, the payment rests.
    RESTING: nothing to capture now. IN_DOUBT: recovery asks the gateway; it is never unwound from here."""
    payment = ports.ledger.payment(call.payment_id)
    if payment is not None and _past(ports, payment) is None:
        with alone(ports, call, payment) as mine:
            if not mine:
                return await_other(ports, call, ports.policy.capture_budget_s,
                                   lambda found: _past(ports, found, polled=True))
            return _send(ports, call)
    return ended(settle(ports, call, lambda found: _past(ports, found) or result(Outcome.RETRYABLE, found, "busy")))


def undo(ports: Ports, call: Call) -> Result:
    """Before the pivot a tombstone; in doubt IN_DOUBT; after it REJECTED: only a refund gives captured money back."""
    return bury(ports, call, STEP)


def _send(ports: Ports, call: Call) -> Result:
    at = ports.clock()
    last = latest(ports.ledger, call.payment_id, STEP)
    sequence = 1 if last is None else last.sequence if last.status in OPEN else last.sequence + 1
    before = sent_so_far(ports, call.payment_id, STEP, "forward", sequence)
    # A look-up is no call of the operation: only what may have an effect moves the horizon on.
    sent = once_more(before, at) if last is None or last.sequence != sequence or _sends(ports, last, before) else before

    def begin(payment: Payment) -> Decision | Result:
        found = _past(ports, payment)
        if found is not None:
            return found
        if payment.status is Status.AUTHORIZED:
            expiring = _expiring(ports, payment)
            if expiring is not None:
                return expiring
        operation = Operation(payment.payment_id, STEP, sequence, _wanted(call, payment), "pending",
                              capture_key(payment.payment_id, sequence), first_sent_at=at)
        return Decision(change(
            payment, at, status=None if payment.status is Status.CAPTURING else Status.CAPTURING,
            operations=(operation,) if payment.status is Status.AUTHORIZED else (),
            begins=(came_back(payment, STEP, "intended", sent, sequence=sequence),),
            events=(event(STEP, "started", attempt=sent.attempts),)), go_on=True)

    begun = settle(ports, call, begin)
    if not isinstance(begun, Begun):
        return begun
    known, took = _ask(ports, begun.payment, sequence, before)
    if known.state == "unknown" and known.silent:
        void_instead(ports, call, begun.payment, ports.policy.capture_budget_s)
    return ended(settle(ports, call, lambda payment: _past(ports, payment) or _record(
        ports, payment, known, sequence, sent, took)))


def _sends(ports: Ports, operation: Operation, before: Sent) -> bool:
    payment = ports.ledger.payment(operation.payment_id)
    return payment is None or may_send(ports, ports.gateway(payment.gateway), operation, ports.clock(), before)


def _wanted(call: Call, payment: Payment) -> int:
    most = payment.authorized_minor or payment.amount_minor
    return min(int(call.request.get("amount_minor") or most), most) if call.saga == STEP else most


def _expiring(ports: Ports, payment: Payment) -> Decision | None:
    """The decision to void a hold that lapses too soon; None where there is time."""
    if payment.hold_expires_at is None or payment.hold_expires_at - ports.clock() >= ports.policy.hold_margin:
        return None
    return Decision(change(payment, ports.clock(), updates={"cause": "hold_expiring"}), Outcome.VOID, "hold_expiring")


def _ask(ports: Ports, payment: Payment, sequence: int, before: Sent) -> tuple[_Known, timedelta]:
    gateway = ports.gateway(payment.gateway)
    operation = ports.ledger.operation(payment.payment_id, STEP, sequence)
    assert operation is not None  # it is journalled before anything is sent
    reference, took = payment.gateway_ref or "", timedelta()
    deadline = Deadline.after(ports, ports.policy.capture_budget_s)
    if may_send(ports, gateway, operation, ports.clock(), before):

        def send(budget_s: float) -> Answer:
            return gateway.capture(payment.payment_id, reference, Money(operation.amount_minor, payment.currency),
                                   gateway_account=payment.gateway_account, key=operation.gateway_key,
                                   budget_s=budget_s)

        answer, took = insist(ports, ports.policy.capture_budget_s, send)
        known = _from_answer(answer, first=before.attempts == 0)
        if known is not None:
            return known, took
    return _look_up(ports, payment, operation, before, deadline), took


def _from_answer(answer: Answer, *, first: bool) -> _Known | None:
    """What the call tells; None: ask the gateway in another way. `first`: no earlier call may still be on its way."""
    match answer.outcome:
        case Outcome.OK:
            return _Known("captured", None, answer.operation_ref, answer.amount_minor)
        case Outcome.DECLINED if answer.code not in ("captured", "already_captured"):
            return _Known("not_captured", answer.code or "capture_declined")
        case Outcome.DECLINED:
            return None
        case Outcome.MISUSED:
            return _Known("not_captured", answer.code or "misused") if first else None
    return None if answer.replayed else _Known("unknown", answer.code)


def _look_up(ports: Ports, payment: Payment, operation: Operation, before: Sent, deadline: Deadline) -> _Known:
    budget_s = deadline.left_s(ports.policy.look_up_budget_s)
    if budget_s < SHORTEST_S:
        return _Known("unknown", "no_time")
    gateway = ports.gateway(payment.gateway)
    found = gateway.look_up(payment.payment_id, payment.gateway_ref, gateway_account=payment.gateway_account,
                            sent_at=operation.first_sent_at or payment.created_at, budget_s=budget_s)
    if isinstance(found, Answer):
        silent = found.code == "no_lookup" and is_absence(gateway, operation, ports.clock(), before)
        return _Known("unknown", found.code, silent=silent)
    if found.state == "captured":
        return _Known("captured", None, found.capture_ref, found.captured_minor)
    if found.state in ("voided", "declined"):
        return _Known("not_captured", "hold_gone", hold_gone=True)
    if found.state == "authorized" and is_absence(gateway, operation, ports.clock(), before):
        return _Known("not_captured", "not_executed")
    return _Known("unknown", "not_found" if found.state == "none" else found.state)


def _record(ports: Ports, payment: Payment, known: _Known, sequence: int, sent: Sent, took: timedelta) -> Decision:
    operation = ports.ledger.operation(payment.payment_id, STEP, sequence)
    assert operation is not None
    if known.state == "captured":
        return captured(ports, payment, replace(
            operation, status="succeeded", operation_ref=known.operation_ref or operation.operation_ref,
            error_code=None, amount_minor=known.amount_minor or operation.amount_minor), sent, took)
    at, code = ports.clock(), known.code or "unknown"
    if known.state == "not_captured":
        rests = payment.saga == STEP and not known.hold_gone
        return Decision(change(
            payment, at, status=Status.AUTHORIZED, updates={"cause": code},
            operations=(replace(operation, status="failed", error_code=code),),
            ends=(came_back(payment, STEP, "failed", sent, sequence=sequence),),
            events=(event(STEP, "failed", attempt=sent.attempts, code=code, took=took),), release_lease=rests),
            Outcome.DECLINED if rests else Outcome.VOID, code)
    return Decision(change(
        payment, at, status=None if payment.status is Status.IN_DOUBT else Status.IN_DOUBT,
        operations=(replace(operation, status="in_doubt", error_code=code),),
        ends=(came_back(payment, STEP, "in_doubt", sent, sequence=sequence),),
        events=(event(STEP, "in_doubt", attempt=sent.attempts, code=code, took=took),),
        lease_until=pause_until(ports, sent.attempts)), Outcome.IN_DOUBT, code)


def captured(ports: Ports, payment: Payment, operation: Operation, sent: Sent, took: timedelta) -> Decision:
    """The capture's change: status, posting and operation together. Used by the gateway's own event as well."""
    amount, sequence = operation.amount_minor, operation.sequence
    return Decision(change(
        payment, ports.clock(), status=Status.CAPTURED, updates={"captured_minor": amount, "cause": None},
        postings=(Posting("CAPTURE", 1, amount, operation.operation_ref),), operations=(operation,),
        ends=(came_back(payment, STEP, "done", sent, sequence=sequence),),
        events=(event(STEP, "succeeded", attempt=max(sent.attempts, 1), took=took),)))


def _past(ports: Ports, payment: Payment, *, polled: bool = False) -> Result | None:
    """How the step ends where there is nothing to send; None where the gateway has to be asked."""
    status, cause = payment.status, payment.cause
    if status is Status.AUTHORIZED:
        return _past_authorized(payment)
    if status is Status.CAPTURING:
        return None
    if status is Status.IN_DOUBT:
        if not capture_in_doubt(ports.ledger, payment) or polled:
            return result(Outcome.IN_DOUBT, payment, cause)
        return None
    if status in CAPTURED:
        return result(Outcome.OK, payment)
    if status in UNWINDING or status in FINAL:
        return result(Outcome.DECLINED if status is Status.DECLINED else Outcome.UNDONE, payment, cause)
    return result(Outcome.MISUSED, payment, "out_of_order")


def _past_authorized(payment: Payment) -> Result | None:
    if is_saga_over(payment):
        return result(Outcome.RESTING, payment, payment.cause)
    if payment.saga == "pay" and payment.capture_mode == "manual" and payment.cause is None:
        return result(Outcome.VOID, payment, "interrupted")
    goes_on = payment.cause is None and payment.saga != "cancel"
    return None if goes_on else result(Outcome.VOID, payment, payment.cause)
