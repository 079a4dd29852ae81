"""Defects of references: lines that name nobody, or two payments at once."""

from __future__ import annotations

from recon.worlds.clock import DAY
from recon.worlds.frame import STEP
from recon.worlds.later import post
from recon.worlds.lines import fees, restated
from recon.worlds.model import Line, Payment
from recon.worlds.workshop import Workshop, blank, drop, part_of


def suggested_match(shop: Workshop, day: int) -> bool:
    """One line lost its references; its movement stands alone too."""
    p = shop.pick(day, loose=True)
    if p is None:
        return False
    p.defect = "suggested_match"
    blank(p.lines[0])
    return True


def keyless_twins(shop: Workshop, day: int) -> bool:
    """Two sales of the same amount whose lines name nobody."""
    pair = _twins(shop, day)
    if pair is None:
        return False
    for p in pair:
        p.defect = "keyless_twins"
        blank(p.lines[0])
    return True


def keyless_twin_lost(shop: Workshop, day: int) -> bool:
    """Two sales of the same amount, one line that names nobody, the other never written."""
    pair = _twins(shop, day)
    if pair is None:
        return False
    blank(pair[0].lines[0])
    drop(pair[1].lines[0])
    for p in pair:
        p.defect = "keyless_twin_lost"
    return True


def crossed_keys(shop: Workshop, day: int) -> bool:
    """Two lines carry each other's capture reference."""
    first = shop.pick(day, loose=True)
    second = first and shop.pick(day, lambda q: _alike(q, first), loose=True)
    if not (first and second):
        return False
    one, two = first.lines[0], second.lines[0]
    one.operation_ref, two.operation_ref = two.operation_ref, one.operation_ref
    for p in (first, second):
        p.defect = "crossed_keys"
        p.lines[0].tangle = (first.moves[0], second.moves[0])
    return True


def equal_refunds(shop: Workshop, day: int) -> bool:
    """Two equal refunds whose references the ledger never learned; the gateway has one."""
    at = shop.instant(day)
    p = shop.earlier(day, at, lambda p: shop.free(p, at, loose=True))
    if p is None:
        return False
    p.defect = "equal_refunds"
    amount = part_of(p.amount, STEP.get(p.currency, 1), 25)
    for turn in range(2):
        movement = post(p, "REFUND", amount, at + turn * 90_000, shop.rng, shop.history.until, written=turn == 0)
        if movement:
            movement.operation_ref = None
    return True


def _twins(shop: Workshop, day: int) -> tuple[Payment, Payment] | None:
    """Two untouched sales of one account and currency within a day; the second is given the first one's amount."""
    first = shop.pick(day, loose=True)
    second = first and shop.pick(day, lambda q: _alike(q, first), loose=True)
    if not (first and second):
        return None
    second.amount = second.moves[0].amount = first.amount
    _resized(second.lines[0], first.amount, shop)
    return first, second


def _alike(q: Payment, first: Payment) -> bool:
    return (
        q is not first
        and q.account is first.account
        and q.currency == first.currency
        and (abs(q.moves[0].at - first.moves[0].at) < DAY)
    )


def _resized(line: Line, gross: int, shop: Workshop) -> None:
    restated(line, gross)
    line.commission, line.markup, line.scheme, line.interchange = fees(
        line.account, line.kind, line.settled, line.settled_currency, shop.rng
    )
