"""How a call reaches the gateway: behind the lock, with its key inside the retention, within its budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.errors import Retryable
from pipeline.gateways.port import Answer, Gateway
from pipeline.gateways.retention import proves_absence, same_key_allowed
from pipeline.ledger.port import Operation, Payment
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result, unread
from pipeline.saga.ports import Ports
from pipeline.saga.settle import Sent, authority
from pipeline.times import Clock

SHORTEST_S = 0.5
"""A call with less time than this is not begun."""


@contextmanager
def alone(ports: Ports, call: Call, payment: Payment) -> Iterator[bool]:
    """Whether this call may go to the gateway for the block's length. False: another holds the lock and is calling.

    With the lock service out of reach it is True: the ledger's fence and the gateway's key keep it safe, the lock only
    spares double calls. Losing the lock inside the block cancels nothing.
    """
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(ports.fence.hold(f"payment:{call.payment_id}",
                                                        owner=f"{call.execution}:{call.fence}"))
        except Retryable as error:
            ports.log("lock_unavailable", payment_id=call.payment_id, reason=str(error))
            yield True
            return
        yield lock is not None
        if lock is not None and lock.lost:
            ports.log("lock_lost", payment_id=call.payment_id, fence=call.fence, gateway=payment.gateway)


def await_other(ports: Ports, call: Call, budget_s: float, recorded: Callable[[Payment], Result | None]) -> Result:
    """The result that the holder of the lock records, polled for at most `budget_s`; IN_DOUBT where none comes."""
    until = ports.clock() + timedelta(seconds=budget_s)
    while True:
        found = _told(ports, call, until, recorded)
        if found is not None:
            return found
        ports.sleep(ports.policy.poll_s)


def in_turn(ports: Ports, call: Call, payment: Payment, budget_s: float, recorded: Callable[[Payment], Result | None],
            work: Callable[[], Result]) -> Result:
    """The result of `work`, done under the lock. While another holds it, what that one records is polled for, and the
    lock is tried again, since one that died gives it up without a record; IN_DOUBT where neither comes of it."""
    until = ports.clock() + timedelta(seconds=budget_s)
    while True:
        with alone(ports, call, payment) as mine:
            if mine:
                return work()
        found = _told(ports, call, until, recorded)
        if found is not None:
            return found
        ports.sleep(ports.policy.poll_s)


def _told(ports: Ports, call: Call, until: datetime, recorded: Callable[[Payment], Result | None]) -> Result | None:
    """What the holder of the lock has recorded; IN_DOUBT once it is `until`, None before that."""
    payment = ports.ledger.payment(call.payment_id)
    if payment is None:
        return unread(Outcome.MISUSED, call, "no_payment")
    found = authority(call, payment) or recorded(payment)
    if found is not None:
        return found
    return result(Outcome.IN_DOUBT, payment, "busy") if ports.clock() >= until else None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a step must have made all its calls: below the timeout of its function, whatever they were."""

    clock: Clock
    until: datetime

    @classmethod
    def after(cls, ports: Ports, seconds: float) -> Deadline:
        """`seconds` from now."""
        return cls(ports.clock, ports.clock() + timedelta(seconds=seconds))

    def left_s(self, most: float) -> float:
        """Seconds for the next call: what is left, at most `most`, never below zero."""
        return max(min(most, (self.until - self.clock()).total_seconds()), 0.0)


def insist(ports: Ports, budget_s: float, send: Callable[[float], Answer]) -> tuple[Answer, timedelta]:
    """The gateway's answer and how long it took; a call that was definitely not executed is made once more while the
    budget lasts. The budget is the whole of it."""
    begun = ports.clock()
    answer = send(budget_s)
    if answer.outcome is Outcome.RETRYABLE:
        ports.sleep(0.2)
        left = budget_s - (ports.clock() - begun).total_seconds()
        if left >= budget_s / 3:
            answer = send(left)
    return answer, ports.clock() - begun


def may_send(ports: Ports, gateway: Gateway, operation: Operation, at: datetime, sent: Sent) -> bool:
    """Whether the operation's key may be sent (again): inside the gateway's retention, and not for the n-th time in
    vain, because a gateway may replay its own failure for a key for ever."""
    return (sent.attempts < ports.policy.same_key_attempts
            and same_key_allowed(gateway, first_sent_at=operation.first_sent_at, at=at))


def is_absence(gateway: Gateway, operation: Operation, at: datetime, sent: Sent) -> bool:
    """Whether an empty look-up proves by now that no call of the operation arrived."""
    last = max((sent_at for sent_at in (operation.first_sent_at, sent.last_at) if sent_at is not None), default=None)
    return last is None or proves_absence(gateway, last_sent_at=last, at=at)
