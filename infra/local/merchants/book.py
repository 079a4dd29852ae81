"""What merchants have received, and what they made of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

ANSWERS = frozenset({"200", "302", "400", "410", "429", "500", "503", "slow", "trickle", "cut"})
"""How an endpoint can answer: a status, 200 after `seconds`, a head that comes byte by byte, or an end without one."""


@dataclass(frozen=True)
class Behaviour:
    """`count` requests are answered so (None: all, until another is told); `seconds` of slow and trickle."""

    kind: str
    merchant_id: str | None = None
    count: int | None = 1
    retry_after: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Received:
    """One request. verdict: accepted, duplicate, stale, unverified, or not_taken where the answer was no success."""

    number: int
    at_ms: int
    merchant_id: str
    path: str
    headers: dict[str, str]
    body: str
    verdict: str
    answered: str
    event_id: str | None = None
    payment_id: str | None = None
    version: int | None = None
    status: str | None = None


@dataclass
class Book:
    """Thread-safe. Secrets are kept here alone, in memory."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _secrets: dict[str, list[str]] = field(default_factory=dict)
    _behaviours: list[Behaviour] = field(default_factory=list)
    _received: list[Received] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _latest: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def know(self, merchant_id: str, secrets: list[str]) -> None:
        """With these, and no others, the merchant verifies from now on."""
        with self._lock:
            self._secrets[merchant_id] = list(secrets)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on; earlier ones that are not used up hold afterwards. Raises ValueError."""
        if behaviour.kind not in ANSWERS:
            raise ValueError(f"{behaviour.kind!r} is no answer; there are {', '.join(sorted(ANSWERS))}")
        with self._lock:
            self._behaviours.insert(0, behaviour)

    def clear(self) -> None:
        """Everybody answers 200 again."""
        with self._lock:
            self._behaviours.clear()

    def receive(self, merchant_id: str, path: str, headers: Mapping[str, str], body: bytes, at_ms: int) -> Behaviour:
        """Takes in a request and says how it is answered."""
        text = body.decode("utf-8", "replace")
        with self._lock:
            known = self._secrets.get(merchant_id, [])
            found = _verified(text, headers, known)
            behaviour = self._next(merchant_id) if found is not None else Behaviour("unverified")
            told: dict[str, Any] = {}
            if found is not None:
                data = found["data"]
                told = {"event_id": headers["webhook-id"], "payment_id": data["payment_id"],
                        "version": data["version"], "status": data["status"]}
            verdict = self._verdict(merchant_id, behaviour, told)
            self._received.append(Received(len(self._received), at_ms, merchant_id, path, dict(headers), text, verdict,
                                           behaviour.kind, **told))
        return behaviour

    def received(self, *, merchant_id: str | None = None, payment_id: str | None = None) -> list[dict[str, Any]]:
        """Requests in order, of one merchant or payment."""
        with self._lock:
            return [asdict(one) for one in self._received if merchant_id in (None, one.merchant_id)
                    and payment_id in (None, one.payment_id)]

    def payments(self) -> dict[str, dict[str, Any]]:
        """What each merchant believes of its payments: the highest version that it has accepted."""
        with self._lock:
            return {payment_id: {"merchant_id": merchant_id, "version": version, "status": status}
                    for (merchant_id, payment_id), (version, status) in self._latest.items()}

    def _next(self, merchant_id: str) -> Behaviour:
        for place, behaviour in enumerate(self._behaviours):
            if behaviour.merchant_id in (None, merchant_id):
                if behaviour.count is not None:
                    left = replace(behaviour, count=behaviour.count - 1)
                    self._behaviours[place : place + 1] = [left] if left.count else []
                return behaviour
        return Behaviour("200")

    def _verdict(self, merchant_id: str, behaviour: Behaviour, told: Mapping[str, Any]) -> str:
        if not told:
            return "unverified"
        if behaviour.kind not in ("200", "slow"):
            return "not_taken"
        if (merchant_id, told["event_id"]) in self._seen:
            return "duplicate"
        self._seen.add((merchant_id, told["event_id"]))
        key = (merchant_id, told["payment_id"])
        if key in self._latest and told["version"] <= self._latest[key][0]:
            return "stale"
        self._latest[key] = (told["version"], told["status"])
        return "accepted"


def _verified(text: str, headers: Mapping[str, str], secrets: list[str]) -> Any:
    for secret in secrets:
        try:
            return Webhook(secret).verify(text, dict(headers))
        except (WebhookVerificationError, ValueError):
            continue
    return None


def as_json(found: object) -> bytes:
    """An answer of the control paths."""
    return json.dumps(found).encode()
