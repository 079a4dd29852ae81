"""Printed amounts in major units to integer minor units: as SQL for all rows, and in words for the faulty ones.

The conversion is of digits and decimals, exact up to the limits of a 64-bit integer; no float is ever involved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from pipeline.schemas.currency import ISO_EXPONENTS, gateway_exponent, iso_exponent

LIMIT = 2**63 - 1
ACCEPTED = "a plain decimal number such as 12.34, -0.5 or .91"
_ANY_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_SCIENTIFIC = re.compile(r"[+-]?[0-9.,]+[eE][+-]?[0-9]+")


def number_pattern(decimals: int) -> str:
    """Pattern (RE2) of a number with at most `decimals` decimals, trailing zeros and blanks around it apart."""
    fraction = rf"\.[0-9]{{1,{decimals}}}0*" if decimals else r"\.0+"
    return rf" *[+-]?([0-9]+(\.[0-9]{{0,{decimals}}}0*)?|{fraction}) *"


def minor_sql(text: str, currency: str, codes: Mapping[str, str], *, blanks: bool) -> str:
    """SQL: `text` in major units as BIGINT minor units; NULL where it cannot be read or its currency is not known.

    `currency` is SQL of the printed currency; `codes` maps what is printed there to upper-case codes, `blanks` tells
    whether some rows have none. The expression has a branch per exponent among them.
    """
    by_exponent: dict[int, list[str]] = {}
    for printed, code in sorted(codes.items()):
        if code in ISO_EXPONENTS:
            by_exponent.setdefault(iso_exponent(code), []).append(_quoted(printed))
    if not by_exponent:
        return "CAST(NULL AS BIGINT)"
    if len(by_exponent) == 1 and not blanks and all(code in ISO_EXPONENTS for code in codes.values()):
        return _scaled(text, next(iter(by_exponent)))
    branches = [f"WHEN {currency} IN ({', '.join(p)}) THEN {_scaled(text, e)}" for e, p in sorted(by_exponent.items())]
    return f"CASE {' '.join(branches)} END"


def api_minor_sql(text: str, currency: str, codes: Mapping[str, str], gateway: str) -> str:
    """SQL: an integer in the gateway's API units as BIGINT ISO minor units; NULL where that is not exact.

    `currency` and `codes` as in minor_sql.
    """
    integer = f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN TRY_CAST({text} AS HUGEINT) END"
    branches = []
    for printed, code in sorted(codes.items()):
        if code in ISO_EXPONENTS:
            shift = iso_exponent(code) - gateway_exponent(gateway, code)
            scaled = f"TRY_CAST({integer} AS DECIMAL(36,0)) * {10**shift}" if shift > 0 else integer
            scaled = _exact_division(integer, 10**-shift) if shift < 0 else scaled
            branches.append(f"WHEN {_quoted(printed)} THEN nullif(TRY_CAST({scaled} AS BIGINT), {-LIMIT} - 1)")
    return f"CASE {currency} {' '.join(branches)} END" if branches else "CAST(NULL AS BIGINT)"


def exponent_sql(currency: str) -> str:
    """SQL: how many decimals the currency (SQL, upper case) has by ISO 4217; 2 for one that is not known."""
    odd: dict[int, list[str]] = {}
    for code, exponent in ISO_EXPONENTS.items():
        if exponent != 2:
            odd.setdefault(exponent, []).append(repr(code))
    branches = " ".join(f"WHEN {currency} IN ({', '.join(codes)}) THEN {e}" for e, codes in sorted(odd.items()))
    return f"(CASE {branches} ELSE 2 END)"


def why_not(text: str, currency: str | None, *, comma: bool = False) -> tuple[str, str]:
    """What is wrong with a printed amount, and what would be accepted."""
    written = text.strip().replace(",", ".") if comma else text.strip()
    decimals = ISO_EXPONENTS.get((currency or "").strip().upper())
    if _SCIENTIFIC.fullmatch(written):
        return "amount in scientific notation", ACCEPTED
    if not comma and "," in written and re.fullmatch(r"[+-]?[0-9.,]+", written):
        return "thousands separator or mixed decimal separators in the amount", f"{ACCEPTED}, one separator in the file"
    if not _ANY_NUMBER.fullmatch(written):
        return "text where an amount belongs", ACCEPTED
    if decimals is None:
        return "amount without a known currency", "an ISO 4217 code in the currency column"
    if len(written.partition(".")[2].rstrip("0")) > decimals:
        return f"more decimals than {(currency or '').upper()} has", f"at most {decimals} decimals"
    if abs(int(Decimal(written).scaleb(decimals))) > LIMIT:
        return "amount beyond 64 bits of minor units", f"at most {LIMIT} minor units"
    return "amount cannot be read", ACCEPTED


def _scaled(text: str, decimals: int) -> str:
    plain = rf"[+-]?[0-9]*\.[0-9]{{{decimals}}}" if decimals else "[+-]?[0-9]+"
    digits = f"replace({text}, '.', '')" if decimals else text
    wide = f"TRY_CAST({text} AS DECIMAL({19 + 2 * decimals},{decimals})) * {10**decimals}"
    # Nearly all amounts are printed with all their decimals; the others take the longer way. The one value whose
    # negation does not fit is not accepted, so that a sign can always be turned.
    return (
        f"nullif(CASE WHEN regexp_full_match({text}, '{plain}') THEN TRY_CAST({digits} AS BIGINT) WHEN "
        f"regexp_full_match({text}, '{number_pattern(decimals)}') THEN TRY_CAST({wide} AS BIGINT) END, {-LIMIT} - 1)"
    )


def _exact_division(integer: str, by: int) -> str:
    return f"CASE WHEN ({integer}) % {by} = 0 THEN ({integer}) // {by} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
