"""Ids of 63 bits in the layout of pipeline.schemas.ids; each is held to the bound and the lease of a worker slot."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from pipeline.errors import Retryable
from pipeline.ids.port import Lease, SlotLost, WorkerSlots
from pipeline.schemas.ids import EPOCH, SEQUENCE_BITS, WORKER_BITS

ROLLBACK_MS = 5
"""A clock that went back by no more is waited for; more is refused."""
MARGIN_MS = 2_000
"""Minting stops this long before the lease is over, and the lease is renewed in time."""

_NS = 1_000_000
_EPOCH_MS = int(EPOCH.timestamp()) * 1000
_TIME_SHIFT = WORKER_BITS + SEQUENCE_BITS
_LAST_SEQUENCE = (1 << SEQUENCE_BITS) - 1
_LAST_MS = _EPOCH_MS + (1 << 41) - 1
_NEVER = -1
_forks = 0


def forks() -> int:
    """How many forks lie between the first process and this one. Asking for the process id would cost a system call."""
    return _forks


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)


class Minter:
    """Mints strictly increasing ids. It claims its slot at the first id, never before, and again when the lease ran out
    while the process was frozen, or when the process is a copy of the one that claimed. Thread-safe.

    `clock_ns` is the wall clock in nanoseconds since 1970; `identity` tells a process from its copies.
    """

    def __init__(self, slots: WorkerSlots, *, clock_ns: Callable[[], int], sleep: Callable[[float], None],
                 new_owner: Callable[[], str], identity: Callable[[], object] = forks) -> None:
        self._slots, self._clock, self._sleep = slots, clock_ns, sleep
        self._new_owner, self._identity = new_owner, identity
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._who: object = None
        self._last_ms, self._sequence, self._worker = _NEVER, 0, 0
        self._mint_until, self._renew_from = _NEVER, _NEVER

    def mint(self) -> int:
        """The next id. Raises Retryable, before anything is minted, where no slot is free, the slots cannot be reached
        or the clock went back too far."""
        with self._lock:
            ms = self._clock() // _NS
            # The lesser of bound and lease lies beyond _renew_from, so this one comparison holds the id to both.
            plain = self._last_ms <= ms < self._renew_from and self._identity() == self._who
            if plain and ms > self._last_ms:
                self._last_ms, self._sequence = ms, 0
            elif plain and self._sequence < _LAST_SEQUENCE:
                self._sequence += 1
            else:
                ms = self._with_care(ms)
            return (ms - _EPOCH_MS) << _TIME_SHIFT | self._worker | self._sequence

    def forget(self) -> None:
        """Gives up what is held, without telling the table: for a process that was forked or restored."""
        self._lock = threading.Lock()
        self._lease, self._renew_from, self._mint_until = None, _NEVER, _NEVER

    @property
    def lease(self) -> Lease | None:
        """What is held, None before the first id."""
        return self._lease

    def _with_care(self, ms: int) -> int:
        """The millisecond of the next id, with `_sequence` set; everything that is not the plain case."""
        if self._identity() != self._who:
            self._lease, self._mint_until, self._renew_from = None, _NEVER, _NEVER
        if ms < self._last_ms:
            ms = self._wait_for(self._last_ms, ms)
        if self._lease is None or ms >= self._renew_from:
            self._hold(ms)
            ms = self._clock() // _NS
            if ms < self._last_ms:
                ms = self._wait_for(self._last_ms, ms)
        if ms == self._last_ms:
            self._sequence += 1
            if self._sequence > _LAST_SEQUENCE:
                ms = self._wait_for(self._last_ms + 1, ms)
        if ms > self._last_ms:
            self._last_ms, self._sequence = ms, 0
        if ms >= self._mint_until:
            raise Retryable("the lease of the worker slot ran out while an id was minted")
        return ms

    def _hold(self, ms: int) -> None:
        """A lease that reaches beyond now: renewed while it lives, else claimed anew."""
        if ms > _LAST_MS:
            raise Retryable("the clock is beyond the time that ids can tell")
        if self._lease is not None and ms < self._mint_until:
            try:
                return self._keep(self._slots.renew(self._lease, at_ms=ms), ms)
            except SlotLost:
                self._lease = None
            except Retryable:
                # What is held is still good for a while; the next id tries again.
                return None
        self._lease, self._mint_until, self._renew_from = None, _NEVER, _NEVER
        lease = self._slots.claim(owner=self._new_owner(), at_ms=ms)
        self._who = self._identity()
        # As if all ids of the millisecond before the start had been minted.
        self._last_ms, self._sequence = lease.start_ms - 1, _LAST_SEQUENCE
        return self._keep(lease, ms)

    def _keep(self, lease: Lease, ms: int) -> None:
        self._lease, self._worker = lease, lease.slot << SEQUENCE_BITS
        self._mint_until = min(lease.bound_ms, lease.until_ms - MARGIN_MS, _LAST_MS + 1)
        self._renew_from = (ms + self._mint_until) // 2

    def _wait_for(self, wanted: int, ms: int) -> int:
        """The clock, once it shows `wanted` or later. Raises Retryable where that is too far ahead."""
        if wanted - ms > ROLLBACK_MS:
            raise Retryable(f"the clock went back by {wanted - ms} ms: no id is minted until it has caught up")
        while ms < wanted:
            self._sleep((wanted - ms) / 1000)
            ms = self._clock() // _NS
        return ms
