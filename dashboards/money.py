"""Amounts for people: text from whole minor units, numbers only for drawing."""

from __future__ import annotations

from decimal import Decimal

from pipeline.schemas.currency import ISO_EXPONENTS

MINUS = "−"


def exponent(currency: str) -> int:
    """Decimals of `currency`; 0 for a code that is not known, so that its minor units show as they are."""
    return ISO_EXPONENTS.get(currency, 0)


def number(amount_minor: int, currency: str, *, signed: bool = False) -> str:
    """The amount in major units, e.g. 123456 EUR -> '1,234.56'; with `signed` a plus is written too."""
    decimals = exponent(currency)
    digits = str(abs(amount_minor)).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    sign = MINUS if amount_minor < 0 else "+" if signed and amount_minor > 0 else ""
    return f"{sign}{int(digits[:cut]):,}" + (f".{digits[cut:]}" if decimals else "")


def text(amount_minor: int, currency: str, *, signed: bool = False) -> str:
    """The amount with its currency, e.g. '1,234.56 EUR'."""
    return f"{number(amount_minor, currency, signed=signed)} {currency}"


def drawn(amount_minor: int, currency: str) -> float:
    """The amount in major units as the number that a chart needs for the length of a bar. Never calculate with it."""
    return float(Decimal(amount_minor).scaleb(-exponent(currency)))


def tick_format(currency: str) -> str:
    """How an axis writes amounts of `currency` (d3-format)."""
    return f",.{exponent(currency)}f"


def percent(part: int, whole: int) -> str:
    """part of whole as a percentage with two decimals, cut rather than rounded: only all of it is 100.00 %."""
    if whole == 0:
        return "–"
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02d} %"
