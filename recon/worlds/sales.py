"""Checkouts: which payments there are, when they were captured or came to nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.schemas.ids import EPOCH
from recon.worlds import text
from recon.worlds.clock import DAY, HOUR, MINUTE, SECOND, local_days, ms
from recon.worlds.frame import ACCOUNTS, BRANDS, COUNTRIES, HOUR_WEIGHTS, MEDIAN_SALE, MERCHANTS, STEP
from recon.worlds.model import Movement, Payment

_PATHS = ("captured", "voided", "declined", "rejected")
_PATH_ODDS = (0.905, 0.03, 0.045, 0.02)
_EPOCH_MS = ms(EPOCH)

Ints = npt.NDArray[np.int64]


def checkouts(rng: np.random.Generator, count: int, start: int, days: int) -> list[Payment]:
    """`count` payments in order of time over `days` from `start`, with their CAPTURE movements."""
    until = start + days * DAY
    created = _times(rng, count, start, days)
    accounts = rng.choice(len(ACCOUNTS), count, p=_odds([a.weight for a in ACCOUNTS]))
    sells = np.array([[_pick(a.sells, part) for part in range(100)] for a in ACCOUNTS])
    currencies = sells[accounts, rng.integers(0, 100, count)].tolist()
    spread = np.exp(rng.normal(0.0, 1.1, count)).tolist()
    paths = rng.choice(len(_PATHS), count, p=_PATH_ODDS).tolist()
    manual = (rng.random(count) < 0.12).tolist()
    waits = rng.integers(20 * MINUTE, 40 * HOUR, count).tolist()
    quick = rng.integers(350, 2_400, count).tolist()
    ids = ((created - _EPOCH_MS) << 22 | rng.integers(1, 48, count) << 12 | rng.integers(0, 4096, count)).tolist()
    merchants = rng.choice(len(MERCHANTS), count, p=_odds(range(3, 3 + len(MERCHANTS)))).tolist()
    stripe = text.strings(text.draw(rng, count, 24, text.ALNUM))
    charges = text.strings(text.draw(rng, count, 24, text.ALNUM))
    psp = text.strings(text.draw(rng, count, 16, text.UPPER))
    captures = text.strings(text.draw(rng, count, 16, text.UPPER))
    brands, countries = rng.integers(0, len(BRANDS), count).tolist(), rng.integers(0, len(COUNTRIES), count).tolist()
    payments = []
    for i, (at, which) in enumerate(zip(created.tolist(), accounts.tolist(), strict=True)):
        account, currency = ACCOUNTS[which], str(currencies[i])
        path, authorized = _PATHS[paths[i]], at + quick[i]
        ended = authorized + (waits[i] if manual[i] or path == "voided" else 400)
        if ended >= until - 5 * SECOND:
            manual[i], ended = False, authorized + 400
            path = "declined" if path == "voided" else path
        of_stripe = account.gateway == "stripe"
        payments.append(
            Payment(
                i,
                ids[i],
                account,
                merchants[i],
                currency,
                _amount(currency, spread[i]),
                path,
                manual[i],
                at,
                authorized,
                ended,
                f"pi_{stripe[i]}" if of_stripe else psp[i],
                f"ch_{charges[i]}" if of_stripe else captures[i],
                brands[i],
                countries[i],
            )
        )
    for payment in payments:
        if payment.path == "captured":
            capture(payment)
    return payments


def capture(payment: Payment) -> Movement:
    """Post the payment's CAPTURE."""
    movement = Movement(payment, "CAPTURE", 1, payment.amount, payment.ended_at, payment.capture_ref)
    payment.moves.append(movement)
    return movement


def _times(rng: np.random.Generator, count: int, start: int, days: int) -> Ints:
    """Instants after the day curve; a few lie within seconds of a UTC or a local midnight, on either side."""
    hours = rng.choice(24, count, p=_odds(HOUR_WEIGHTS))
    at = start + rng.integers(0, days, count) * DAY + hours * HOUR + rng.integers(0, HOUR, count)
    edges = [
        begins
        for zone in ("UTC", "Europe/Amsterdam")
        for _, begins, _ in local_days(zone, start, start + days * DAY)
        if start < begins
    ]
    chosen = rng.choice(count, min(2 * len(edges), count // 20), replace=False)
    for turn, row in enumerate(chosen.tolist()):
        at[row] = edges[turn % len(edges)] - 2_200 + int(rng.integers(-1_200, 1_200))
    order: Ints = np.sort(np.clip(at, start, start + days * DAY - 10 * SECOND)).astype(np.int64)
    return order


def _amount(currency: str, spread: float) -> int:
    step = STEP.get(currency, 1)
    return max(10 * step, round(MEDIAN_SALE[currency] * spread) // step * step)


def _odds(weights: object) -> npt.NDArray[np.float64]:
    odds = np.asarray(weights, dtype=np.float64)
    result: npt.NDArray[np.float64] = np.divide(odds, odds.sum())
    return result


def _pick(shares: tuple[tuple[str, int], ...], part: int) -> str:
    for currency, share in shares:
        part -= share
        if part < 0:
            return currency
    return shares[-1][0]
