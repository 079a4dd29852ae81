"""What a gateway's webhook changes: once per event, never backwards, in whatever order the events come.

What the merchant's saga has still to finish is only recorded here; recovery goes on from it under its own fence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from pipeline.errors import Superseded
from pipeline.gateways.events import GatewayEvent
from pipeline.ledger.port import Change, Conflict, DuplicateEvent, DuplicatePosting, Operation, Payment, Posting
from pipeline.ledger.port import GatewayEvent as Remembered
from pipeline.ledger.statuses import Status
from pipeline.saga.afterwards import (
    LATER,
    Noticed,
    chargeback_reversed,
    charged_back,
    later_on,
    refund_refused,
    refund_reversed,
    refunded,
)
from pipeline.saga.operations import OPEN, capture_in_doubt, latest
from pipeline.saga.ports import Ports
from pipeline.saga.settle import UNWINDING, Sent, change, event, is_saga_over
from pipeline.saga.steps.capture import captured

APPLIED, DUPLICATE, IGNORED, UNKNOWN = "applied", "duplicate", "ignored", "unknown"


def notice(ports: Ports, told: GatewayEvent) -> str:
    """Applies one verified event: applied, duplicate, ignored (nothing to change), unknown (no payment of ours), or
    later (what it follows has not been recorded yet: it must be delivered again). May raise Retryable."""
    payment = _payment(ports, told)
    if payment is None:
        return UNKNOWN
    if not _is_of(told, payment):
        ports.log("webhook_mismatch", payment_id=payment.payment_id, gateway=told.gateway, kind=told.kind)
        return UNKNOWN
    decide = _DECIDE.get((told.kind, told.success))
    if decide is None:
        return IGNORED
    for attempt in range(ports.policy.rounds):
        if attempt:
            ports.sleep(0.01 * 2**attempt)
            payment = ports.ledger.payment(payment.payment_id) or payment
        wanted = decide(ports, payment, told)
        if wanted is None or wanted == LATER:
            return IGNORED if wanted is None else LATER
        assert isinstance(wanted, Change)
        remembered = Remembered(told.gateway, told.event_id, told.kind)
        try:
            ports.ledger.apply(replace(wanted, gateway_event=remembered))
            return APPLIED
        except DuplicateEvent:
            return DUPLICATE
        except (Conflict, DuplicatePosting, Superseded):
            continue
    return LATER


def _payment(ports: Ports, told: GatewayEvent) -> Payment | None:
    """By our own id where the gateway gives it back, else (disputes) by the gateway's reference."""
    if told.payment_id is not None:
        return ports.ledger.payment(told.payment_id)
    return None if told.gateway_ref is None else ports.ledger.payment_of_reference(told.gateway, told.gateway_ref)


def _is_of(told: GatewayEvent, payment: Payment) -> bool:
    """Whether the event is about this payment at this gateway: our own reference alone may be anybody's."""
    return (told.gateway == payment.gateway
            and (told.gateway_account is None or told.gateway_account == payment.gateway_account)
            and (told.gateway_ref is None or payment.gateway_ref is None or told.gateway_ref == payment.gateway_ref)
            and (told.currency is None or told.currency == payment.currency))


def _authorized(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    operation = ports.ledger.operation(payment.payment_id, "authorize")
    if operation is None or operation.status not in OPEN or payment.status is Status.AUTHORIZING:
        # The step that is at it learns the same from its own call.
        return None if operation is None or operation.status not in OPEN else LATER
    updates: dict[str, object] = {}
    if payment.gateway_ref is None and told.gateway_ref is not None:
        updates["gateway_ref"] = told.gateway_ref
    return change(payment, ports.clock(), updates=updates,
                  operations=(replace(operation, status="succeeded" if told.success else "declined",
                                      error_code=None if told.success else "declined"),),
                  events=(event("authorize", "recovered"),))


def _captured(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    operation = _open_capture(ports, payment)
    if operation is None:
        return None
    known = replace(operation, status="succeeded", error_code=None,
                    operation_ref=told.operation_ref or operation.operation_ref,
                    amount_minor=told.amount_minor or operation.amount_minor)
    return captured(ports, payment, known, Sent(), timedelta()).change


def _not_captured(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """The gateway took the capture back, or did not carry it out after all."""
    at, open_capture = ports.clock(), _open_capture(ports, payment)
    if open_capture is not None:
        return change(payment, at, status=Status.VOIDING, updates={"cause": "capture_failed"},
                      operations=(replace(open_capture, status="failed", error_code="capture_failed"),),
                      events=(event("capture", "failed", code="capture_failed"),))
    done = latest(ports.ledger, payment.payment_id, "capture")
    if payment.status not in (Status.CAPTURED, Status.COMMITTED) or done is None:
        return later_on(ports, payment, told)
    return change(payment, at, status=Status.VOIDED, updates={"captured_minor": 0, "cause": "capture_failed"},
                  postings=(Posting("CAPTURE_REVERSAL", 1, payment.captured_minor, done.operation_ref),),
                  operations=(replace(done, status="failed", error_code="capture_failed"),),
                  events=(event("capture", "failed", code="capture_failed"),))


def _voided(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    operation = latest(ports.ledger, payment.payment_id, "void")
    if operation is None or operation.status not in OPEN:
        return None
    voided, in_doubt = replace(operation, status="succeeded"), _open_capture(ports, payment)
    if in_doubt is not None:
        # The void that settles a capture in doubt has won: there was no capture.
        return change(payment, ports.clock(), status=Status.VOIDING, updates={"cause": "capture_failed"},
                      operations=(voided, replace(in_doubt, status="failed", error_code="voided")),
                      events=(event("void", "recovered"),))
    if payment.status not in UNWINDING:
        return None
    return change(payment, ports.clock(), operations=(voided,), events=(event("void", "recovered"),))


def _expired(ports: Ports, payment: Payment, told: GatewayEvent) -> Noticed:
    """The hold is gone: the next sweep gives it back in the ledger."""
    if payment.status is not Status.AUTHORIZED or not is_saga_over(payment):
        return None
    return change(payment, ports.clock(), updates={"hold_expires_at": ports.clock()})


def _open_capture(ports: Ports, payment: Payment) -> Operation | None:
    in_doubt = payment.status is Status.IN_DOUBT and capture_in_doubt(ports.ledger, payment)
    if payment.status is not Status.CAPTURING and not in_doubt:
        return None
    return latest(ports.ledger, payment.payment_id, "capture")


_DECIDE: dict[tuple[str, bool], Callable[[Ports, Payment, GatewayEvent], Noticed]] = {
    ("authorize", True): _authorized,
    ("authorize", False): _authorized,
    ("capture", True): _captured,
    ("capture", False): _not_captured,
    ("capture_reversal", True): _not_captured,
    ("void", True): _voided,
    ("expire", True): _expired,
    ("refund", True): refunded,
    ("refund", False): refund_refused,
    ("refund_reversal", True): refund_reversed,
    ("chargeback", True): charged_back,
    ("chargeback_reversal", True): chargeback_reversed,
}
