"""How a step or a gateway call ended, as data: business outcomes are returned and routed, never raised."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The first five are also the whole taxonomy of a gateway's answers."""

    OK = "ok"
    DECLINED = "declined"
    """Definitely refused by gateway or issuer; no money is held or moved."""
    RETRYABLE = "retryable"
    """Definitely not executed: the same call with the same key may be made again."""
    IN_DOUBT = "in_doubt"
    """It may have been executed: to be resolved by the same key, a look-up or a void, never by a new key."""
    MISUSED = "misused"
    """Refused for a reason that no retry mends (bad key, bad parameter, wrong account): an engineer must look."""
    REJECTED = "rejected"
    """Refused by us: fraud decision, processing limit, or a request that the payment's state does not allow."""
    VOID = "void"
    """Authorised, but the hold has to be given back (review, other amount, cancel, authentication, near expiry)."""
    RESTING = "resting"
    """Authorised with manual capture: nothing more to do until the merchant captures or cancels."""
    RUNNING = "running"
    """Another execution holds the payment with a live lease."""
    SUPERSEDED = "superseded"
    """A higher fence has taken the payment over; this execution stops and touches nothing more."""
    UNDONE = "undone"
    """The undo of this step came first: its tombstone refuses the late forward step."""
    DONE = "done"
    """The saga has ended already; the payment's state is its result."""
