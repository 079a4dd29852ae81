"""Refunds, chargebacks and their reversals follow the same order with classes of their own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pairs, rows, run, said

LATER = DAY + timedelta(hours=15)


@pytest.fixture
def lake() -> LakeBuilder:
    """A payment of 10.00 EUR that was captured and settled."""
    found = LakeBuilder()
    found.pair(1, 1000)
    return found


@pytest.mark.parametrize(
    ("step", "kind", "missing_at_gateway", "missing_in_ledger", "mismatch"),
    [
        ("REFUND", "refund", "refund_missing_at_gateway", "refund_missing_in_ledger", "refund_amount_mismatch"),
        ("REFUND_REVERSAL", "refund_failure", "refund_missing_at_gateway", "refund_failed", "refund_amount_mismatch"),
        (
            "CHARGEBACK",
            "chargeback",
            "chargeback_missing_at_gateway",
            "chargeback_unposted",
            "chargeback_amount_mismatch",
        ),
        (
            "CHARGEBACK_REVERSAL",
            "chargeback_reversal",
            "chargeback_missing_at_gateway",
            "chargeback_reversal_unposted",
            "chargeback_amount_mismatch",
        ),
    ],
)
def test_each_kind_has_its_classes(
    tmp_path: Path, step: str, kind: str, missing_at_gateway: str, missing_in_ledger: str, mismatch: str
) -> None:
    sign = -1 if step in ("REFUND", "CHARGEBACK") else 1
    ours = LakeBuilder()
    ours.pair(1, 1000)
    journal = ours.movement(1, 300, step=step, at=LATER)
    assert said(run(ours, tmp_path / "a")) == [(missing_at_gateway, f"movement:{journal}", sign * 300)]

    theirs = LakeBuilder()
    theirs.pair(1, 1000)
    subject = theirs.line("t2", sign * 300, kind=kind, payment_id=1, operation_ref="op_other", at=LATER)
    assert said(run(theirs, tmp_path / "b")) == [(missing_in_ledger, subject, -sign * 300)]

    both = LakeBuilder()
    both.pair(1, 1000)
    journal = both.movement(1, 300, step=step, at=LATER)
    both.line("t2", sign * 250, kind=kind, payment_id=1, operation_ref=f"op_{step}_1_1", at=LATER)
    assert said(run(both, tmp_path / "c")) == [(mismatch, f"movement:{journal}", sign * 50)]


def test_a_refund_paid_back_twice(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 300, step="REFUND", at=LATER)
    lake.line("t2", -300, kind="refund", payment_id=1, operation_ref="op_REFUND_1_1", at=LATER)
    again = lake.line("t3", -300, kind="refund", payment_id=1, operation_ref="re_again", at=LATER)
    assert said(run(lake, tmp_path)) == [("duplicate_refund", again, 300)]


def test_a_further_refund_of_another_amount_is_missing_in_the_ledger(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 300, step="REFUND", at=LATER)
    lake.line("t2", -300, kind="refund", payment_id=1, operation_ref="op_REFUND_1_1", at=LATER)
    other = lake.line("t3", -200, kind="refund", payment_id=1, operation_ref="re_other", at=LATER)
    assert said(run(lake, tmp_path)) == [("refund_missing_in_ledger", other, 200)]


def test_equal_refunds_without_reference_pair_by_count(lake: LakeBuilder, tmp_path: Path) -> None:
    first = lake.movement(1, 300, step="REFUND", at=LATER)
    second = lake.movement(1, 300, step="REFUND", sequence=2, at=LATER + timedelta(hours=1))
    lake.line("t2", -300, kind="refund", payment_id=1, at=LATER + timedelta(seconds=3))
    lake.line("t3", -300, kind="refund", payment_id=1, at=LATER + timedelta(hours=1, seconds=3))
    result = run(lake, tmp_path)
    assert said(result) == []
    assert pairs(result) >= {(first, "t2"), (second, "t3")}


def test_equal_refunds_whose_counts_differ_are_not_guessed(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 300, step="REFUND", at=LATER)
    lake.movement(1, 300, step="REFUND", sequence=2, at=LATER + timedelta(hours=1))
    lake.line("t2", -300, kind="refund", payment_id=1, at=LATER)
    result = run(lake, tmp_path)
    [row] = rows(result)
    assert (row["class"], row["diff_minor"]) == ("ambiguous_match", -300)
    assert len(pairs(result)) == 1, "only the charge is claimed"


def test_a_refund_that_came_back_and_was_reversed(lake: LakeBuilder, tmp_path: Path) -> None:
    for step, kind, sign in (("REFUND", "refund", -1), ("REFUND_REVERSAL", "refund_failure", 1)):
        lake.movement(1, 300, step=step, at=LATER)
        lake.line(f"t_{kind}", sign * 300, kind=kind, payment_id=1, operation_ref=f"op_{step}_1_1", at=LATER)
    assert said(run(lake, tmp_path)) == []
