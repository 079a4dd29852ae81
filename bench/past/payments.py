"""The payments of one hour as columns: when each step happened, how much it was, and every reference it got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.past.plan import CURRENCIES, PLANTED
from pipeline.schemas.ids import EPOCH, SEQUENCE_BITS, WORKER_BITS
from recon.worlds import text
from recon.worlds.clock import HOUR, SECOND, ms
from recon.worlds.frame import MERCHANTS, PLATFORM_FEE_BPS

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts: TypeAlias = "pa.Array[Any]"

_LAST_BEGINS = HOUR - 10 * SECOND
"""Payments of an hour end in it, so that each hour is made by itself."""

_OF_STRIPE = 0.56
_EPOCH_MS = ms(EPOCH)
COMMIT_AFTER = 60


@dataclass(frozen=True, slots=True)
class Payments:
    """One row per payment, in order of time; codes index CURRENCIES and MERCHANTS, amounts are minor units."""

    id: Ints
    created: Ints
    reserved: Ints
    captured: Ints
    stripe: Flags
    currency: Ints
    merchant: Ints
    amount: Ints
    fee: Ints
    trace: Texts
    gateway_ref: Texts
    operation_ref: Texts

    def __len__(self) -> int:
        return len(self.id)

    def names(self, stripe: str, adyen: str, rows: Ints) -> pa.Array[Any]:
        """One of two texts for the payment of each of `rows`."""
        return named((adyen, stripe), self.stripe[rows].astype(np.int64))


def draw_payments(rng: np.random.Generator, hour: int, count: int) -> Payments:
    """`count` captured payments of the hour that starts at `hour`; the first ones, which are planted, are STRIPE's."""
    created = hour + np.sort(rng.integers(0, _LAST_BEGINS, count))
    reserved = created + rng.integers(20, 80, count)
    stripe = rng.random(count) < _OF_STRIPE
    stripe[: len(PLANTED)] = True
    merchant = rng.integers(0, len(MERCHANTS), count)
    amount = 100 + np.exp(rng.normal(8.2, 0.8, count)).astype(np.int64)
    worker = rng.integers(0, 1 << WORKER_BITS, count)
    at = (created - _EPOCH_MS) << (WORKER_BITS + SEQUENCE_BITS)
    return Payments(
        id=at | worker << SEQUENCE_BITS | np.arange(count) % (1 << SEQUENCE_BITS),
        created=created,
        reserved=reserved,
        captured=reserved + rng.integers(400, 2_000, count),
        stripe=stripe,
        currency=rng.integers(0, len(CURRENCIES), count),
        merchant=merchant,
        amount=amount,
        fee=(amount * np.array(PLATFORM_FEE_BPS, np.int64)[merchant] + 5_000) // 10_000,
        trace=text.arrow(text.draw(rng, count, 32, text.HEX)),
        gateway_ref=references(rng, stripe, b"pi_"),
        operation_ref=references(rng, stripe, b"ch_"),
    )


def references(rng: np.random.Generator, stripe: Flags, prefix: bytes) -> Texts:
    """A fresh reference per payment: `prefix` and 24 letters at Stripe, 16 upper-case letters at Adyen."""
    count = int(stripe.sum())
    start = np.broadcast_to(np.frombuffer(prefix, np.uint8), (count, len(prefix)))
    ours = text.arrow(np.hstack([start, text.draw(rng, count, 24, text.ALNUM)]))
    theirs = text.arrow(text.draw(rng, len(stripe) - count, 16, text.UPPER))
    place = np.where(stripe, np.cumsum(stripe) - 1, count + np.cumsum(~stripe) - 1)
    return taken(pa.concat_arrays([ours, theirs]), place)


def taken(values: Texts, rows: Ints, absent: Flags | None = None) -> Texts:
    """The values at `rows`; nothing where `absent`."""
    places: Any = pa.array(rows, pa.int64(), mask=absent)
    return values.take(places)


def named(values: tuple[str, ...], codes: Ints) -> pa.Array[Any]:
    """The text that each code stands for."""
    return taken(pa.array(list(values), pa.string()), codes)


def instants(at: Ints, absent: Flags | None = None) -> pa.Array[Any]:
    """Milliseconds as Arrow's."""
    return pa.array(at, pa.int64(), mask=absent).cast(pa.timestamp("ms"))
