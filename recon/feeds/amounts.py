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
NUMBER = r" *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+) *"
"""Pattern (RE2) of a plain decimal number, blanks around it apart."""
_ANY_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_SCIENTIFIC = re.compile(r"[+-]?[0-9.,]+[eE][+-]?[0-9]+")


def decimals_sql(currency: str, codes: Mapping[str, str], *, blanks: bool) -> str:
    """SQL: decimals of the printed `currency` (SQL); NULL where it is not known. A plain number if all rows agree.

    `codes` maps what is printed in the column to upper-case codes, `blanks` tells whether some rows have none.
    """
    by_exponent: dict[int, list[str]] = {}
    for printed, code in sorted(codes.items()):
        if code in ISO_EXPONENTS:
            by_exponent.setdefault(iso_exponent(code), []).append(_quoted(printed))
    if len(by_exponent) == 1 and not blanks and all(code in ISO_EXPONENTS for code in codes.values()):
        return str(next(iter(by_exponent)))
    branches = [f"WHEN {currency} IN ({', '.join(printed)}) THEN {e}" for e, printed in sorted(by_exponent.items())]
    return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS INTEGER)"


def power_sql(decimals: str) -> str:
    """SQL: ten to the power of `decimals` (SQL)."""
    if decimals.isdigit():
        return str(10 ** int(decimals))
    return f"CASE {decimals} {' '.join(f'WHEN {e} THEN {10**e}' for e in range(5))} END"


def minor_sql(text: str, decimals: str, power: str) -> str:
    """SQL: number `text` in major units as BIGINT minor units; NULL where it cannot be read, is finer, or too large.

    `decimals` and `power` are SQL of the currency's decimals and of ten to their power.
    """
    printed = f"CASE strpos({text}, '.') WHEN 0 THEN 0 ELSE length({text}) - strpos({text}, '.') END"
    digits = f"TRY_CAST(replace({text}, '.', '') AS BIGINT)"
    needed = f"length(rtrim(split_part(trim({text}), '.', 2), '0'))"
    wide = f"TRY_CAST(TRY_CAST({text} AS DECIMAL(27,4)) * {power} AS BIGINT)"
    # Nearly all amounts are printed with all their decimals; the others take the longer way. The one value whose
    # negation does not fit is not accepted, so that a sign can always be turned.
    return (
        f"nullif(CASE WHEN regexp_full_match({text}, '{NUMBER}') THEN CASE WHEN {printed} = {decimals} THEN {digits} "
        f"WHEN {needed} <= {decimals} THEN {wide} END END, {-LIMIT} - 1)"
    )


def api_minor_sql(text: str, currency: str, codes: Mapping[str, str], gateway: str) -> str:
    """SQL: an integer in the gateway's API units as BIGINT ISO minor units; NULL where that is not exact.

    `currency` and `codes` as in decimals_sql.
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


def _exact_division(integer: str, by: int) -> str:
    return f"CASE WHEN ({integer}) % {by} = 0 THEN ({integer}) // {by} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
