"""Printed amounts to minor units: exact at the limits of 64 bits, refused where they would not be."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.schemas.currency import ISO_EXPONENTS, gateway_exponent
from recon.feeds.amounts import LIMIT, api_minor_sql, decimals_sql, minor_sql, power_sql, why_not

CON = duckdb.connect()
ODD = ["EUR", "JPY", "KWD", "CLF", "ISK", "UGX", "MGA", "CLP"]


def only(query: str) -> int | None:
    """The one whole number that a query gives."""
    ((value,),) = CON.execute(query).fetchall()
    assert value is None or isinstance(value, int)
    return value


def minor(text: str, currency: str = "EUR", *, mixed: bool = False) -> int | None:
    """What a file that prints `text` in `currency` gives; `mixed` among rows of other currencies."""
    codes = {currency: currency, **({code: code for code in ODD} if mixed else {})}
    CON.execute("CREATE OR REPLACE TABLE cell AS SELECT ? AS amount, ? AS code", [text, currency])
    decimals = decimals_sql("code", codes, blanks=mixed)
    return only(f"SELECT {minor_sql('amount', decimals, power_sql(decimals))} FROM cell")


def api_minor(text: str, currency: str) -> int | None:
    """What the API's integer `text` gives."""
    CON.execute("CREATE OR REPLACE TABLE cell AS SELECT ? AS amount, ? AS code", [text, currency.lower()])
    sql = api_minor_sql("amount", "code", {currency.lower(): currency}, "stripe")
    return only(f"SELECT {sql} FROM cell")


@given(st.integers(-LIMIT, LIMIT), st.sampled_from(ODD), st.integers(0, 6), st.booleans())
@example(LIMIT, "EUR", 0, False)
@example(-LIMIT, "EUR", 3, False)
@example(LIMIT, "JPY", 2, True)
@example(LIMIT, "KWD", 0, True)
@example(-1, "KWD", 0, False)
def test_every_amount_that_fits_survives(units: int, currency: str, zeros: int, mixed: bool) -> None:
    decimals = ISO_EXPONENTS[currency]
    printed = f"{Decimal(units).scaleb(-decimals):f}" + "0" * (zeros if decimals else 0)
    assert minor(printed, currency, mixed=mixed) == units
    if not mixed and decimals == 0 and zeros:
        assert minor(f"{printed}.{'0' * zeros}", currency) == units


@given(st.integers(LIMIT + 1, 10**40), st.sampled_from(ODD), st.sampled_from([1, -1]))
@example(LIMIT + 1, "EUR", -1)
@example(LIMIT + 1, "JPY", 1)
def test_an_amount_beyond_64_bits_is_refused(units: int, currency: str, sign: int) -> None:
    printed = f"{Decimal(sign * units).scaleb(-ISO_EXPONENTS[currency]):f}"
    assert minor(printed, currency) is None
    assert "64 bits" in why_not(printed, currency)[0]


@pytest.mark.parametrize(
    "printed,units",
    [(".91", 91), ("-0.5", -50), ("25", 2500), ("+5", 500), ("-.5", -50), ("5.", 500), ("96.9", 9690), ("0", 0),
     ("-0.00", 0), (" 1.50 ", 150), ("007.10", 710), ("1.5000000000", 150)],
)  # fmt: skip
def test_amounts_are_read_as_they_are_met(printed: str, units: int) -> None:
    assert minor(printed) == units
    assert minor(printed, mixed=True) == units


@pytest.mark.parametrize(
    "printed,currency,why",
    [("abc", "EUR", "text"), ("", "EUR", "text"), (".", "EUR", "text"), ("-", "EUR", "text"), ("1..2", "EUR", "text"),
     ("1-2", "EUR", "text"), ("1_000", "EUR", "text"), ("0x10", "EUR", "text"), ("NaN", "EUR", "text"),
     ("1e3", "EUR", "scientific"), ("1.5E+2", "EUR", "scientific"), ("1,234.50", "EUR", "thousands"),
     ("1.234,50", "EUR", "thousands"), ("1.005", "EUR", "more decimals"), ("1.5", "JPY", "more decimals"),
     ("0.00001", "CLF", "more decimals"), ("1.2345", "KWD", "more decimals"), ("1.00", "XYZ", "currency"),
     ("1٫5", "EUR", "text"), ("١", "EUR", "text")],
)  # fmt: skip
def test_what_is_no_plain_amount_is_refused_with_its_reason(printed: str, currency: str, why: str) -> None:
    assert minor(printed, currency) is None
    assert why in why_not(printed, currency)[0]


@given(st.text(alphabet="0123456789.,+-eE _x", max_size=12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_nothing_else_is_ever_read_as_an_amount(text: str, currency: str) -> None:
    read = minor(text, currency)
    if read is not None:
        assert Decimal(text.strip()).scaleb(ISO_EXPONENTS[currency]) == read


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "ISK", "UGX", "MGA"]))
def test_api_integers_are_turned_exactly_or_refused(units: int, currency: str) -> None:
    scaled = Decimal(units).scaleb(ISO_EXPONENTS[currency] - gateway_exponent("stripe", currency))
    assert api_minor(str(units), currency) == (int(scaled) if scaled == int(scaled) else None)


@pytest.mark.parametrize(
    "text,currency,units",
    [("50000", "ISK", 500), ("50001", "ISK", None), ("-100", "UGX", -1), ("7", "MGA", 700), ("1.5", "EUR", None),
     (str(LIMIT), "EUR", LIMIT), (str(LIMIT), "MGA", None), ("1e3", "EUR", None)],
)  # fmt: skip
def test_the_api_counts_some_currencies_its_own_way(text: str, currency: str, units: int | None) -> None:
    assert api_minor(text, currency) == units
