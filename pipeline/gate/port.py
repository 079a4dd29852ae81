"""The idempotency gate: the first writer of a key proceeds, the others get the stored result or are told to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Won:
    """This caller owns the key: proceed with `payment_id` (minted now, or inherited by a takeover)."""

    key_hash: str
    payment_id: int
    owner: str
    fence: int
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """The stored result, to be answered byte for byte."""

    payment_id: int
    status_code: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """Another owner holds the key with a live lease."""

    payment_id: int
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used with another payload."""

    payment_id: int


class Lost(Exception):
    """The record has another owner or fence by now: this owner may not write it."""


class Gate(Protocol):
    """All methods may raise Retryable. `at` is the caller's clock; conditions carry a margin for skew."""

    def claim(self, key_hash: str, *, fingerprint: str, owner: str, mint: Callable[[], int], at: datetime,
              ) -> Won | Replay | Running | Mismatch:
        """One conditional put; an expired record counts as absent, a record whose lease is over is taken over with its
        payment_id if the fingerprint is equal. A put that won although its answer was lost is recognised by `owner`."""
        ...

    def complete(self, won: Won, *, status_code: int, body: bytes, at: datetime) -> None:
        """Stores the final result. Raises Lost."""
        ...

    def release(self, won: Won, *, at: datetime) -> None:
        """Forgets a claim before which nothing external happened. Raises Lost."""
        ...

    def hand_over(self, won: Won, *, at: datetime) -> None:
        """In doubt: recovery finishes it; never deleted, the key stays taken. Raises Lost."""
        ...

    def close(self, key_hash: str, *, payment_id: int, status_code: int, body: bytes, at: datetime) -> bool:
        """Recovery's end: stores the result of `payment_id` whoever owned the key; False where it was complete."""
        ...
