"""What will be asked for, drawn from a seed: the same seed and number give the same payments, but for their keys."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from infra.local.errors import LocalRefused
from infra.local.traffic.kinds import KINDS, WARM_UP, Kind
from pipeline.schemas.currency import iso_exponent

LIMITED = "merchant_low_limit"
MERCHANTS: dict[str, tuple[str, ...]] = {
    "merchant_a": ("USD", "EUR", "GBP", "JPY", "KWD"),
    "merchant_b": ("USD", "EUR", "GBP", "JPY"),
}
"""Who sells in which currencies."""
_WEIGHTS = {"USD": 8, "EUR": 8, "GBP": 4, "JPY": 3, "KWD": 2}
_LIMITED_UNITS = 900
"""More than the limited merchant may have held of any currency."""
_FULL_WAVES = 2
"""While the first functions are loaded, the later ones are not yet called by all at once."""
ROUTED = {"EUR": "adyen", "GBP": "adyen"}
"""Where a payment goes that names no gateway; the others go to Stripe."""


@dataclass(frozen=True, slots=True)
class Order:
    """One payment to be made. `amount_minor` is in ISO minor units, `gateway` is None where the pipeline may choose,
    `part_minor` is what a capture in part takes. `number` counts from 0, down from -1 to warm up."""

    number: int
    kind: Kind
    merchant: str
    amount_minor: int
    currency: str
    gateway: str | None
    token: str
    part_minor: int

    def reference(self, run: str) -> str:
        """The merchant's own reference, by which the ledger's row is found; its key is made of it as well."""
        return f"{run}-{'w' if self.number < 0 else ''}{abs(self.number):05d}"

    def key(self, run: str, what: str = "pay") -> str:
        """The idempotency key of a request of this order."""
        return f"{self.reference(run)}-{what}"

    def body(self, run: str) -> dict[str, object]:
        """The request as the API takes it."""
        asked: dict[str, object] = {
            "amount_minor": self.amount_minor, "currency": self.currency, "payment_method": self.token,
            "capture": "manual" if self.kind.manual else "automatic", "reference": self.reference(run),
            "metadata": {"kind": self.kind.name} | ({"risk": self.kind.risk} if self.kind.risk else {}),
        }
        return asked | ({"gateway": self.gateway} if self.gateway else {})


def plan(payments: int, seed: int, merchants: Sequence[str] | None = None) -> list[Order]:
    """`payments` orders for those of `merchants` that sell (None: all), in the order in which they come.

    Each kind has its share, the rarest ones only where there are enough payments. Raises LocalRefused where no merchant
    of ours sells or the number is not positive.
    """
    sellers = [name for name in MERCHANTS if merchants is None or name in merchants]
    if not sellers:
        raise LocalRefused(f"none of {', '.join(MERCHANTS)} has an API key here; `pipeline up` gives them keys")
    if payments < 1:
        raise LocalRefused(f"{payments} payments; one or more are accepted")
    rng = random.Random(seed)
    limited = merchants is None or LIMITED in merchants
    kinds = _shared(payments, [kind for kind in KINDS if limited or not kind.limited])
    rng.shuffle(kinds)
    return [_drawn(number, kind, sellers, rng) for number, kind in enumerate(kinds)]


def early_doubts(orders: Sequence[Order], seed: int) -> list[Order]:
    """The same orders, none of those whose answer may get lost among the last third: a lease ends only with time."""
    rng = random.Random(f"doubts {seed}")
    calm = [order for order in orders if not order.kind.doubtful]
    early = len(orders) * 2 // 3
    places = sorted(rng.randrange(early) for order in orders if order.kind.doubtful) if early else []
    found, doubtful = list(calm), [order for order in orders if order.kind.doubtful]
    for place, order in zip(places, doubtful, strict=False):
        found.insert(place, order)
    return found + doubtful[len(places):]


def warm_up(concurrency: int, seed: int, merchants: Sequence[str] | None = None) -> list[list[Order]]:
    """Waves of plain payments, each twice as large as the one before, up to `concurrency` at once, more than once.

    Their numbers are negative. What is loaded for the first time is so loaded by few at a time.
    """
    sellers = [name for name in MERCHANTS if merchants is None or name in merchants]
    rng = random.Random(f"warm-up {seed}")
    sizes = [1]
    while sizes[-1] < concurrency:
        sizes.append(min(sizes[-1] * 2, concurrency))
    numbers = iter(range(-1, -1_000_000, -1))
    sizes += [concurrency] * _FULL_WAVES
    return [[_drawn(next(numbers), WARM_UP, sellers, rng) for _ in range(size)] for size in sizes]


def _shared(payments: int, kinds: Sequence[Kind]) -> list[Kind]:
    """`payments` kinds by their shares, rounded so that those come first whose share is cut most."""
    total = sum(kind.share for kind in kinds)
    counts = {kind.name: payments * kind.share // total for kind in kinds}
    left = payments - sum(counts.values())
    by_rest = sorted(kinds, key=lambda kind: (-(payments * kind.share % total), kind.name))
    for kind in by_rest[:left]:
        counts[kind.name] += 1
    return [kind for kind in kinds for _ in range(counts[kind.name])]


def _drawn(number: int, kind: Kind, sellers: Sequence[str], rng: random.Random) -> Order:
    merchant = rng.choice(sellers)
    currencies = [currency for currency in MERCHANTS[merchant] if currency in _WEIGHTS]
    currency = rng.choices(currencies, [_WEIGHTS[currency] for currency in currencies])[0]
    gateway: str | None = rng.choice(kind.gateways)
    if len(kind.gateways) > 1 and rng.random() < 0.4:
        gateway = None
    amount = _amount(currency, rng)
    order = Order(number, kind, merchant, amount, currency, gateway, rng.choice(kind.tokens), _part(amount, rng))
    if kind.limited:
        currency = rng.choice(["EUR", "USD"])
        amount = _LIMITED_UNITS * _unit(currency) + rng.randrange(_unit(currency))
        return replace(order, merchant=LIMITED, currency=currency, amount_minor=amount, part_minor=_part(amount, rng))
    return order


def _amount(currency: str, rng: random.Random) -> int:
    """A basket of 2 to 600 units; currencies of three decimals end in a zero, as Stripe wants them."""
    unit, units = _unit(currency), 150 if currency == "JPY" else 1
    amount = rng.randrange(2 * unit * units, 600 * unit * units)
    return amount - amount % 10 if iso_exponent(currency) == 3 else amount


def _part(amount: int, rng: random.Random) -> int:
    part = amount * rng.randrange(20, 90) // 100
    return max(part - part % 10, 10)


def _unit(currency: str) -> int:
    return int(10 ** iso_exponent(currency))


def gateway_of(order: Order) -> str:
    """The gateway that takes the order."""
    return order.gateway or ROUTED.get(order.currency, "stripe")


def counts(orders: Sequence[Order]) -> Mapping[str, int]:
    """How many orders there are of each kind, in the order of the kinds."""
    found = {kind.name: 0 for kind in KINDS}
    for order in orders:
        found[order.kind.name] += 1
    return {name: count for name, count in found.items() if count}
