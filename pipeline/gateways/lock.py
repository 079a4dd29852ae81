"""The fence on Redis: one key per payment that lives five seconds and is renewed while a call is out.

It spares double calls and is no safety device: Redis may forget a key. The ledger's fence and the gateway's idempotency
key decide, so losing the lock never cancels a call, and where Redis is down the caller goes on without it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.errors import Retryable
from pipeline.gateways.lock_port import Lock

TTL_MS = 5000
RENEW_S = 1.5
_SOCKET_S = 0.5

_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisFence:
    """Locks on one Redis. Thread-safe."""

    def __init__(self, url: str, *, ttl_ms: int = TTL_MS, renew_s: float = RENEW_S, prefix: str = "fence:") -> None:
        """`url`: redis://host:port. Nothing is connected yet. Raises ValueError for another form."""
        self._redis = redis.Redis.from_url(url, socket_timeout=_SOCKET_S, socket_connect_timeout=_SOCKET_S,
                                           retry=Retry(NoBackoff(), 0))
        self._ttl_ms = ttl_ms
        self._renew_s = renew_s
        self._prefix = prefix

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[Lock | None]:
        """See the port. `owner` is for people who look into Redis; each block has a token of its own, so that two
        blocks of one owner exclude each other as well."""
        held = _Held(self._prefix + name, f"{owner}:{secrets.token_hex(8)}")
        if not self._acquire(held):
            yield None
            return
        over = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(held, over), name=f"renews {held.key}", daemon=True)
        renewal.start()
        try:
            yield held
        finally:
            over.set()
            renewal.join(timeout=2 * _SOCKET_S)
            self._release(held)

    def _acquire(self, held: _Held) -> bool:
        # Once more after a lost connection: a frozen environment thaws with dead ones, and a put whose answer was lost
        # is recognised by its token.
        for attempt in (1, 2):
            asked = time.monotonic()
            try:
                won = self._redis.set(held.key, held.token, nx=True, px=self._ttl_ms)
                if not won and attempt == 2:
                    won = self._redis.get(held.key) == held.token.encode()
            except redis.RedisError as failure:
                if attempt == 1 and isinstance(failure, redis.ConnectionError):
                    continue
                raise Retryable("the lock service cannot be reached") from None
            held.sure_until = asked + self._ttl_ms / 1000
            return bool(won)
        return False

    def _renew(self, held: _Held, over: threading.Event) -> None:
        while not over.wait(self._renew_s):
            asked = time.monotonic()
            try:
                if not self._redis.eval(_RENEW, 1, held.key, held.token, str(self._ttl_ms)):
                    held.taken = True
                    return
            except redis.RedisError:
                continue
            held.sure_until = asked + self._ttl_ms / 1000

    def _release(self, held: _Held) -> None:
        try:
            self._redis.eval(_RELEASE, 1, held.key, held.token)
        except redis.RedisError:
            return  # it lapses by itself


@dataclass(slots=True)
class _Held:
    key: str
    token: str
    sure_until: float = 0.0
    taken: bool = False

    @property
    def lost(self) -> bool:
        """See the port. Also once its time is over without a renewal that was answered."""
        return self.taken or time.monotonic() >= self.sure_until
