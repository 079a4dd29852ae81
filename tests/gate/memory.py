"""The gate in a dictionary, for tests of what stands on it; it passes the same contract suite as the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from pipeline.gate.port import Lost, Mismatch, Replay, Running, Won

LEASE, RETENTION = timedelta(seconds=35), timedelta(days=30)
RECOVERY_LEASE, SKEW = timedelta(minutes=2), timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Record:
    """One key as it stands."""

    state: str
    owner: str
    fence: int
    fingerprint: str
    payment_id: int
    lease_until: datetime
    expires_at: datetime | None
    result: tuple[int, bytes] | None = None


class MemoryGate:
    """All methods are one critical section, as a conditional write is."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._lock = Lock()

    def claim(self, key_hash: str, *, fingerprint: str, owner: str, mint: Callable[[], int], at: datetime,
              ) -> Won | Replay | Running | Mismatch:
        """See the port."""
        payment_id = mint()
        with self._lock:
            seen = self.records.get(key_hash)
            if seen is None or (seen.expires_at is not None and seen.expires_at < at - SKEW):
                self.records[key_hash] = Record("IN_PROGRESS", owner, 1, fingerprint, payment_id, at + LEASE,
                                                at + RETENTION)
                return Won(key_hash, payment_id, owner, 1, taken_over=False)
            if seen.owner == owner:
                return Won(key_hash, seen.payment_id, owner, seen.fence, taken_over=seen.fence > 1)
            if seen.fingerprint != fingerprint:
                return Mismatch(seen.payment_id)
            if seen.result is not None:
                return Replay(seen.payment_id, *seen.result)
            if seen.lease_until >= at - SKEW:
                return Running(seen.payment_id, 2 if seen.state == "IN_PROGRESS" else 15)
            self.records[key_hash] = replace(seen, state="IN_PROGRESS", owner=owner, fence=seen.fence + 1,
                                             lease_until=at + LEASE, expires_at=at + RETENTION)
            return Won(key_hash, seen.payment_id, owner, seen.fence + 1, taken_over=True)

    def complete(self, won: Won, *, status_code: int, body: bytes, at: datetime) -> None:
        """See the port."""
        with self._lock:
            seen = self.records.get(won.key_hash)
            if seen and (seen.owner, seen.fence, seen.result) == (won.owner, won.fence, (status_code, body)):
                return
            self.records[won.key_hash] = replace(self._owned(won), state="COMPLETED", result=(status_code, body),
                                                 expires_at=at + RETENTION)

    def release(self, won: Won, *, at: datetime) -> None:
        """See the port."""
        with self._lock:
            if won.key_hash not in self.records:
                return
            held = self._owned(won)
            if won.taken_over:
                self.records[won.key_hash] = replace(held, lease_until=at - SKEW - timedelta(milliseconds=1))
            else:
                del self.records[won.key_hash]

    def hand_over(self, won: Won, *, at: datetime) -> None:
        """See the port."""
        with self._lock:
            seen = self.records.get(won.key_hash)
            if seen and (seen.owner, seen.fence, seen.state) == (won.owner, won.fence, "RECOVERING"):
                return
            self.records[won.key_hash] = replace(self._owned(won), state="RECOVERING", expires_at=None,
                                                 lease_until=at + RECOVERY_LEASE)

    def close(self, key_hash: str, *, payment_id: int, status_code: int, body: bytes, at: datetime) -> bool:
        """See the port."""
        with self._lock:
            seen = self.records.get(key_hash)
            if seen is None or seen.payment_id != payment_id or seen.result is not None:
                return False
            self.records[key_hash] = replace(seen, state="COMPLETED", result=(status_code, body),
                                             expires_at=at + RETENTION)
            return True

    def _owned(self, won: Won) -> Record:
        seen = self.records.get(won.key_hash)
        if seen is None or (seen.owner, seen.fence, seen.state) != (won.owner, won.fence, "IN_PROGRESS"):
            raise Lost(f"payment {won.payment_id}: its idempotency record has another owner")
        return seen
