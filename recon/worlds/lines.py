"""What a gateway writes of an operation: one settlement line, with rates and fees."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal

from pipeline.schemas.currency import iso_exponent
from recon.worlds.clock import SECOND
from recon.worlds.frame import DISPUTE_FEE, FIXED_FEE, RATES, Account
from recon.worlds.model import Line, Movement, Payment

RAW_TYPES = {
    "stripe": {
        "charge": "charge",
        "charge_failure": "charge_failure",
        "refund": "refund",
        "refund_failure": "refund_failure",
        "chargeback": "dispute",
        "chargeback_reversal": "dispute_reversal",
        "partial_capture_reversal": "partial_capture_reversal",
    },
    "adyen": {
        "charge": "Settled",
        "charge_failure": "CaptureFailed",
        "refund": "Refunded",
        "refund_failure": "RefundedReversed",
        "chargeback": "Chargeback",
        "chargeback_reversal": "ChargebackReversed",
    },
}
_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UPPER = _ALNUM[:36]


def token(rng: random.Random, gateway: str) -> str:
    """A fresh reference: 24 letters at Stripe (without prefix), 16 upper-case letters at Adyen."""
    return "".join(rng.choices(_ALNUM, k=24) if gateway == "stripe" else rng.choices(_UPPER, k=16))


def reference(rng: random.Random, gateway: str, prefix: str) -> str:
    """A fresh operation reference; `prefix` is Stripe's (`re_`, `dp_`, ...)."""
    return prefix + token(rng, gateway) if gateway == "stripe" else token(rng, gateway)


def line_of(movement: Movement, rng: random.Random, kind: str, *, operation_ref: str | None = None) -> Line:
    """The line that the gateway writes of the operation behind `movement`, within seconds of it."""
    ref = movement.operation_ref if operation_ref is None else operation_ref
    line = line_at(
        movement.payment,
        movement,
        rng,
        kind,
        movement.signed,
        movement.currency,
        movement.at,
        ref or reference(rng, movement.account.gateway, "re_"),
    )
    return line


def line_at(
    payment: Payment,
    movement: Movement | None,
    rng: random.Random,
    kind: str,
    gross: int,
    currency: str,
    at: int,
    operation_ref: str,
) -> Line:
    """A line of `kind` with signed `gross`, printed within seconds of `at`; attached to payment and movement."""
    account = payment.account
    settled_currency = account.settlement_currency(currency)
    rate = Decimal(1) if settled_currency == currency else _rate(rng, currency, settled_currency)
    settled = exchanged(gross, currency, rate, settled_currency)
    commission, markup, scheme, interchange = fees(account, kind, settled, settled_currency, rng)
    by_stripe = account.gateway == "stripe"
    line = Line(
        account,
        payment,
        movement,
        kind,
        RAW_TYPES[account.gateway][kind],
        gross,
        currency,
        settled,
        settled_currency,
        rate,
        commission,
        markup,
        scheme,
        interchange,
        (at + rng.randint(-2_500, 4_000)) // SECOND * SECOND,
        operation_ref,
        payment.gateway_ref,
        payment.capture_ref if by_stripe else "",
        "" if account.layout == "activity" else str(payment.id),
        token(rng, "stripe") if by_stripe else "",
    )
    payment.lines.append(line)
    if movement is not None:
        movement.lines.append(line)
    return line


def restated(line: Line, gross: int) -> None:
    """Change what the gateway says the customer was charged; the settled amount follows, the fees stay."""
    line.gross = gross
    line.settled = exchanged(gross, line.currency, line.rate, line.settled_currency)


def exchanged(amount: int, currency: str, rate: Decimal, into: str) -> int:
    """`amount` minor units of `currency` in minor units of `into`, half up."""
    if currency == into:
        return amount
    value = Decimal(amount).scaleb(iso_exponent(into) - iso_exponent(currency)) * rate
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def fees(account: Account, kind: str, settled: int, currency: str, rng: random.Random) -> tuple[int, int, int, int]:
    """(commission, markup, scheme, interchange) of a line. Stripe has one fee, kept as commission."""
    size = abs(settled)
    if kind == "chargeback":
        return DISPUTE_FEE[currency], 0, 0, 0
    if kind == "refund" and account.gateway == "adyen":
        return (0, -8, 20)[rng.randrange(3)], 0, 0, 0
    if kind != "charge":
        return 0, 0, 0, 0
    if account.gateway == "stripe":
        return share(size, 290) + FIXED_FEE[currency], 0, 0, 0
    if rng.random() < 0.4:
        return share(size, 110) + 10, 0, 0, 0
    return 0, share(size, 35) + 2, share(size, 9), share(size, 30)


def share(amount: int, bps: int) -> int:
    """`bps` hundredths of a percent of a non-negative amount, half up."""
    return (amount * bps + 5_000) // 10_000


def _rate(rng: random.Random, base: str, quote: str) -> Decimal:
    middle = RATES[base, quote]
    return (middle * (10_000 + rng.randint(-60, 60))).scaleb(-4).quantize(Decimal("1.0000000000"), ROUND_HALF_UP)
