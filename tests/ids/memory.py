"""Worker slots in a dictionary, for simulations of many workers; they pass the same contract suite as the real ones."""

from __future__ import annotations

import random

from pipeline.errors import Retryable
from pipeline.ids.port import SLOTS, Lease, SlotLost

LEASE_MS, MARGIN_MS = 60_000, 10_000


class MemorySlots:
    """`down` makes every call fail as if the table could not be reached."""

    def __init__(self, slots: int = SLOTS, lease_ms: int = LEASE_MS, seed: int = 1) -> None:
        self.held: dict[int, Lease] = {}
        self.down = False
        self._slots, self._lease_ms, self._rng = slots, lease_ms, random.Random(seed)

    def claim(self, *, owner: str, at_ms: int) -> Lease:
        """See the port."""
        self._reach()
        for slot in self._rng.sample(range(self._slots), self._slots):
            seen = self.held.get(slot)
            if seen and seen.owner == owner:
                return seen
            if seen is None or (seen.until_ms < at_ms - MARGIN_MS and seen.bound_ms <= at_ms):
                until = at_ms + self._lease_ms
                self.held[slot] = Lease(slot, owner, (seen.fence if seen else 0) + 1, at_ms + 1, until, until)
                return self.held[slot]
        raise Retryable("no worker slot is free")

    def renew(self, lease: Lease, *, at_ms: int) -> Lease:
        """See the port."""
        self._reach()
        until = at_ms + self._lease_ms
        if self.held.get(lease.slot) != lease or until < lease.bound_ms:
            raise SlotLost("the slot is another's")
        self.held[lease.slot] = Lease(lease.slot, lease.owner, lease.fence, lease.start_ms, until, until)
        return self.held[lease.slot]

    def _reach(self) -> None:
        if self.down:
            raise Retryable("the slots cannot be reached")
