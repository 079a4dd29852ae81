"""What is known of an authorisation, and what the ledger makes of it: shared by the step, its undo and recovery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.gateways.port import Answer, Authorization, Found
from pipeline.gateways.retention import HOLD_LIFETIME
from pipeline.ledger.port import Operation, Payment, Posting
from pipeline.ledger.statuses import Status
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Result
from pipeline.saga.ports import Ports
from pipeline.saga.sending import SHORTEST_S, Deadline, insist, is_absence, may_send
from pipeline.saga.settle import Decision, Sent, came_back, change, event, pause_until

STEP = "authorize"


@dataclass(frozen=True, slots=True)
class Known:
    """state: held (authorised, or begun so that it must be cancelled: `cancel`), declined, nothing (never executed, or
    void already), captured, unknown, or refused (misused: definitely not executed, no retry mends it)."""

    state: str
    code: str | None = None
    cancel: bool = False
    gateway_ref: str | None = None
    operation_ref: str | None = None
    amount_minor: int | None = None
    expires_at: datetime | None = None
    ask_otherwise: bool = False
    """The key will say no more: only a look-up or a void by reference can tell."""
    by_reference: bool = False
    """There is no look-up: a void by our own reference settles it."""


def sends(ports: Ports, payment_id: int, before: Sent) -> bool:
    """Whether `ask` will send the authorisation's key (again)."""
    payment, operation = ports.ledger.payment(payment_id), ports.ledger.operation(payment_id, STEP)
    if payment is None or operation is None:
        return True
    return may_send(ports, ports.gateway(payment.gateway), operation, ports.clock(), before)


def ask(ports: Ports, payment: Payment, before: Sent, deadline: Deadline, most_s: float) -> tuple[Known, timedelta]:
    """What the gateway says of the payment's authorisation: by its one key while that may be sent, else by looking up.
    The intention is in the journal already; `before` are the calls before this one, `most_s` bounds the first."""
    gateway = ports.gateway(payment.gateway)
    operation = ports.ledger.operation(payment.payment_id, STEP)
    assert operation is not None  # it is journalled before anything is sent
    wanted = Authorization(payment.payment_id, Money(payment.amount_minor, payment.currency), payment.method_token,
                           payment.gateway_account, payment.merchant_id, payment.reference)
    took = timedelta()
    if may_send(ports, gateway, operation, ports.clock(), before):

        def send(budget_s: float) -> Answer:
            return gateway.authorize(wanted, key=operation.gateway_key, budget_s=budget_s)

        answer, took = insist(ports, deadline.left_s(most_s), send)
        # What was in doubt before stays so until this key is answered: only a first call can say "never executed".
        known = from_answer(answer, first=before.attempts == 0)
        if not known.ask_otherwise:
            return known, took
    return look_up(ports, payment, operation, before, deadline), took


def from_answer(answer: Answer, *, first: bool) -> Known:
    """What a call with the authorisation's key tells. `first`: no earlier call with it may still be on its way."""
    read = Known("unknown", answer.code, gateway_ref=answer.gateway_ref, operation_ref=answer.operation_ref,
                 amount_minor=answer.amount_minor, expires_at=answer.expires_at)
    match answer.outcome:
        case Outcome.OK:
            return replace(read, state="held")
        case Outcome.VOID:
            return replace(read, state="held", cancel=True)
        case Outcome.DECLINED:
            return replace(read, state="declined")
        case Outcome.RETRYABLE if first:
            return replace(read, state="nothing")
        case Outcome.MISUSED:
            return replace(read, state="refused") if first else replace(read, ask_otherwise=True)
    return replace(read, ask_otherwise=answer.replayed)


def look_up(ports: Ports, payment: Payment, operation: Operation, sent: Sent, deadline: Deadline) -> Known:
    """What the gateway itself tells of the payment; an empty look-up is believed only after the gateway's horizon."""
    budget_s = deadline.left_s(ports.policy.look_up_budget_s)
    if budget_s < SHORTEST_S:
        return Known("unknown", "no_time")
    gateway = ports.gateway(payment.gateway)
    found = gateway.look_up(payment.payment_id, payment.gateway_ref, gateway_account=payment.gateway_account,
                            sent_at=operation.first_sent_at or payment.created_at, budget_s=budget_s)
    if isinstance(found, Answer):
        return Known("unknown", found.code, gateway_ref=found.gateway_ref, by_reference=found.code == "no_lookup")
    return _from_found(found, absent=is_absence(gateway, operation, ports.clock(), sent))


def _from_found(found: Found, *, absent: bool) -> Known:
    match found.state:
        case "authorized":
            return Known("held", gateway_ref=found.gateway_ref, amount_minor=found.authorized_minor)
        case "requires_action" | "processing":
            return Known("held", "authentication_required" if found.state == "requires_action" else "processing",
                         cancel=True, gateway_ref=found.gateway_ref)
        case "declined":
            return Known("declined", found.detail.get("code", "declined"), gateway_ref=found.gateway_ref)
        case "captured":
            return Known("captured", "captured", gateway_ref=found.gateway_ref)
        case "voided":
            return Known("nothing", "voided", gateway_ref=found.gateway_ref)
    return Known("nothing", "not_found") if absent else Known("unknown", "not_found")


