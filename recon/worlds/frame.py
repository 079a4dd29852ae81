"""What every world has in common: accounts, merchants, currencies, prices. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from recon.worlds.clock import Expectation, ms

GENERATOR_VERSION = "1"
START = ms(datetime(2026, 3, 2, tzinfo=UTC))
"""First instant of every world; 45 days from here hold a clock change, Good Friday and Easter Monday."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a gateway: what it sells in, what it is settled in, and how it reports.

    `control` is the report of totals that it also sends, `status` the one of changes of state; nobody waits for
    them, so they have no expectation.
    """

    index: int
    gateway: str
    name: str
    layout: str
    zone: str
    sells: tuple[tuple[str, int], ...]
    settles: tuple[str, ...]
    exchanges_to: str
    expected: Expectation
    control: str | None
    status: str | None
    weight: int
    first_batch: int = 0

    @property
    def report(self) -> str:
        """Name of the settlement report."""
        return self.expected.report

    def settlement_currency(self, currency: str) -> str:
        """What a sale in `currency` is settled in."""
        return currency if currency in self.settles else self.exchanges_to


_AMS = "Europe/Amsterdam"

ACCOUNTS = (
    Account(
        0,
        "stripe",
        "acct_LumenRetail",
        "itemized.5",
        "UTC",
        (("USD", 55), ("EUR", 20), ("JPY", 15), ("GBP", 10)),
        ("USD", "EUR", "JPY"),
        "USD",
        Expectation("payout_reconciliation", "UTC", "12:00", 2, 6, "US"),
        None,
        None,
        32,
    ),
    Account(
        1,
        "stripe",
        "acct_HarborTravel",
        "activity",
        "UTC",
        (("USD", 50), ("GBP", 30), ("KWD", 12), ("EUR", 8)),
        ("USD", "GBP", "KWD"),
        "USD",
        Expectation("balance_change_from_activity", "UTC", "12:00", 1, 12, "US"),
        "payouts",
        None,
        24,
    ),
    Account(
        2,
        "adyen",
        "LumenECOM_NL",
        "classic",
        _AMS,
        (("EUR", 60), ("GBP", 20), ("USD", 12), ("JPY", 8)),
        ("EUR", "GBP", "USD"),
        "EUR",
        Expectation("settlement_details", _AMS, "12:00", 1, 6, "TARGET"),
        None,
        None,
        26,
        211,
    ),
    Account(
        3,
        "adyen",
        "HarborECOM_NL",
        "wide",
        _AMS,
        (("EUR", 50), ("JPY", 20), ("KWD", 15), ("USD", 15)),
        ("EUR", "JPY", "KWD"),
        "EUR",
        Expectation("settlement_details", _AMS, "14:00", 1, 8, "TARGET"),
        "aggregate_settlement",
        "payment_accounting",
        18,
        87,
    ),
)

COMPANY = {"LumenECOM_NL": "LumenGroup", "HarborECOM_NL": "HarborGroup"}

MERCHANTS = tuple(f"m_{number}" for number in range(1001, 1013))
PLATFORM_FEE_BPS = (90, 120, 75, 150, 60, 110, 100, 85, 130, 95, 70, 140)

MEDIAN_SALE = {"EUR": 3_800, "USD": 4_200, "GBP": 3_400, "JPY": 5_600, "KWD": 12_500}
"""Middle of the log-normal spread of sales."""

STEP = {"KWD": 10}
"""Sales are multiples of this: the last digit of a three-decimal currency must be 0 at Stripe."""

FIXED_FEE = {"EUR": 25, "USD": 30, "GBP": 20, "JPY": 40, "KWD": 90}
DISPUTE_FEE = {"EUR": 2_000, "USD": 1_500, "GBP": 2_000, "JPY": 1_500, "KWD": 4_500}

RATES = {
    ("GBP", "USD"): Decimal("1.2710"),
    ("EUR", "USD"): Decimal("1.0835"),
    ("USD", "EUR"): Decimal("0.9180"),
    ("JPY", "EUR"): Decimal("0.006150"),
}
"""Middle rates for sales that are settled in another currency."""

HOUR_WEIGHTS = (9, 6, 4, 3, 3, 4, 7, 14, 24, 34, 42, 48, 52, 50, 47, 46, 48, 53, 60, 66, 62, 46, 30, 17)
"""How busy each UTC hour is."""

BRANDS = (("visa", "credit"), ("mc", "credit"), ("visa", "debit"), ("mc", "debit"), ("amex", "credit"))
COUNTRIES = ("US", "GB", "NL", "DE", "FR", "JP", "KW")
