"""Amounts as people write them: exact text in major units, and back."""

from __future__ import annotations

from decimal import Decimal

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.breaks.case import Amounts

UNKNOWN = "minor units of "
"""Stands before a currency whose decimals nobody knows: its amounts are shown as they are counted."""


def major(amount_minor: int, currency: str, *, grouped: bool = False) -> str:
    """The amount in major units, exact to the minor unit: 123456 EUR is '1234.56', 5 JPY is '5'."""
    decimals = ISO_EXPONENTS.get(currency, 0)
    digits = str(abs(amount_minor)).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    whole = f"{int(digits[:cut]):,}" if grouped else digits[:cut]
    return f"{'-' if amount_minor < 0 else ''}{whole}" + (f".{digits[cut:]}" if decimals else "")


def unit(currency: str) -> str:
    """What major() counts: the currency, or its minor units where its decimals are unknown."""
    return currency if currency in ISO_EXPONENTS else f"{UNKNOWN}{currency}"


def number(amount_minor: int, currency: str) -> Decimal:
    """The amount in major units as an exact number."""
    return Decimal(amount_minor).scaleb(-ISO_EXPONENTS.get(currency, 0))


def shown(amounts: Amounts, *, zero: str = "0") -> str:
    """All amounts in one line: '1,234.56 EUR, -5 JPY'."""
    return ", ".join(f"{major(minor, currency, grouped=True)} {unit(currency)}"
                     for currency, minor in sorted(amounts.items())) or zero
