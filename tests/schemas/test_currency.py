"""Decimals per currency, where ISO 4217 and the two gateways differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schemas.currency import (
    GATEWAY_EXPONENTS,
    ISO_EXPONENTS,
    UnknownCurrency,
    gateway_exponent,
    iso_exponent,
    odd_exponents,
)

# currency: decimals by ISO, at Stripe's API, at Adyen's API
PUBLISHED = {
    "CLP": (0, 0, 2),
    "ISK": (0, 2, 2),
    "UGX": (0, 2, 0),
    "CVE": (2, 2, 0),
    "IDR": (2, 2, 0),
    "HUF": (2, 2, 2),
    "TWD": (2, 2, 2),
    "MGA": (2, 0, 2),
    "EUR": (2, 2, 2),
    "USD": (2, 2, 2),
    **dict.fromkeys("DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split(), (0, 0, 0)),
    **dict.fromkeys("BHD JOD KWD OMR TND".split(), (3, 3, 3)),
    **dict.fromkeys("COP RSD GHS MRU".split(), (2, 2, 2)),
}
STRIPE_WITHOUT_DECIMALS = set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
STRIPE_WITH_THREE = set("BHD JOD KWD OMR TND".split())
ISO_WITHOUT_DECIMALS = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
ISO_WITH_THREE = set("BHD IQD JOD KWD LYD OMR TND".split())


@pytest.mark.parametrize("currency", sorted(PUBLISHED))
def test_the_published_differences(currency: str) -> None:
    decimals = (iso_exponent(currency), gateway_exponent("stripe", currency), gateway_exponent("adyen", currency))
    assert decimals == PUBLISHED[currency]


def test_the_whole_lists_of_odd_currencies() -> None:
    assert {c for c, exponent in ISO_EXPONENTS.items() if exponent == 0} == ISO_WITHOUT_DECIMALS
    assert {c for c, exponent in ISO_EXPONENTS.items() if exponent == 3} == ISO_WITH_THREE
    assert {c for c, exponent in ISO_EXPONENTS.items() if exponent == 4} == {"CLF", "UYW"}
    assert {c for c in ISO_EXPONENTS if gateway_exponent("stripe", c) == 0} - {"UYI"} == STRIPE_WITHOUT_DECIMALS
    assert {c for c in ISO_EXPONENTS if gateway_exponent("stripe", c) == 3} >= STRIPE_WITH_THREE


def test_codes_are_unique_upper_case_and_hold_no_metal_or_test_code() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in ISO_EXPONENTS)
    assert not {"XAU", "XAG", "XPT", "XPD", "XTS", "XXX", "MRO", "HRK"} & set(ISO_EXPONENTS)
    assert len(ISO_EXPONENTS) > 160


def test_a_gateways_table_holds_only_what_differs() -> None:
    for gateway, exponents in GATEWAY_EXPONENTS.items():
        for currency, exponent in exponents.items():
            assert iso_exponent(currency) != exponent, f"{gateway} {currency}"


@given(st.sampled_from(sorted(ISO_EXPONENTS)), st.sampled_from(["stripe", "adyen"]))
def test_a_scale_error_needs_an_odd_exponent(currency: str, gateway: str) -> None:
    plain = iso_exponent(currency) == 2 and gateway_exponent(gateway, currency) == 2
    assert odd_exponents(gateway, currency) is not plain


@given(st.text(max_size=4).filter(lambda code: code not in ISO_EXPONENTS))
def test_an_unknown_code_is_refused_by_name(code: str) -> None:
    for ask in (iso_exponent, lambda c: gateway_exponent("stripe", c)):
        with pytest.raises(UnknownCurrency, match="upper-case ISO 4217") as raised:
            ask(code)
        assert repr(code) in str(raised.value)
