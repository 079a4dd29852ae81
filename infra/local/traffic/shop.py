"""A merchant's side of the API: requests with bounded waiting, and a record of every answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import urllib3

CONNECT_S, READ_S = 3.0, 35.0
"""Longer than the edge waits, so that an answer that comes late is seen as what it is."""
MARKER = "idempotent-replayed"
"""Header of an answer that was stored before."""
_RETRIED = frozenset({0, 409, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back. `status` is 0 where no answer came; `what` is pay, twin, again, other, capture,
    cancel or read; `key` is empty for a read."""

    what: str
    number: int
    key: str
    status: int
    body: bytes
    seconds: float
    replayed: bool = False
    retry_after_s: float | None = None

    @property
    def final(self) -> bool:
        """Whether this is the stored answer to its key: what is answered ever after."""
        return self.status in (200, 201, 402) or (self.status == 409 and self.retry_after_s is None)

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered otherwise in a moment."""
        return not self.final and self.status in _RETRIED

    def member(self, *names: str) -> str | None:
        """The first of these members that the JSON body has, as text."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return next((str(found[name]) for name in names if isinstance(found, dict) and found.get(name)), None)

    @property
    def payment_id(self) -> str | None:
        """The payment that the answer speaks of."""
        return self.member("id", "payment_id")


@dataclass
class Record:
    """All exchanges of a run, in the order in which they ended. Thread-safe."""

    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, exchange: Exchange) -> None:
        """One more."""
        with self._lock:
            self.exchanges.append(exchange)


class Shop:
    """Asks the API as merchants do. `keys` are their API keys by name; every answer goes into `record`."""

    def __init__(self, api: str, keys: dict[str, str], *, connections: int, record: Record | None = None,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._api, self._keys, self._sleep = api.rstrip("/"), keys, sleep
        self.record = record or Record()
        # Nothing is retried below us: a retry is a request of its own that has to be answered rightly.
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False,
                                         timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S))

    def reachable(self) -> bool:
        """Whether the API answers at all."""
        try:
            return self._pool.request("GET", f"{self._api}/v1/payments/1", timeout=10.0).status in (401, 403)
        except urllib3.exceptions.HTTPError:
            return False

    def ask(self, what: str, merchant: str, number: int, path: str, key: str = "",
            body: dict[str, Any] | None = None) -> Exchange:
        """One request: POST with `key` and `body`, GET without a key."""
        headers = {"Authorization": f"Bearer {self._keys[merchant]}"}
        more: dict[str, Any] = {}
        if key:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
            more["body"] = json.dumps(body if body is not None else {}).encode()
        start = time.perf_counter()
        try:
            answer = self._pool.request("POST" if key else "GET", f"{self._api}{path}", headers=headers, **more)
        except urllib3.exceptions.HTTPError:
            found = Exchange(what, number, key, 0, b"", time.perf_counter() - start)
        else:
            found = Exchange(what, number, key, answer.status, answer.data, time.perf_counter() - start,
                             answer.headers.get(MARKER, "").lower() == "true", _seconds(answer.headers))
        self.record.add(found)
        return found

    def insist(self, what: str, merchant: str, number: int, path: str, key: str, body: dict[str, Any], *,
               patience_s: float) -> Exchange:
        """The same request until its answer is final, 202 or a refusal, for at most `patience_s`; the last answer."""
        deadline = time.monotonic() + patience_s
        found = self.ask(what, merchant, number, path, key, body)
        while found.passing and time.monotonic() < deadline:
            self._sleep(min(found.retry_after_s or 0.5, 3.0))
            found = self.ask(f"{what} again" if not what.endswith("again") else what, merchant, number, path, key, body)
        return found


def _seconds(headers: Any) -> float | None:
    """Retry-After in seconds; None where there is none that can be read."""
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None
