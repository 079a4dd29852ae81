"""Finds sagas whose coordinator is gone, claims them under a new fence and has them finished by the pivot rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.errors import Retryable
from pipeline.gate.port import Gate
from pipeline.ledger.port import Event, Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.answer import answer, summary
from pipeline.saga.calls import Call, Result, result, unread
from pipeline.saga.operations import capture_in_doubt
from pipeline.saga.ports import Ports
from pipeline.saga.settle import Decision, change, ended, event, is_saga_over, settle
from pipeline.telemetry.xray import derived_trace_id

STEP = "recovery"
HOLD_EXPIRING = "hold_expiring"
HOLD_GONE = "hold_gone"
INTERRUPTED = "interrupted"


class Unwinder(Protocol):
    """Starts the machine that finishes one payment."""

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """Starts it under `name`; a name that has been used is no error. Raises Retryable."""
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """found: payments looked at; claimed: of these, taken over and started; stuck: of these, COMPENSATION_STUCK."""

    found: int
    claimed: int
    stuck: int


def sweep(ports: Ports, unwinder: Unwinder, *, limit: int = 100) -> Swept:
    """One pass over sagas whose lease has ended and over resting holds that lapse soon. A live lease is never touched,
    and of two sweepers only the one whose claim is first acts."""
    at = ports.clock()
    dead = [(payment_id, False) for payment_id in ports.ledger.unfinished(at=at, limit=limit)]
    lapsing = [(payment_id, True) for payment_id in
               ports.ledger.expiring(before=at + ports.policy.hold_margin, limit=limit)]
    claimed = stuck = 0
    for payment_id, resting in dead + lapsing:
        try:
            payment = _claim(ports, payment_id, resting=resting)
            if payment is None:
                continue
            claimed += 1
            stuck += payment.status is Status.COMPENSATION_STUCK
            unwinder.start(name_of(payment), {
                "payment_id": str(payment_id), "fence": payment.fence, "execution": name_of(payment),
                "saga": payment.saga, "hash": payment.saga_hash, "merchant_id": payment.merchant_id,
                # The dead coordinator's trace is over: what finishes its payment is another one, linked to it.
                "trace_id": derived_trace_id(name_of(payment), at), "linked_trace_id": payment.trace_id,
                "request": {}})
        except Retryable as error:
            # Its lease ends, and a later sweep finds it again.
            ports.log("sweep_failed", payment_id=payment_id, reason=str(error))
    return Swept(len(dead) + len(lapsing), claimed, stuck)


def name_of(payment: Payment) -> str:
    """Name of the execution that finishes `payment` under its present fence."""
    return f"unwind-{payment.payment_id}-{payment.fence}"


def _claim(ports: Ports, payment_id: int, *, resting: bool) -> Payment | None:
    payment = ports.ledger.payment(payment_id)
    if payment is None or is_saga_over(payment) is not resting:
        return None  # it ended, or began anew, since it was listed
    at = ports.clock()
    execution = f"unwind-{payment_id}-{payment.fence + 1}"
    return ports.ledger.claim(payment_id, execution=execution, at=at, lease_until=at + ports.policy.lease)


def decide(ports: Ports, call: Call) -> Result:
    """Which way a claimed payment goes. outcome: void (before the pivot), capture (in doubt: ask the gateway), commit
    (after it), or done (its saga is over)."""
    way = "void"

    def choose(payment: Payment) -> Decision | Result:
        nonlocal way
        way, status = "void", payment.status
        if status in FINAL:
            return _done(payment)
        if status is Status.AUTHORIZED:
            return _resting(ports, payment)
        if status is Status.CAPTURED:
            way = "commit"
        elif status is Status.CAPTURING or (status is Status.IN_DOUBT and capture_in_doubt(ports.ledger, payment)):
            way = "capture"
        return Decision(change(payment, ports.clock(), events=(_taken_up(payment),)), Outcome.OK)

    found = ended(settle(ports, call, choose))
    # What was only put back to rest has no way to go.
    return found | {"outcome": "done"} if found["outcome"] == str(Outcome.RESTING) else (
        found | {"outcome": way} if found["outcome"] == str(Outcome.OK) else found)


def _taken_up(payment: Payment) -> Event:
    """That recovery begins, and for the how manieth time: every saga has one execution that is not recovery's."""
    return event(STEP, "started", attempt=max(payment.fence - payment.saga_sequence, 1), code=str(payment.status))


def _done(payment: Payment) -> Result:
    return result(Outcome.DONE, payment, payment.cause)


def _resting(ports: Ports, payment: Payment) -> Decision | Result:
    """A merchant's capture that did not reach the pivot is given up and the payment rests as before, unless its hold
    lapses soon; anything else that is merely authorised is given back."""
    at = ports.clock()
    if is_saga_over(payment):
        return _done(payment)
    lapses = payment.hold_expires_at is not None and payment.hold_expires_at - at < ports.policy.hold_margin
    if payment.saga == "capture":
        rests = payment.cause not in (HOLD_GONE, HOLD_EXPIRING)
    else:
        rests = payment.saga == "pay" and payment.capture_mode == "manual" and payment.cause is None
    if rests and not lapses:
        cause = payment.cause or (INTERRUPTED if payment.saga == "capture" else None)
        return Decision(change(payment, at, updates={"cause": cause}, release_lease=True,
                               events=(event(STEP, "recovered", code=cause),)), Outcome.RESTING)
    cause = payment.cause or (HOLD_EXPIRING if lapses else INTERRUPTED)
    return Decision(change(payment, at, updates={"cause": cause}, events=(_taken_up(payment),)), Outcome.OK)


def close(ports: Ports, gate: Gate, call: Call) -> Result:
    """Stores the answer under the saga's idempotency key, then ends the lease: until both are done a later sweep comes
    back to it. OK, or IN_DOUBT while there is no answer. May raise Retryable: the machine tries again."""
    payment = ports.ledger.payment(call.payment_id)
    if payment is None:
        return unread(Outcome.MISUSED, call, "no_payment")
    if payment.fence != call.fence:
        return result(Outcome.SUPERSEDED, payment)
    # This lease is recovery's own; what is merely authorised here rests.
    told = answer(summary(payment) | {"leased": False})
    if not told.final:
        return result(Outcome.IN_DOUBT, payment)
    gate.close(payment.saga_hash, payment_id=payment.payment_id, status_code=told.status_code, body=told.body,
               at=ports.clock())

    def release(held: Payment) -> Decision | Result:
        if is_saga_over(held):
            return result(Outcome.OK, held)
        return Decision(change(held, ports.clock(), release_lease=True, events=(event(STEP, "recovered"),)))

    return ended(settle(ports, replace(call, keep_lease=False), release))
