"""Read, check the fence, decide, commit; on a conflict re-read and re-decide. Every step's way to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.errors import Misused, Retryable, Superseded
from pipeline.ledger.port import Change, Conflict, DuplicatePosting, Event, JournalStep, Payment, Tombstoned
from pipeline.ledger.statuses import Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result, unread
from pipeline.saga.ports import Ports


@dataclass(frozen=True, slots=True)
class Decision:
    """A change to commit and how the step ends once it is; `go_on` marks an intention whose effect comes next."""

    change: Change
    outcome: Outcome = Outcome.OK
    code: str | None = None
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """A committed intention: the payment after it."""

    payment: Payment


Decide = Callable[[Payment], Decision | Result | Begun]


def settle(ports: Ports, call: Call, decide: Decide) -> Result | Begun:
    """Commits what `decide` makes of the payment as it is now, at most `policy.rounds` times where others interfere.

    Returns the step's result, or Begun for a decision that goes on (`decide` may return Begun itself where the
    intention is there already). Raises LimitReached, and Retryable where the ledger stays out of reach.
    """
    last: Payment | None = None
    trouble: Retryable | None = None
    for attempt in range(ports.policy.rounds):
        if attempt:
            ports.sleep(0.01 * 2**attempt)
        try:
            last = ports.ledger.payment(call.payment_id)
            if last is None:
                return unread(Outcome.MISUSED, call, "no_payment")
            refused = authority(call, last)
            if refused is not None:
                return refused
            decided = decide(last)
            if not isinstance(decided, Decision):
                return decided
            after = ports.ledger.apply(_leased(call, decided.change))
        except Tombstoned:
            assert last is not None
            return result(Outcome.UNDONE, last)
        except Superseded:
            assert last is not None
            return result(Outcome.SUPERSEDED, last)
        except (Conflict, DuplicatePosting):
            continue
        except Retryable as error:
            trouble = error
            continue
        return Begun(after) if decided.go_on else result(decided.outcome, after, decided.code)
    if trouble is not None or last is None:
        raise trouble or Retryable("the payment could not be read")
    return result(Outcome.RETRYABLE, last, "busy")


def _leased(call: Call, wanted: Change) -> Change:
    """Under recovery the lease ends last, once the answer is stored: else nobody would come back to store it."""
    if not (call.keep_lease and wanted.release_lease):
        return wanted
    return replace(wanted, release_lease=False)


def ended(found: Result | Begun) -> Result:
    """The result of a settlement that never goes on."""
    if isinstance(found, Begun):
        raise Misused("an intention was left without its effect")
    return found


def authority(call: Call, payment: Payment) -> Result | None:
    """None where this call may act on the payment, else how it ends: payments.fence is the only authority."""
    if call.fence == 0:
        return None if payment.execution == call.execution else result(Outcome.SUPERSEDED, payment)
    if payment.fence == call.fence:
        return None
    return result(Outcome.SUPERSEDED if payment.fence > call.fence else Outcome.MISUSED, payment)


def change(payment: Payment, at: datetime, **members: object) -> Change:
    """A change of `payment` as it was read; members as in Change."""
    return replace(Change(payment.payment_id, payment.fence, payment.version, at), **members)  # type: ignore[arg-type]


def row(payment: Payment, step: str, state: str, *, direction: str = "forward", sequence: int = 1,
        attempts: int = 1, detail: dict[str, str] | None = None) -> JournalStep:
    """A saga journal row of `step` under the payment's present fence."""
    return JournalStep(step, sequence, direction, state, payment.fence, attempts, detail or {})


def event(step: str, outcome: str, *, attempt: int = 1, code: str | None = None,
          took: timedelta | None = None) -> Event:
    """An audit event; `took` is how long the gateway took."""
    return Event(step, outcome, attempt, None if took is None else took // timedelta(microseconds=1), code)


@dataclass(frozen=True, slots=True)
class Sent:
    """What the journal says of calls made so far: how many, and when the last one left."""

    attempts: int = 0
    last_at: datetime | None = None


def sent_so_far(ports: Ports, payment_id: int, step: str, direction: str, sequence: int = 1) -> Sent:
    """Calls of one step and direction; each is journalled before it leaves."""
    for found in ports.ledger.journal(payment_id):
        if (found.step, found.direction, found.sequence) == (step, direction, sequence):
            at = found.detail.get("sent_at")
            return Sent() if at is None else Sent(found.attempts, datetime.fromisoformat(at))
    return Sent()


def once_more(before: Sent, at: datetime) -> Sent:
    """The calls so far and one at `at`."""
    return Sent(before.attempts + 1, at)


def came_back(payment: Payment, step: str, state: str, sent: Sent, *, direction: str = "forward",
              sequence: int = 1) -> JournalStep:
    """The end of the call that `sent` describes."""
    detail = {} if sent.last_at is None else {"sent_at": sent.last_at.isoformat()}
    return row(payment, step, state, direction=direction, sequence=sequence, attempts=max(sent.attempts, 1),
               detail=detail)


def pause_until(ports: Ports, attempts: int) -> datetime:
    """When recovery may try again after `attempts` attempts: a short lease is how a payment waits for it."""
    doubled: int = 1 << min(max(attempts - 1, 0), 16)
    return ports.clock() + min(ports.policy.pause * doubled, ports.policy.longest_pause)


def is_saga_over(payment: Payment) -> bool:
    """Whether nothing runs on the payment: a late step of an ended saga must not begin anything."""
    return payment.lease_until is None


UNWINDING = frozenset({Status.VOIDING, Status.COMPENSATION_STUCK})
CAPTURED = frozenset({Status.CAPTURED, Status.COMMITTED, Status.PARTIALLY_REFUNDED, Status.REFUNDED,
                      Status.CHARGED_BACK})
