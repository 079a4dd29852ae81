"""Idempotency keys as the vendors document them: what is stored, for how long, and what a second call gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infra.local.gateways.model import DAY
from infra.local.gateways.store import Store

RETENTION = {"stripe": DAY, "adyen": 7 * DAY}
"""Both vendors promise at least this; here a key is gone right after it, the worst case."""
MAX_LENGTH = {"stripe": 255, "adyen": 64}


class Seen(StrEnum):
    """What is known of a key."""

    NEW = "new"
    REPLAY = "replay"
    MISMATCH = "mismatch"
    IN_FLIGHT = "in_flight"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes out. `headers` are those beyond the general ones."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Keys:
    """Keys of all vendors; the scope is vendor and account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, vendor: str, account: str, key: str, fingerprint: str, at: int) -> tuple[Seen, Reply | None]:
        """Takes a key for a call; a REPLAY or MISMATCH comes with the stored answer."""
        scope = f"{vendor}:{account}"
        with self._store.transaction():
            self._store.change("DELETE FROM keys WHERE scope = ? AND began <= ? AND status IS NOT NULL", scope,
                               at - RETENTION[vendor])
            found = self._store.row("SELECT * FROM keys WHERE scope = ? AND key = ?", scope, key)
            if found is None:
                self._store.change("INSERT INTO keys VALUES (?, ?, ?, ?, NULL, NULL)", scope, key, fingerprint, at)
                return Seen.NEW, None
        if found["fingerprint"] != fingerprint:
            stored = None if found["status"] is None else Reply(found["status"], found["body"])
            return Seen.MISMATCH, stored
        if found["status"] is None:
            return Seen.IN_FLIGHT, None
        return Seen.REPLAY, Reply(found["status"], found["body"])

    def finish(self, vendor: str, account: str, key: str, reply: Reply) -> None:
        """Stores the answer of the call, in the transaction of its effect."""
        self._store.change("UPDATE keys SET status = ?, body = ? WHERE scope = ? AND key = ?", reply.status, reply.body,
                           f"{vendor}:{account}", key)

    def release(self, vendor: str, account: str, key: str) -> None:
        """Forgets a key whose call had no effect."""
        self._store.change("DELETE FROM keys WHERE scope = ? AND key = ? AND status IS NULL",
                           f"{vendor}:{account}", key)
