"""Amounts: integers of a currency's minor units (ISO 4217), never a float."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.schemas.currency import gateway_exponent, iso_exponent

MAX_AMOUNT_MINOR = 10**15
"""More than any payment and far below 2^53, so that every JSON reader keeps it exact."""


class UnrepresentableAmount(ValueError):
    """The gateway's API cannot say this amount of this currency."""


@dataclass(frozen=True, slots=True)
class Money:
    """A positive number of minor units of an upper-case ISO 4217 currency.

    Raises ValueError for zero, negative or too large amounts and for what is no int, UnknownCurrency (a ValueError)
    for an unknown code.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int or not 0 < self.amount_minor <= MAX_AMOUNT_MINOR:
            raise ValueError(f"an amount is a whole number of minor units from 1 to {MAX_AMOUNT_MINOR}")
        iso_exponent(self.currency)


_LAST_ZERO = {("stripe", currency): 10 for currency in ("BHD", "JOD", "KWD", "OMR", "TND")} | {
    ("stripe", "ISK"): 100, ("stripe", "UGX"): 100}
"""The gateway's integers of these must be multiples."""


def to_gateway(money: Money, gateway: str) -> int:
    """`money` as the integer of the gateway's API. Raises UnrepresentableAmount where it has none."""
    shift = gateway_exponent(gateway, money.currency) - iso_exponent(money.currency)
    scale = int(10 ** abs(shift))
    value, rest = (money.amount_minor * scale, 0) if shift >= 0 else divmod(money.amount_minor, scale)
    multiple = _LAST_ZERO.get((gateway, money.currency), 1)
    if rest or value % multiple:
        raise UnrepresentableAmount(
            f"{gateway} cannot take {money.amount_minor} minor units of {money.currency}: the last digits must be zero")
    return value


def from_gateway(value: int, currency: str, gateway: str) -> int:
    """Minor units of the ledger for an integer (any sign) of the gateway's API. Raises UnrepresentableAmount."""
    shift = iso_exponent(currency) - gateway_exponent(gateway, currency)
    if shift >= 0:
        return value * int(10**shift)
    amount, rest = divmod(value, int(10**-shift))
    if rest:
        raise UnrepresentableAmount(f"{value} of {gateway}'s {currency} is no whole number of the ledger's minor units")
    return amount
