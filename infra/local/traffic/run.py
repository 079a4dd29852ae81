"""A whole run against a stack that is up: requests, recovery, replays, checks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.errors import LocalRefused
from infra.local.gateways.client import Client
from infra.local.traffic import ledger
from infra.local.traffic.checks import checked, interrupted
from infra.local.traffic.drive import Asked, Driver
from infra.local.traffic.plan import counts, early_doubts, plan, warm_up
from infra.local.traffic.progress import Showing
from infra.local.traffic.settle import Settled, settle
from infra.local.traffic.shop import Exchange, Shop
from infra.local.traffic.summary import Summary, summed

NEEDED = ("PAYMENTS_API", "PAYMENTS_DATABASE", "PAYMENTS_GATEWAYS")
"""Settings that a stack with the pipeline has."""
KEY_S = 150.0
"""Longer than a key is kept for recovery: a payment may have ended with nobody left who stores its answer."""
ROUNDS = 3
"""A key whose requests all failed before any payment was opened, opens one when it is asked for once more."""
DUPLICATED = 0.2
"""How many of the webhooks come twice."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to drive; `patience_s` bounds how long recovery is waited for. With `doubts_first` no payment that recovery
    has to wait for comes among the last ones."""

    payments: int
    concurrency: int
    seed: int
    patience_s: float
    doubts_first: bool = False


@dataclass(frozen=True, slots=True)
class Driven:
    """A run's summary, with every key that was used and every answer, those of the warm-up included."""

    summary: Summary
    used: Sequence[Asked]
    exchanges: Sequence[Exchange]


def drive(environment: Mapping[str, str], keys: Mapping[str, str], wanted: Wanted, shown: Showing) -> Summary:
    """The summary of what driven() does. Raises LocalRefused."""
    return driven(environment, keys, wanted, shown).summary


def driven(environment: Mapping[str, str], keys: Mapping[str, str], wanted: Wanted, shown: Showing) -> Driven:
    """Drives traffic through the stack of `environment` with its merchants' `keys`, and checks what it left.

    Raises LocalRefused where a part of the stack does not answer, or nobody there sells.
    """
    if any(not environment.get(name) for name in NEEDED):
        raise LocalRefused("this stack takes no payments; start one with `pipeline up --pipeline`")
    if wanted.concurrency < 1:
        raise LocalRefused(f"a concurrency of {wanted.concurrency}; 1 or more is accepted")
    orders = plan(wanted.payments, wanted.seed, list(keys))
    if wanted.doubts_first:
        orders = early_doubts(orders, wanted.seed)
    gateways, dsn = Client(environment["PAYMENTS_GATEWAYS"]), environment["PAYMENTS_DATABASE"]
    shop = Shop(environment["PAYMENTS_API"], dict(keys), connections=wanted.concurrency * 5)
    ledger.unfinished(dsn, datetime.now(UTC))
    if not shop.reachable():
        raise LocalRefused(f"the API at {environment['PAYMENTS_API']} does not answer; see `pipeline status`")
    gateways.webhooks(duplicate=DUPLICATED, reorder=True, seed=wanted.seed)
    run = secrets.token_hex(4)
    try:
        driver = Driver(shop, run, told=shown.advance)
        shown.stage("warm-up")
        warm = [asked for wave in warm_up(wanted.concurrency, wanted.seed, list(keys))
                for asked in driver.drive(wave, concurrency=wanted.concurrency)]
        shown.stage(f"{wanted.payments} payments, seed {wanted.seed}", len(orders))
        start = time.monotonic()
        used = warm + driver.drive(orders, concurrency=wanted.concurrency)
        seconds = time.monotonic() - start
        settled = Settled(0, 0, 0, 0.0, 0)
        for _ in range(ROUNDS):
            shown.stage("recovery")
            settled += settle(dsn, gateways, environment, patience_s=wanted.patience_s, tell=shown.tell)
            shown.stage("every key once more")
            driver.again(used, concurrency=wanted.concurrency, patience_s=KEY_S)
            if not ledger.unfinished(dsn, datetime.now(UTC)):
                break
    finally:
        gateways.webhooks(duplicate=0.0, reorder=False)
    shown.stage("checks")
    found, exchanges = ledger.read(dsn), shop.record.exchanges
    checks = checked(found, gateways.book(), used, exchanges, run)
    summary = summed(run, wanted.seed, wanted.concurrency, seconds, counts(orders),
                     len(interrupted(found, used, run)), exchanges, found, settled, checks)
    return Driven(summary, used, exchanges)
