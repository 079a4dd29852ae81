"""Defects of captures: lost, doubled, cut, or counted differently. `day` is where the divergence must show."""

from __future__ import annotations

from recon.worlds.clock import DAY, HOUR, MINUTE, SECOND
from recon.worlds.frame import STEP
from recon.worlds.lines import line_at, reference, restated
from recon.worlds.model import Movement, Payment
from recon.worlds.workshop import Workshop, drop, part_of, unpost

HELD_TYPES = {"stripe": "network_token_adjustment", "adyen": "SettledProvisional"}
_ODD = {"JPY": (100, 1), "KWD": (1, 10)}
"""Scale errors as (times, divided by): yen counted in hundredths, fils with a digit too few."""


def missing_at_gateway(shop: Workshop, day: int) -> bool:
    """The gateway never wrote the line of a capture."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect = "missing_at_gateway"
    drop(p.lines[0])
    return True


def missing_in_ledger(shop: Workshop, day: int) -> bool:
    """The coordinator died: captured at the gateway, never posted, and the hold never released."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect, p.path = "missing_in_ledger", "stuck"
    unpost(p.moves[0])
    return True


def captured_but_voided(shop: Workshop, day: int) -> bool:
    """The ledger voided what the gateway captured."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect, p.path = "captured_but_voided", "voided"
    unpost(p.moves[0])
    return True


def amount_mismatch(shop: Workshop, day: int) -> bool:
    """The gateway captured another amount than the ledger."""
    p = shop.pick(day, lambda p: p.amount > 20 * STEP.get(p.currency, 1))
    if p is None:
        return False
    p.defect = "amount_mismatch"
    delta = part_of(p.amount, STEP.get(p.currency, 1), 3) * shop.rng.choice((-1, 1))
    restated(p.lines[0], p.amount + delta)
    return True


def currency_mismatch(shop: Workshop, day: int) -> bool:
    """The gateway charged the same digits in another currency."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect = "currency_mismatch"
    line, account = p.lines[0], p.account
    other = shop.rng.choice([code for code, _ in account.sells if code != p.currency])
    step = STEP.get(other, 1)
    drop(line)
    line_at(p, p.moves[0], shop.rng, "charge", max(step, p.amount // step * step), other, p.moves[0].at, p.capture_ref)
    return True


def scale_error(shop: Workshop, day: int) -> bool:
    """A currency without two decimals was counted with the wrong number of them."""
    p = shop.pick(day, lambda p: p.currency in _ODD)
    if p is None:
        return False
    p.defect = "scale_error"
    times, divided = _ODD[p.currency]
    restated(p.lines[0], p.amount * times // divided)
    return True


def duplicate_capture(shop: Workshop, day: int) -> bool:
    """The gateway captured a second time."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect = "duplicate_capture"
    again = line_at(
        p,
        None,
        shop.rng,
        "charge",
        p.amount,
        p.currency,
        p.moves[0].at + shop.rng.randrange(MINUTE, HOUR),
        reference(shop.rng, p.account.gateway, "ch_"),
    )
    if p.account.gateway == "stripe":
        again.charge_ref = again.operation_ref
    return True


def partial_capture(shop: Workshop, day: int) -> bool:
    """Stripe wrote the full charge and took the uncaptured part back; the ledger captured everything."""
    p = shop.pick(day, lambda p: p.account.gateway == "stripe" and p.amount > 20 * STEP.get(p.currency, 1))
    if p is None:
        return False
    p.defect = "partial_capture"
    line_at(
        p,
        p.moves[0],
        shop.rng,
        "partial_capture_reversal",
        -part_of(p.amount, STEP.get(p.currency, 1), 30),
        p.currency,
        p.moves[0].at,
        reference(shop.rng, "stripe", "re_"),
    )
    return True


def partial_capture_reported(shop: Workshop, day: int) -> bool:
    """Adyen settled a part of what its accounting report says it authorised; the ledger captured everything."""
    p = shop.pick(day, lambda p: p.account.status is not None and p.amount > 20 * STEP.get(p.currency, 1))
    if p is None:
        return False
    p.defect = "partial_capture_reported"
    restated(p.lines[0], p.amount - part_of(p.amount, STEP.get(p.currency, 1), 35))
    return True


def capture_failed_at_gateway(shop: Workshop, day: int) -> bool:
    """Days later the gateway took the capture back; the ledger never heard."""
    later = shop.rng.randrange(DAY, 3 * DAY)
    p = shop.pick(day)
    if p is None or not shop.free(p, p.moves[0].at + later):
        return False
    p.defect = "capture_failed_at_gateway"
    stripe = p.account.gateway == "stripe"
    line_at(
        p,
        p.moves[0],
        shop.rng,
        "charge_failure",
        -p.amount,
        p.currency,
        p.moves[0].at + later,
        reference(shop.rng, "stripe", "re_") if stripe else p.capture_ref,
    )
    return True


def held_type(shop: Workshop, day: int) -> bool:
    """The row of a capture has a type that nobody has seen before."""
    p = shop.pick(day)
    if p is None:
        return False
    p.defect = "held_type"
    p.lines[0].kind, p.lines[0].raw_type = "held", HELD_TYPES[p.account.gateway]
    return True


def double_posting(shop: Workshop, day: int) -> bool:
    """The capture was posted twice."""
    return _posted_twice(shop, shop.pick(day))


def double_posting_within(shop: Workshop, begins: int, ends: int) -> bool:
    """The same, with the second posting between two instants of one hour."""
    at = ends - 2 * MINUTE
    return _posted_twice(shop, shop.pick(shop.day_of(begins), lambda p: begins <= p.moves[0].at < at))


def _posted_twice(shop: Workshop, p: Payment | None) -> bool:
    if p is None:
        return False
    p.defect = "double_posting"
    first = p.moves[0]
    p.moves.append(
        Movement(
            p,
            "CAPTURE",
            2,
            first.amount,
            first.at + shop.rng.randrange(SECOND, 2 * MINUTE),
            first.operation_ref,
            repeats=True,
        )
    )
    return True
