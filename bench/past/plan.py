"""What a past holds: how many payments in which hour, and who reports them when. Instants are milliseconds UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from recon.worlds.clock import DAY, HOUR, MINUTE, moment
from recon.worlds.frame import HOUR_WEIGHTS, START

_DAYS_OF_WEIGHTS = sum(HOUR_WEIGHTS)


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a gateway; its report comes every `every` milliseconds, `after` that the report ends."""

    gateway: str
    name: str
    report: str
    raw_type: str
    cadence: str
    every: int
    after: int


STRIPE = Account("stripe", "acct_Lumen", "balance_transactions", "charge", "hourly", HOUR, 20 * MINUTE)
ADYEN = Account("adyen", "LumenECOM", "settlement_details", "Settled", "daily", DAY, 6 * HOUR)
CURRENCIES = ("EUR", "GBP", "USD")

PLANTED = ("missing_at_gateway", "amount_mismatch", "missing_in_ledger", "duplicate_capture")
"""One of each in every hour, all at STRIPE, whose lines are here within the hour."""


@dataclass(frozen=True, slots=True)
class Past:
    """`payments` over `days` whole days from START on, by HOUR_WEIGHTS."""

    payments: int
    days: int
    seed: int = 1

    @property
    def until(self) -> int:
        """First instant after the past."""
        return START + self.days * DAY

    def payments_of(self, hour: int) -> int:
        """How many payments begin in the hour that starts at `hour`: at least as many as are planted."""
        weight = HOUR_WEIGHTS[hour // HOUR % 24]
        return max(2 * len(PLANTED), self.payments * weight // (self.days * _DAYS_OF_WEIGHTS))

    def starts(self) -> Iterator[int]:
        """When each day begins."""
        return iter(range(START, self.until, DAY))


def day_of(at: int) -> date:
    """The UTC day of an instant."""
    return moment(at).date()
