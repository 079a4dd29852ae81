"""Defects of refunds and disputes. `day` is where the divergence must show."""

from __future__ import annotations

from recon.worlds.clock import HOUR, MINUTE
from recon.worlds.frame import STEP
from recon.worlds.later import fresh_reference, post
from recon.worlds.lines import line_at, restated
from recon.worlds.model import Movement, Payment
from recon.worlds.workshop import Workshop, part_of


def refund_missing_at_gateway(shop: Workshop, day: int) -> bool:
    """The ledger refunded, the gateway did not."""
    return _posted(shop, day, "REFUND", "refund_missing_at_gateway", written=False) is not None


def chargeback_missing_at_gateway(shop: Workshop, day: int) -> bool:
    """The ledger booked a chargeback that the gateway's reports do not have."""
    return _posted(shop, day, "CHARGEBACK", "chargeback_missing_at_gateway", written=False) is not None


def refund_amount_mismatch(shop: Workshop, day: int) -> bool:
    """The gateway gave back less than the ledger says."""
    return _miscounted(shop, day, "REFUND", "refund_amount_mismatch")


def chargeback_amount_mismatch(shop: Workshop, day: int) -> bool:
    """The gateway took back another amount than the ledger says."""
    return _miscounted(shop, day, "CHARGEBACK", "chargeback_amount_mismatch")


def refund_missing_in_ledger(shop: Workshop, day: int) -> bool:
    """Somebody refunded in the gateway's own back office."""
    return _unposted(shop, day, "REFUND", "refund", "refund_missing_in_ledger") is not None


def chargeback_unposted(shop: Workshop, day: int) -> bool:
    """The chargeback's webhook was lost."""
    return _unposted(shop, day, "CHARGEBACK", "chargeback", "chargeback_unposted") is not None


def duplicate_refund(shop: Workshop, day: int) -> bool:
    """The gateway refunded a second time."""
    movement = _posted(shop, day, "REFUND", "duplicate_refund")
    if movement is None:
        return False
    p = movement.payment
    line_at(
        p,
        None,
        shop.rng,
        "refund",
        movement.signed,
        p.currency,
        movement.at + shop.rng.randrange(MINUTE, 2 * HOUR),
        fresh_reference(p, "REFUND", shop.rng),
    )
    return True


def refund_failed(shop: Workshop, day: int) -> bool:
    """A refund bounced; the gateway gave the money back and the ledger does not know."""
    movement = _posted(shop, day, "REFUND", "refund_failed")
    if movement is None or movement.operation_ref is None:
        return False
    p = movement.payment
    line_at(
        p,
        None,
        shop.rng,
        "refund_failure",
        -movement.signed,
        p.currency,
        movement.at + shop.rng.randrange(MINUTE, 2 * HOUR),
        movement.operation_ref,
    )
    return True


def chargeback_reversal_unposted(shop: Workshop, day: int) -> bool:
    """A dispute was won; the ledger does not know."""
    movement = _posted(shop, day, "CHARGEBACK", "chargeback_reversal_unposted")
    if movement is None or movement.operation_ref is None:
        return False
    p = movement.payment
    line_at(
        p,
        None,
        shop.rng,
        "chargeback_reversal",
        p.amount,
        p.currency,
        movement.at + shop.rng.randrange(MINUTE, 2 * HOUR),
        movement.operation_ref,
    )
    return True


def _found(shop: Workshop, day: int) -> tuple[Payment, int] | None:
    at = shop.instant(day)
    p = shop.earlier(day, at, lambda p: p.amount > 20 * STEP.get(p.currency, 1))
    return (p, at) if p else None


def _posted(shop: Workshop, day: int, step: str, defect: str, *, written: bool = True) -> Movement | None:
    """A new movement of `step` on an untouched payment: refunds in part, chargebacks in full."""
    found = _found(shop, day)
    if found is None:
        return None
    p, at = found
    p.defect = defect
    return post(p, step, _size(p, step), at, shop.rng, shop.history.until, written=written)


def _unposted(shop: Workshop, day: int, step: str, kind: str, defect: str) -> Payment | None:
    """A new line of `kind` that the ledger knows nothing of."""
    found = _found(shop, day)
    if found is None:
        return None
    p, at = found
    p.defect = defect
    line_at(p, None, shop.rng, kind, -_size(p, step), p.currency, at, fresh_reference(p, step, shop.rng))
    return p


def _miscounted(shop: Workshop, day: int, step: str, defect: str) -> bool:
    movement = _posted(shop, day, step, defect)
    if movement is None:
        return False
    line = movement.lines[0]
    restated(line, line.gross + part_of(movement.amount, STEP.get(movement.currency, 1), 7))
    return True


def _size(p: Payment, step: str) -> int:
    return part_of(p.amount, STEP.get(p.currency, 1), 40) if step == "REFUND" else p.amount