def recorded(ports: Ports, payment: Payment, known: Known, sent: Sent, took: timedelta) -> Decision | Result:
    """What the forward step writes of `known` on a payment AUTHORIZING or IN_DOUBT, and how it ends."""
    at = ports.clock()
    if known.state == "held":
        return _held(ports, payment, known, sent, took)
    if known.state == "declined":
        return declined(ports, payment, known, sent, took)
    if known.state in ("nothing", "refused"):
        code = known.code or known.state
        misused = known.state == "refused"
        return Decision(change(
            payment, at, status=Status.VOIDING, updates={"cause": code},
            operations=(finished(ports, payment, "failed", known, code=code),),
            ends=(came_back(payment, STEP, "failed", sent),),
            events=(event(STEP, "failed", attempt=sent.attempts, code=code, took=took),)),
            Outcome.MISUSED if misused else Outcome.RETRYABLE, code)
    code = known.code or "unknown"
    return Decision(change(
        payment, at, status=None if payment.status is Status.IN_DOUBT else Status.IN_DOUBT,
        updates=_references(payment, known),
        operations=(finished(ports, payment, "in_doubt", known, code=code),),
        ends=(came_back(payment, STEP, "in_doubt", sent),),
        events=(event(STEP, "in_doubt", attempt=sent.attempts, code=code, took=took),),
        lease_until=pause_until(ports, sent.attempts)), Outcome.IN_DOUBT, code)


def declined(ports: Ports, payment: Payment, known: Known, sent: Sent, took: timedelta) -> Decision:
    """A decline is one change: the operation, the release of the hold, the payment's end."""
    code = known.code or "declined"
    held = ports.ledger.open_hold_minor(payment.payment_id)
    return Decision(change(
        payment, ports.clock(), status=Status.DECLINED, updates=_references(payment, known) | {"cause": code},
        postings=(Posting("RELEASE", 1, held),) if held else (),
        operations=(finished(ports, payment, "declined", known, code=code),),
        ends=(came_back(payment, STEP, "failed", sent),),
        events=(event(STEP, "failed", attempt=sent.attempts, code=code, took=took),),
        release_lease=True), Outcome.DECLINED, code)


def finished(ports: Ports, payment: Payment, status: str, known: Known, *, code: str | None = None) -> Operation:
    """The authorisation's operation as it stands now."""
    operation = ports.ledger.operation(payment.payment_id, STEP)
    assert operation is not None  # it is journalled before anything is sent
    return replace(operation, status=status, operation_ref=known.operation_ref or operation.operation_ref,
                   error_code=code)


def held_updates(payment: Payment, known: Known, at: datetime) -> dict[str, object]:
    """Columns that a hold at the gateway sets."""
    if known.cancel:
        return _references(payment, known)
    return _references(payment, known) | {"authorized_minor": known.amount_minor or payment.amount_minor,
                                          "hold_expires_at": known.expires_at or at + HOLD_LIFETIME}


def _references(payment: Payment, known: Known) -> dict[str, object]:
    return {"gateway_ref": known.gateway_ref} if known.gateway_ref and payment.gateway_ref is None else {}


def _held(ports: Ports, payment: Payment, known: Known, sent: Sent, took: timedelta) -> Decision | Result:
    at = ports.clock()
    cause = _cause_to_void(ports, payment, known, at)
    rests = cause is None and payment.capture_mode == "manual" and payment.saga == "pay"
    status = Status.VOIDING if known.cancel else Status.AUTHORIZED
    decision = Decision(change(
        payment, at, status=status, updates=held_updates(payment, known, at) | {"cause": cause},
        operations=(finished(ports, payment, "failed" if known.cancel else "succeeded", known, code=cause),),
        ends=(came_back(payment, STEP, "failed" if known.cancel else "done", sent),),
        events=(event(STEP, "failed" if known.cancel else "succeeded", attempt=sent.attempts, code=cause, took=took),),
        release_lease=rests))
    if cause is not None:
        return replace(decision, outcome=Outcome.VOID, code=cause)
    return replace(decision, outcome=Outcome.RESTING) if rests else decision


def _cause_to_void(ports: Ports, payment: Payment, known: Known, at: datetime) -> str | None:
    if known.cancel:
        return known.code or "authentication_required"
    if payment.fraud_decision == "review":
        return "fraud_review"
    if known.amount_minor is not None and known.amount_minor != payment.amount_minor:
        return "amount_mismatch"
    if known.expires_at is not None and known.expires_at - at < ports.policy.hold_margin:
        return "hold_expiring"
    return None

