"""Amounts as messages have them: exact minor units, and the same as people write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from recon.breaks.case import Amounts, Case
from recon.breaks.money import major, number, unit


def listed(amounts: Amounts) -> list[dict[str, Any]]:
    """[{currency, minor, major}], by currency."""
    return [{"currency": currency, "minor": minor, "major": f"{major(minor, currency, grouped=True)} {unit(currency)}"}
            for currency, minor in sorted(amounts.items())]


def size(case: Case) -> Decimal:
    """The largest of its amounts in major units, unconverted: what ranks cases of several currencies."""
    told = case.at_risk_minor or case.diff_minor
    return max((abs(number(minor, currency)) for currency, minor in told.items()), default=Decimal(0))


def readable(amounts: list[dict[str, Any]]) -> str:
    """What listed() made, in one line."""
    return ", ".join(amount["major"] for amount in amounts) or "no amount"
