"""How a call goes: the key, faults without effect, a rest, then effect and stored answer as one, and another rest.

The waiting in between is the caller's: a server sleeps, a test with a clock of its own moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from infra.local.gateways.book import Book
from infra.local.gateways.faults import BEFORE_KEYS, WITHOUT_EFFECT, Fault, Faults
from infra.local.gateways.keys import Keys, Reply, Seen
from infra.local.gateways.model import Verdict
from infra.local.gateways.store import Store


@dataclass(frozen=True, slots=True)
class Call:
    """One request, understood and found valid. `fingerprint` is all that must be equal for the same key."""

    vendor: str
    account: str
    operation: str
    payment_id: str
    token: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may go on to its effect, after `wait_before_s`."""

    call: Call
    fault: Fault | None

    @property
    def wait_before_s(self) -> float:
        """How long it rests first."""
        return self.fault.wait_before_s if self.fault else 0.0

    @property
    def verdict(self) -> Verdict:
        """What the issuer will say."""
        return (self.fault.verdict() if self.fault else None) or Verdict()

    @property
    def quiet(self) -> bool:
        """Whether the webhooks of this call get lost."""
        return self.fault is not None and self.fault.kind == "webhook_lost"

    @property
    def fails_later(self) -> bool:
        """Whether what is accepted now fails afterwards."""
        return self.fault is not None and self.fault.kind == "fails_later"


@dataclass(frozen=True, slots=True)
class Ending:
    """What the caller gets to see: `how` is answer, silence (then cut), cut, trickle or garbage, after `wait_s`."""

    reply: Reply
    how: str = "answer"
    wait_s: float = 0.0


class Manners(Protocol):
    """How a vendor words what the desk itself decides."""

    def failure(self, kind: str) -> Reply:
        """The answer for rate_limited, unavailable, in_flight, unauthorized, error, mismatch, too_long."""
        ...

    def replayed(self, reply: Reply, *, mismatch: bool) -> Reply:
        """A stored answer as it goes out again; `mismatch`: it was asked with other parameters."""
        ...


_ENDINGS = {"timeout_before": "silence", "timeout_after": "silence", "cut_before": "cut", "cut_after": "cut",
            "trickle": "trickle", "garbage": "garbage"}


class Desk:
    """Takes calls of one simulator in."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.book = Book(store)
        self.keys = Keys(store)
        self.faults = Faults(store)

    def open(self, call: Call, manners: Manners, at: int) -> Ticket | Ending:
        """Where the call is new, a ticket to be closed with its effect; else how it ends."""
        replay = self._known(call, manners, at) if call.key else None
        if replay is not None:
            return Ending(replay)
        fault = self.faults.take(call.vendor, call.operation, call.payment_id, call.token)
        if fault is not None and fault.kind in BEFORE_KEYS:
            self._release(call)
            return Ending(manners.failure(fault.kind))
        return Ticket(call, fault)

    def close(self, ticket: Ticket, effect: Callable[[Ticket, int], Reply], manners: Manners, at: int) -> Ending:
        """Carries the effect out and stores its answer, both or neither; then says how the call ends."""
        call, fault = ticket.call, ticket.fault
        kind = fault.kind if fault else ""
        wait = fault.wait_after_s if fault else 0.0
        if kind in ("timeout_before", "cut_before"):
            self._release(call)
            return Ending(manners.failure("error"), _ENDINGS[kind], wait)
        try:
            with self.store.transaction():
                reply = manners.failure("error") if kind in WITHOUT_EFFECT else effect(ticket, at)
                if kind == "error_after":
                    reply = manners.failure("error")
                if call.key:
                    self.keys.finish(call.vendor, call.account, call.key, reply)
        except BaseException:
            self._release(call)
            raise
        return Ending(reply, _ENDINGS.get(kind, "answer"), wait)

    def _known(self, call: Call, manners: Manners, at: int) -> Reply | None:
        seen, stored = self.keys.begin(call.vendor, call.account, call.key, call.fingerprint, at)
        if seen is Seen.NEW:
            return None
        if stored is None:
            return manners.failure("mismatch" if seen is Seen.MISMATCH and call.vendor == "stripe" else "in_flight")
        return manners.replayed(stored, mismatch=seen is Seen.MISMATCH)

    def _release(self, call: Call) -> None:
        if call.key:
            self.keys.release(call.vendor, call.account, call.key)
