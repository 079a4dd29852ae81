"""What an id generator asks of the table of worker slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

SLOTS = 1024
"""As many as the ids' worker bits can tell apart."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker slot held by `owner`. Only ids with a time from `start_ms` to before `bound_ms` may be minted under it.

    All times are milliseconds since 1970. Whoever holds a slot next begins at the bound or later: uniqueness rests on
    that alone, not on clocks that agree. `until_ms` is when others may take the slot, a margin later.
    """

    slot: int
    owner: str
    fence: int
    start_ms: int
    bound_ms: int
    until_ms: int


class SlotLost(Exception):
    """The slot has another owner, or another holder of this very lease was faster: claim a slot anew."""


class WorkerSlots(Protocol):
    """Both methods may raise Retryable where the table cannot be reached."""

    def claim(self, *, owner: str, at_ms: int) -> Lease:
        """A slot that is free, or whose lease has been over for a margin and whose bound is past. Raises Retryable
        where there is none. A claim whose answer was lost is recognised by `owner`, which is new for every claim."""
        ...

    def renew(self, lease: Lease, *, at_ms: int) -> Lease:
        """The lease with bound and end moved on. Raises SlotLost where it is not exactly as in `lease`: of two copies
        of one process only one can renew."""
        ...
