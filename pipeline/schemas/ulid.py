"""ULIDs: 26 Crockford characters of 48 bits of milliseconds and 80 random bits, the labels of audit and ledger rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
LARGEST = "7" + "Z" * (LENGTH - 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_RANDOM_BITS = 80
_TIME_BITS = 48
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


class UlidOverflow(Exception):
    """The random part of this millisecond has no next value."""


def encode(value: int) -> str:
    """The 26 characters of a number of at most 128 bits. Raises ValueError."""
    if not 0 <= value < 1 << (_TIME_BITS + _RANDOM_BITS):
        raise ValueError(f"{value} has more than 128 bits or is negative")
    return "".join(_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10))


def decode(text: str) -> int:
    """The number of a ULID, small letters accepted. Raises ValueError for another length, letter or above 7ZZZ..."""
    upper = text.upper()
    if len(upper) != LENGTH or not set(upper) <= _VALUES.keys():
        raise ValueError(f"{text!r} is no ULID: {LENGTH} characters of {ALPHABET} are accepted")
    if upper > LARGEST:
        raise ValueError(f"{text!r} is above the largest ULID {LARGEST}")
    value = 0
    for letter in upper:
        value = value << 5 | _VALUES[letter]
    return value


def minted_at(text: str) -> datetime:
    """When it was made, UTC, to the millisecond. Raises ValueError."""
    return _EPOCH + (decode(text) >> _RANDOM_BITS) * _MS


class UlidFactory:
    """Makes ULIDs that only grow within this process: +1 within a millisecond, and never back when the clock goes back.

    Thread-safe. A forked child begins anew, so that it does not continue its parent's row of numbers.
    """

    def __init__(self, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._randomness = randomness
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._ms = -1
        self._random = 0

    def new(self, at: datetime) -> str:
        """The next one, for the aware instant `at`. Raises UlidOverflow, and ValueError before 1970 or after 10889."""
        ms = (at - _EPOCH) // _MS
        if not 0 <= ms < 1 << _TIME_BITS:
            raise ValueError(f"{at.isoformat()} is outside the 48 bits of a ULID")
        with self._lock:
            if self._process != os.getpid():
                self._process, self._ms = os.getpid(), -1
            if ms > self._ms:
                fresh = int.from_bytes(self._randomness(_RANDOM_BITS // 8), "big")
            else:
                ms, fresh = self._ms, self._random + 1
            if fresh >= 1 << _RANDOM_BITS:
                raise UlidOverflow(f"no ULID is left in millisecond {ms}")
            self._ms, self._random = ms, fresh
        return encode(ms << _RANDOM_BITS | fresh)
