"""How many decimals a currency has: for the ledger by ISO 4217, for a gateway's API by that gateway's own table.

Sources: ISO 4217 list of 2026-01-01; Stripe's and Adyen's currency pages. The tables differ, so an exponent is
always asked for by purpose, never by currency alone.
"""

from __future__ import annotations

_ISO_0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_ISO_2 = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
_ISO_3 = "BHD IQD JOD KWD LYD OMR TND"
_ISO_4 = "CLF UYW"

ISO_EXPONENTS: dict[str, int] = {
    code: exponent for exponent, codes in ((0, _ISO_0), (2, _ISO_2), (3, _ISO_3), (4, _ISO_4)) for code in codes.split()
}

GATEWAY_EXPONENTS: dict[str, dict[str, int]] = {
    "stripe": {"ISK": 2, "UGX": 2, "MGA": 0},
    "adyen": {"CLP": 2, "ISK": 2, "CVE": 0, "IDR": 0},
}
"""Where a gateway's API counts in other units than ISO; everything else is as ISO."""


class UnknownCurrency(ValueError):
    """The code is not an ISO 4217 currency that money can be counted in."""


def iso_exponent(currency: str) -> int:
    """Decimals of `currency` in the ledger and in the lake. Raises UnknownCurrency."""
    try:
        return ISO_EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"unknown currency {currency!r}; an upper-case ISO 4217 code is accepted") from None


def gateway_exponent(gateway: str, currency: str) -> int:
    """Decimals of `currency` in integers of the gateway's API. Raises UnknownCurrency."""
    return GATEWAY_EXPONENTS.get(gateway, {}).get(currency, iso_exponent(currency))


def odd_exponents(gateway: str, currency: str) -> bool:
    """Whether ISO or the gateway counts this currency in something other than hundredths: where scale errors live."""
    return iso_exponent(currency) != 2 or gateway_exponent(gateway, currency) != 2
