"""The undo of step 3: first the truth about the authorisation, then the void, both journalled before they are asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pipeline.gateways.port import Answer, Gateway, void_key
from pipeline.ledger.port import Operation, Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.authorization import Known, ask, declined, finished, held_updates, look_up, sends
from pipeline.saga.calls import Call, Result, result
from pipeline.saga.operations import OPEN, capture_in_doubt, latest
from pipeline.saga.ports import Ports
from pipeline.saga.sending import SHORTEST_S, Deadline, in_turn, insist, may_send
from pipeline.saga.settle import (
    CAPTURED,
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

STEP = "authorize"
_UNSENT = (Status.RECEIVED, Status.VALIDATED, Status.RESERVED)


def undo(ports: Ports, call: Call) -> Result:
    """OK: the gateway holds nothing, and a late authorisation is refused. DECLINED: there never was a hold, and the
    payment is DECLINED. IN_DOUBT: not known yet, recovery goes on. REJECTED (`captured`): too late, never voided."""
    begun = settle(ports, call, lambda payment: _intend(ports, payment))
    if not isinstance(begun, Begun):
        return begun
    # From here on, waiting included: what comes after it has what is left.
    deadline = Deadline.after(ports, ports.policy.authorize_budget_s)
    return in_turn(ports, call, begun.payment, ports.policy.capture_budget_s, lambda payment: _recorded(ports, payment),
                   lambda: _give_back(ports, call, deadline))


def _give_back(ports: Ports, call: Call, deadline: Deadline) -> Result:
    # Read anew: the one that held the lock before, or an event, may have learned something.
    begun = settle(ports, call, lambda payment: _intend(ports, payment))
    if not isinstance(begun, Begun):
        return begun
    truth = _truth(ports, call, begun.payment, deadline)
    return _void(ports, call, truth.payment, deadline) if isinstance(truth, Begun) else truth


def _intend(ports: Ports, payment: Payment) -> Decision | Result | Begun:
    """The unwinding as a status and a tombstone, before anything is asked."""
    at, status = ports.clock(), payment.status
    found = _recorded(ports, payment)
    if found is not None:
        return found
    if status is Status.VOIDING:
        return Begun(payment)
    before = sent_so_far(ports, payment.payment_id, STEP, "undo")
    tombstone = came_back(payment, STEP, "intended", before, direction="undo")
    if status in _UNSENT:
        return Decision(change(
            payment, at, status=Status.VOIDING if status is Status.RESERVED else None, begins=(tombstone,),
            ends=(replace(tombstone, state="done"),)))
    return Decision(change(
        payment, at, status=Status.VOIDING, updates={"cause": payment.cause or "interrupted"},
        begins=(tombstone,), events=(event("void", "started"),)), go_on=True)


def _recorded(ports: Ports, payment: Payment) -> Result | None:
    """How the undo ends where nothing is left to ask; None where it has to go on."""
    if payment.status in FINAL or is_saga_over(payment):
        return result(Outcome.REJECTED if payment.status in CAPTURED else Outcome.OK, payment, payment.cause)
    if payment.status in CAPTURED:
        return result(Outcome.REJECTED, payment, "captured")
    if payment.status is Status.CAPTURING or (
            payment.status is Status.IN_DOUBT and capture_in_doubt(ports.ledger, payment)):
        return result(Outcome.IN_DOUBT, payment, "capturing")
    if payment.status in (*_UNSENT, Status.VOIDING) and any(
            (found.step, found.direction, found.state) == (STEP, "undo", "done")
            for found in ports.ledger.journal(payment.payment_id)) and payment.status is not Status.RESERVED:
        return result(Outcome.OK, payment)
    return None


def _truth(ports: Ports, call: Call, payment: Payment, deadline: Deadline) -> Result | Begun:
    """Finds out what became of the authorisation. Begun: what is known of it is recorded, and it may be voided."""
    operation = ports.ledger.operation(payment.payment_id, STEP)
    if operation is None or operation.status not in OPEN:
        return Begun(payment)
    forward = sent_so_far(ports, payment.payment_id, STEP, "forward")
    undone = sent_so_far(ports, payment.payment_id, STEP, "undo")
    before = Sent(forward.attempts + undone.attempts, max(
        (at for at in (forward.last_at, undone.last_at) if at is not None), default=None))
    at = ports.clock()
    counted = once_more(undone, at)
    sent = counted if sends(ports, payment.payment_id, before) else Sent(counted.attempts, undone.last_at or at)
    begun = settle(ports, call, lambda found: _recorded(ports, found) or Decision(
        change(found, at, begins=(came_back(found, STEP, "intended", sent, direction="undo"),)), go_on=True))
    if not isinstance(begun, Begun):
        return begun
    known, took = ask(ports, begun.payment, before, deadline, ports.policy.capture_budget_s)

    def decide(found: Payment) -> Decision | Result:
        past = _recorded(ports, found)
        if past is not None:
            return past
        if known.state == "declined":
            decision = declined(ports, found, known, forward, took)
            end = came_back(found, STEP, "done", sent, direction="undo")
            return replace(decision, change=replace(decision.change, ends=(*decision.change.ends, end)))
        if known.state == "unknown" and not known.by_reference:
            return _failed(ports, found, known.code or "unknown", sent, took, ports.policy.unknown_after)
        if known.state == "captured":
            return _stuck(ports, found, "captured", sent, took)
        return _learned(ports, found, known, forward)

    return settle(ports, call, decide)


def _learned(ports: Ports, payment: Payment, known: Known, forward: Sent) -> Decision:
    held = known.state == "held" and not known.cancel
    status = "succeeded" if held else "in_doubt" if known.by_reference else "failed"
    updates = held_updates(payment, known if held else replace(known, cancel=True), ports.clock())
    state = "done" if held else "in_doubt" if known.by_reference else "failed"
    return Decision(change(
        payment, ports.clock(), updates=updates, operations=(finished(ports, payment, status, known, code=known.code),),
        ends=(came_back(payment, STEP, state, forward),)), go_on=True)


def _void(ports: Ports, call: Call, payment: Payment, deadline: Deadline) -> Result:
    gateway = ports.gateway(payment.gateway)
    authorized = ports.ledger.operation(payment.payment_id, STEP)
    if authorized is not None and authorized.status == "declined":
        # The gateway's own event said so while nobody was at it.
        known = Known("declined", authorized.error_code)
        forward = sent_so_far(ports, payment.payment_id, STEP, "forward")
        return ended(settle(ports, call, lambda found: _recorded(ports, found) or declined(
            ports, found, known, forward, timedelta())))
    if authorized is None or (payment.gateway_ref is None and authorized.status == "failed"):
        return ended(settle(ports, call, lambda found: _recorded(ports, found) or _done(ports, found, None, Sent(),
                                                                                         timedelta())))
    before, at = sent_so_far(ports, payment.payment_id, STEP, "undo"), ports.clock()
    sent = once_more(before, at)
    if deadline.left_s(SHORTEST_S) < SHORTEST_S:
        return ended(settle(ports, call, lambda found: _recorded(ports, found) or _failed(
            ports, found, "no_time", before, timedelta())))
    operation = _next_void(ports, gateway, payment, before, deadline)
    if isinstance(operation, Answer):
        answer, took = operation, timedelta()
    else:
        begun = settle(ports, call, lambda found: _recorded(ports, found) or Decision(change(
            found, at, operations=(operation,), begins=(came_back(found, STEP, "intended", sent, direction="undo"),)),
            go_on=True))
        if not isinstance(begun, Begun):
            return begun

        def send(budget_s: float) -> Answer:
            return gateway.void(payment.payment_id, payment.gateway_ref, gateway_account=payment.gateway_account,
                                key=operation.gateway_key, budget_s=budget_s)

        answer, took = insist(ports, deadline.left_s(ports.policy.capture_budget_s), send)
    return ended(settle(ports, call, lambda found: _recorded(ports, found) or _conclude(
        ports, found, answer, sent, took)))


def _next_void(ports: Ports, gateway: Gateway, payment: Payment, before: Sent,
               deadline: Deadline) -> Operation | Answer:
    """The void to send: the open one while its key may be sent, else the next after a look-up. An Answer: none is
    needed or none is possible, by what the look-up says."""
    at = ports.clock()
    last = latest(ports.ledger, payment.payment_id, "void")
    if last is not None and last.status == "succeeded":
        return Answer(Outcome.OK)
    if last is not None and last.status in OPEN:
        # Every so often the gateway is asked what holds, should it replay its own failure for the key.
        asks = before.attempts % ports.policy.same_key_attempts == ports.policy.same_key_attempts - 1
        if not asks and may_send(ports, gateway, last, at, Sent()):
            return last
        known = look_up(ports, payment, last, before, deadline)
        if known.state in ("nothing", "declined"):
            return Answer(Outcome.OK, known.code)
        if known.state == "captured":
            return Answer(Outcome.DECLINED, "captured")
        if known.state == "unknown" and not known.by_reference:
            return Answer(Outcome.IN_DOUBT, known.code)
    sequence = 1 if last is None else last.sequence + 1
    return Operation(payment.payment_id, "void", sequence, payment.authorized_minor or payment.amount_minor, "pending",
                     void_key(payment.payment_id, sequence), first_sent_at=at)


def _conclude(ports: Ports, payment: Payment, answer: Answer, sent: Sent, took: timedelta) -> Decision:
    operation = ports.ledger.operation(payment.payment_id, STEP)
    assert operation is not None  # only what was sent is voided
    absent = answer.code == "not_found" and operation.status == "failed"
    if answer.outcome is Outcome.OK or absent:
        return _done(ports, payment, answer, sent, took)
    code = answer.code or str(answer.outcome)
    if answer.outcome is Outcome.MISUSED or code == "captured":
        return _stuck(ports, payment, code, sent, took)
    return _failed(ports, payment, code, sent, took)


def _done(ports: Ports, payment: Payment, answer: Answer | None, sent: Sent, took: timedelta) -> Decision:
    return Decision(change(
        payment, ports.clock(), operations=_voids(ports, payment, "succeeded", answer),
        ends=(came_back(payment, STEP, "done", sent, direction="undo"),),
        events=(event("void", "compensated", attempt=max(sent.attempts, 1), code=payment.cause, took=took),)))


def _failed(ports: Ports, payment: Payment, code: str, sent: Sent, took: timedelta,
            stuck_after: int | None = None) -> Decision:
    """Not given back yet: it is tried again after a pause, and is visible as stuck after several attempts."""
    if sent.attempts >= (stuck_after or ports.policy.stuck_after):
        return _stuck(ports, payment, code, sent, took)
    return Decision(change(
        payment, ports.clock(), ends=(came_back(payment, STEP, "in_doubt", sent, direction="undo"),),
        events=(event("void", "in_doubt", attempt=sent.attempts, code=code, took=took),),
        lease_until=pause_until(ports, sent.attempts)), Outcome.IN_DOUBT, code)


def _stuck(ports: Ports, payment: Payment, code: str, sent: Sent, took: timedelta) -> Decision:
    ports.log("compensation_stuck", payment_id=payment.payment_id, code=code, attempts=sent.attempts)
    return Decision(change(
        payment, ports.clock(), status=Status.COMPENSATION_STUCK,
        ends=(came_back(payment, STEP, "failed", sent, direction="undo"),),
        events=(event("void", "failed", attempt=sent.attempts, code=code, took=took),),
        lease_until=pause_until(ports, sent.attempts)), Outcome.IN_DOUBT, code)


def _voids(ports: Ports, payment: Payment, status: str, answer: Answer | None) -> tuple[Operation, ...]:
    """The open void as it ends."""
    last = latest(ports.ledger, payment.payment_id, "void")
    if answer is None or last is None or last.status not in OPEN:
        return ()
    return (replace(last, status=status, operation_ref=answer.operation_ref or last.operation_ref),)
