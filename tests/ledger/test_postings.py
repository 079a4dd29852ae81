"""What each step posts: balanced, as the contract's table says, and as the worlds that reconciliation is tested on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Misused
from pipeline.ledger.plan import opened
from pipeline.ledger.port import Payment, Posting
from pipeline.ledger.postings import NEED_POSITION, Position, entries_of
from recon.worlds.frame import MERCHANTS
from recon.worlds.journals import ACCOUNT_NAMES, STEPS, journals_of
from recon.worlds.journals import entries_of as world_entries
from recon.worlds.planting import defective_history
from tests.ledger.harness import LEASE, at, new_payment

PAYMENT = opened(new_payment(1, "m1", currency="KWD"), execution="e", at=at(), lease_until=at() + LEASE)
Side = tuple[str, str, int]


def sides(step: str, amount: int, position: Position = Position(), fee: int = 0,  # noqa: B008
          payment: Payment = PAYMENT) -> list[Side]:
    """(direction, account, amount) of the entries."""
    entries, _ = entries_of(Posting(step, 1, amount, fee_minor=fee), payment, position)
    return [(entry.direction, entry.account, entry.amount_minor) for entry in entries]


@pytest.mark.parametrize(("step", "position", "expected"), [
    ("RESERVE", Position(), "D authorization_hold:m1 9, C authorization_contra:m1 9"),
    ("RELEASE", Position(9), "D authorization_contra:m1 9, C authorization_hold:m1 9"),
    ("CAPTURE", Position(9), "D authorization_contra:m1 9, C authorization_hold:m1 9, D gateway_clearing:stripe 9, "
                             "C merchant_pending:m1 9"),
    ("CAPTURE", Position(20), "D authorization_contra:m1 20, C authorization_hold:m1 20, D gateway_clearing:stripe 9, "
                              "C merchant_pending:m1 9"),
    ("CAPTURE", Position(0), "D gateway_clearing:stripe 9, C merchant_pending:m1 9"),
    ("CAPTURE_REVERSAL", Position(), "D merchant_pending:m1 9, C gateway_clearing:stripe 9"),
    ("CAPTURE_REVERSAL", Position(0, True), "D merchant_payable:m1 9, C gateway_clearing:stripe 9"),
    ("REFUND", Position(0, True), "D merchant_payable:m1 9, C gateway_clearing:stripe 9"),
    ("REFUND_REVERSAL", Position(0, True), "D gateway_clearing:stripe 9, C merchant_payable:m1 9"),
    ("CHARGEBACK", Position(0, True), "D merchant_payable:m1 9, C gateway_clearing:stripe 9"),
    ("CHARGEBACK_REVERSAL", Position(0, True), "D gateway_clearing:stripe 9, C merchant_payable:m1 9"),
])
def test_each_step_posts_what_the_table_says(step: str, position: Position, expected: str) -> None:
    assert ", ".join(f"{side} {account} {amount}" for side, account, amount in sides(step, 9, position)) == expected


@pytest.mark.parametrize(("fee", "expected"), [
    (0, [("D", "merchant_pending:m1", 9), ("C", "merchant_payable:m1", 9)]),
    (2, [("D", "merchant_pending:m1", 9), ("C", "merchant_payable:m1", 7), ("C", "platform_fee", 2)]),
    (9, [("D", "merchant_pending:m1", 9), ("C", "platform_fee", 9)]),
    (50, [("D", "merchant_pending:m1", 9), ("C", "platform_fee", 9)]),
])
def test_the_platform_fee_is_no_more_than_the_amount(fee: int, expected: list[Side]) -> None:
    assert sides("COMMIT", 9, fee=fee) == expected


@given(st.sampled_from(STEPS), st.integers(1, 10**15), st.integers(0, 10**15), st.integers(0, 10**15), st.booleans())
@pytest.mark.property(51, 60)
def test_every_journal_balances_with_positive_entries(step: str, amount: int, held: int, fee: int, done: bool) -> None:
    if step == "RELEASE":
        held = max(held, amount)
    entries, after = entries_of(Posting(step, 1, amount, fee_minor=fee), PAYMENT, Position(held, done))
    assert sum(e.amount_minor if e.direction == "D" else -e.amount_minor for e in entries) == 0
    assert all(type(e.amount_minor) is int and e.amount_minor > 0 and e.currency == "KWD" for e in entries)
    assert len({(e.account, e.direction) for e in entries}) == len(entries) > 1
    holds = sum((e.amount_minor if e.direction == "D" else -e.amount_minor)
                for e in entries if e.account.startswith("authorization_hold"))
    assert after.held_minor == held + holds >= 0
    if step not in NEED_POSITION:
        assert entries == entries_of(Posting(step, 1, amount, fee_minor=fee), PAYMENT, Position())[0]


@pytest.mark.parametrize(("posting", "position"), [
    (Posting("SETTLE", 1, 9), Position()), (Posting("reserve", 1, 9), Position()),
    (Posting("RESERVE", 1, 0), Position()),
    (Posting("RESERVE", 1, -1), Position()), (Posting("RESERVE", 1, 1.0), Position()),  # type: ignore[arg-type]
    (Posting("RELEASE", 1, 10), Position(9)), (Posting("COMMIT", 1, 9, fee_minor=-1), Position())])
@pytest.mark.property(60)
def test_what_cannot_be_posted_is_refused(posting: Posting, position: Position) -> None:
    with pytest.raises(Misused):
        entries_of(posting, PAYMENT, position)


def _journals_of_a_world() -> Iterator[tuple[Payment, Posting, list[Side]]]:
    """Every journal of a world in order of time, as a posting to make and the sides that the world gave it."""
    history = defective_history(1, 2_000, 45)
    rng = np.random.default_rng(1)
    journals = journals_of(history, rng)
    entries = world_entries(history, journals, rng)
    found: dict[int, list[Side]] = defaultdict(list)
    for journal, account, debit, amount in zip(entries.journal, entries.account, entries.debit, entries.amount,
                                               strict=True):
        found[int(journal)].append(("D" if debit else "C", ACCOUNT_NAMES[account], int(amount)))
    for place in range(len(journals.payment)):
        sold = history.payments[journals.payment[place]]
        payment = replace(PAYMENT, payment_id=sold.id, merchant_id=MERCHANTS[sold.merchant], currency=sold.currency,
                          gateway=sold.account.gateway, amount_minor=sold.amount)
        yield payment, Posting(STEPS[journals.step[place]], int(journals.sequence[place]), int(journals.amount[place]),
                               fee_minor=int(journals.fee[place])), found[place]


def test_a_world_posts_the_same_entries_in_the_same_order() -> None:
    positions: dict[int, Position] = defaultdict(Position)
    compared = set()
    for payment, posting, expected in _journals_of_a_world():
        entries, positions[payment.payment_id] = entries_of(posting, payment, positions[payment.payment_id])
        assert [(e.direction, e.account, e.amount_minor) for e in entries] == expected, posting
        compared.add(posting.step)
    assert compared == set(STEPS)
