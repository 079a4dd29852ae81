"""Amounts as text come from whole minor units; floats appear only where a chart draws."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import money
from pipeline.schemas.currency import ISO_EXPONENTS

AMOUNTS = st.integers(-(2**63), 2**63 - 1)
CURRENCIES = st.sampled_from(sorted(ISO_EXPONENTS))


@pytest.mark.parametrize(
    "amount_minor, currency, signed, said",
    [
        (123456, "EUR", False, "1,234.56 EUR"),
        (5, "EUR", True, "+0.05 EUR"),
        (-5, "KWD", True, "−0.005 KWD"),
        (0, "USD", True, "0.00 USD"),
        (1234, "JPY", True, "+1,234 JPY"),
        (-100, "JPY", False, "−100 JPY"),
        (7, "???", False, "7 ???"),
    ],
)
def test_amounts_read_as_people_write_them(amount_minor: int, currency: str, signed: bool, said: str) -> None:
    assert money.text(amount_minor, currency, signed=signed) == said


@given(amount_minor=AMOUNTS, currency=CURRENCIES)
def test_no_digit_is_lost_in_text(amount_minor: int, currency: str) -> None:
    read = Decimal(money.number(amount_minor, currency).replace(",", "").replace(money.MINUS, "-"))
    assert read.scaleb(ISO_EXPONENTS[currency]) == amount_minor


@given(part=st.integers(0, 10**18), rest=st.integers(0, 10**18))
def test_only_all_of_it_is_a_hundred_percent(part: int, rest: int) -> None:
    said = money.percent(part, part + rest)
    assert (said == "100.00 %") == (rest == 0 and part > 0)


def test_nothing_of_nothing_has_no_percentage() -> None:
    assert money.percent(0, 0) == "–"
