"""Gives captured money back: a new event with a key of its own, asked for by somebody and never a step's undo."""

from __future__ import annotations

from dataclasses import replace

from pipeline.gateways.port import Answer, refund_key
from pipeline.ledger.port import Change, Operation, Payment
from pipeline.ledger.statuses import Status
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.saga.afterwards import refund_change
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.operations import OPEN
from pipeline.saga.ports import Ports
from pipeline.saga.sending import alone, insist, may_send
from pipeline.saga.settle import Begun, Decision, Sent, change, ended, event, settle

_REFUNDABLE = (Status.COMMITTED, Status.PARTIALLY_REFUNDED, Status.CHARGED_BACK)


def refund(ports: Ports, call: Call, *, amount_minor: int, sequence: int) -> Result:
    """The `sequence`-th refund (from 1) of `amount_minor`; the same call again changes nothing more. OK, DECLINED by
    the gateway, REJECTED where the payment does not allow it, IN_DOUBT: to be called again, or told by a webhook."""
    at = ports.clock()

    def begin(payment: Payment) -> Decision | Result | Begun:
        known = ports.ledger.operation(payment.payment_id, "refund", sequence)
        if known is not None:
            return Begun(payment) if known.status in OPEN else _known(payment, known)
        if payment.status not in _REFUNDABLE or payment.refunded_minor + amount_minor > payment.captured_minor:
            return result(Outcome.REJECTED, payment, "not_refundable")
        made = Operation(payment.payment_id, "refund", sequence, Money(amount_minor, payment.currency).amount_minor,
                         "pending", refund_key(payment.payment_id, sequence), first_sent_at=at)
        return Decision(change(payment, at, operations=(made,), events=(event("refund", "started"),)), go_on=True)

    begun = settle(ports, call, begin)
    if not isinstance(begun, Begun):
        return begun
    with alone(ports, call, begun.payment) as mine:
        return _send(ports, call, begun.payment, sequence) if mine else result(Outcome.IN_DOUBT, begun.payment, "busy")


def _send(ports: Ports, call: Call, payment: Payment, sequence: int) -> Result:
    gateway = ports.gateway(payment.gateway)
    operation = ports.ledger.operation(payment.payment_id, "refund", sequence)
    assert operation is not None  # it is journalled before anything is sent
    if not may_send(ports, gateway, operation, ports.clock(), Sent()):
        return result(Outcome.IN_DOUBT, payment, "key_expired")

    def send(budget_s: float) -> Answer:
        return gateway.refund(payment.payment_id, payment.gateway_ref or "", Money(operation.amount_minor,
                              payment.currency), gateway_account=payment.gateway_account, key=operation.gateway_key,
                              budget_s=budget_s)

    answer, took = insist(ports, ports.policy.capture_budget_s, send)

    def record(payment: Payment) -> Decision | Result:
        known = ports.ledger.operation(payment.payment_id, "refund", sequence)
        assert known is not None
        if known.status not in OPEN:
            return _known(payment, known)
        if answer.outcome is Outcome.OK:
            made = refund_change(ports, payment, replace(known, operation_ref=answer.operation_ref))
            return Decision(made) if isinstance(made, Change) else result(Outcome.REJECTED, payment, "not_refundable")
        code = answer.code or str(answer.outcome)
        if answer.outcome in (Outcome.DECLINED, Outcome.MISUSED):
            failed = replace(known, status="failed", error_code=code)
            return Decision(change(payment, ports.clock(), operations=(failed,),
                                   events=(event("refund", "failed", code=code, took=took),)), answer.outcome, code)
        return Decision(change(payment, ports.clock(), operations=(replace(known, status="in_doubt", error_code=code),),
                               events=(event("refund", "in_doubt", code=code, took=took),)), Outcome.IN_DOUBT, code)

    return ended(settle(ports, call, record))


def _known(payment: Payment, known: Operation) -> Result:
    return result(Outcome.OK if known.status == "succeeded" else Outcome.DECLINED, payment, known.error_code)
