"""Rules 0 to 10 of the decision table for captures, each shown by the smallest lake that has it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pairs, pending, rows, run, said

NOON = DAY + timedelta(hours=12)


@pytest.fixture
def lake() -> LakeBuilder:
    return LakeBuilder()


def test_a_pair_that_agrees_is_a_match_and_nothing_else(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.pair(1, 1000)
    result = run(lake, tmp_path)
    assert said(result) == []
    assert pairs(result) == {(journal, "txn_CAPTURE_1")}
    assert result.matches["rule"].to_pylist() == ["operation_ref"]
    assert result.status == "ok"


@pytest.mark.parametrize("key", ["gateway_ref", "payment_ref"])
def test_a_later_key_matches_where_the_earlier_ones_are_absent(lake: LakeBuilder, tmp_path: Path, key: str) -> None:
    journal = lake.movement(1, 1000)
    lake.line(
        "t1",
        1000,
        gateway_ref="pi_1" if key == "gateway_ref" else None,
        payment_ref="1" if key == "payment_ref" else None,
    )
    result = run(lake, tmp_path)
    assert pairs(result) == {(journal, "t1")}
    assert result.matches["rule"].to_pylist() == [key]
    assert said(result) == []


def test_the_later_sequence_of_one_operation_is_double_posting(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.pair(1, 1000)
    second = lake.movement(1, 1000, operation_ref="op_CAPTURE_1_1", sequence=2, at=NOON)
    assert said(run(lake, tmp_path)) == [("double_posting", f"movement:{second}", 1000)]


def test_what_is_not_due_waits(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 1000)
    result = run(lake, tmp_path, window="hourly", as_of=(DAY + timedelta(hours=11)).isoformat())
    assert said(result) == []
    assert pending(result) == 1000


@pytest.mark.property(76)
def test_what_is_due_without_its_file_waits_and_the_feed_is_late(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.movement(1, 1000)
    result = run(lake, tmp_path)
    assert said(result) == [("feed_late", "feed:stripe:acct_1:payout_reconciliation:2026-03-10T00:00:00Z", 0)]
    assert pending(result) == 1000
    assert result.status == "waiting"


def test_nothing_is_missing_on_account_of_an_incomplete_file(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("cut", DAY, DAY + timedelta(days=1), status="incomplete")
    lake.movement(1, 1000)
    result = run(lake, tmp_path)
    assert [row[0] for row in said(result)] == ["feed_incomplete"]
    assert pending(result) == 1000


def test_keys_that_disagree_are_never_a_match(lake: LakeBuilder, tmp_path: Path) -> None:
    """Two equal payments whose references are crossed: one group, all four in it, difference nought."""
    one, two = lake.movement(1, 1000), lake.movement(2, 1000)
    lake.line("t1", 1000, operation_ref="op_CAPTURE_1_1", gateway_ref="pi_2", payment_ref="2")
    lake.line("t2", 1000, operation_ref="op_CAPTURE_2_1", gateway_ref="pi_1", payment_ref="1")
    result = run(lake, tmp_path)
    [row] = rows(result)
    assert (row["class"], row["diff_minor"], row["identity_minor"]) == ("ambiguous_match", 0, 0)
    assert all(name in row["evidence"] for name in (one, two, "t1", "t2"))
    assert pairs(result) == set()


def test_another_operation_of_the_same_payment_is_not_guessed(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 1000)
    lake.line("t1", 1000, operation_ref="ch_other", payment_id=1)
    result = run(lake, tmp_path)
    assert [row["class"] for row in rows(result)] == ["ambiguous_match"]
    assert pairs(result) == set()


def test_currencies_that_differ_make_two_rows(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.movement(1, 1000, currency="EUR")
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1", currency="USD")
    result = run(lake, tmp_path)
    assert sorted((r["class"], r["subject_id"], r["currency"], r["identity_minor"]) for r in rows(result)) == [
        ("currency_mismatch", f"movement:{journal}", "EUR", 1000),
        ("currency_mismatch", f"movement:{journal}", "USD", -1000),
    ]
    assert pairs(result) == {(journal, "t1")}


def test_a_charge_that_failed_later(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.pair(1, 1000)
    lake.line("t2", -1000, kind="charge_failure", payment_id=1, operation_ref="py_1", at=NOON + timedelta(days=3))
    result = run(lake, tmp_path)
    assert said(result) == [("capture_failed_at_gateway", f"movement:{journal}", 1000)]
    assert pairs(result) == {(journal, "txn_CAPTURE_1"), (journal, "t2")}


def test_a_failure_that_the_ledger_reversed_is_no_divergence(lake: LakeBuilder, tmp_path: Path) -> None:
    captured = lake.pair(1, 1000)
    undone = lake.movement(1, 1000, step="CAPTURE_REVERSAL", operation_ref="py_1", at=NOON)
    lake.line("t2", -1000, kind="charge_failure", payment_id=1, operation_ref="py_1", at=NOON)
    result = run(lake, tmp_path)
    assert said(result) == []
    assert pairs(result) == {(captured, "txn_CAPTURE_1"), (undone, "t2")}


@pytest.mark.parametrize("by", ["state", "release"])
def test_captured_but_voided(lake: LakeBuilder, tmp_path: Path, by: str) -> None:
    if by == "state":
        lake.state(1, "VOIDED")
    else:
        lake.movement(1, 1000, step="RELEASE", operation_ref=None)
    subject = lake.line("t1", 1000, payment_id=1, payment_ref=None, operation_ref="ch_1")
    [row] = rows(run(lake, tmp_path))
    assert (row["class"], row["subject_id"], row["diff_minor"]) == ("captured_but_voided", subject, -1000)
    assert row["payment_id"] == 1


def test_a_second_charge_is_a_duplicate_and_the_ledgers_reference_decides_which(
    lake: LakeBuilder, tmp_path: Path
) -> None:
    journal = lake.pair(1, 1000)
    first = lake.line("t0", 1000, payment_id=1, operation_ref="ch_x", at=DAY + timedelta(hours=8))
    result = run(lake, tmp_path)
    assert said(result) == [("duplicate_capture", first, -1000)]
    assert pairs(result) == {(journal, "txn_CAPTURE_1")}


def test_without_the_ledgers_reference_the_earliest_charge_is_claimed(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.movement(1, 1000)
    lake.line("t1", 1000, payment_id=1, at=DAY + timedelta(hours=8))
    later = lake.line("t0", 1000, payment_id=1, at=DAY + timedelta(hours=10))
    result = run(lake, tmp_path)
    assert said(result) == [("duplicate_capture", later, -1000)]
    assert pairs(result) == {(journal, "t1")}


def test_partial_capture_at_stripe(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.pair(1, 1000)
    lake.line("t2", -400, kind="partial_capture_reversal", payment_id=1, charge_ref="op_CAPTURE_1_1")
    result = run(lake, tmp_path)
    assert said(result) == [("partial_capture", f"movement:{journal}", 400)]
    assert len(pairs(result)) == 2


def test_a_partial_capture_that_the_ledger_knows_of_is_no_divergence(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.pair(1, 600, line_minor=1000)
    lake.line("t2", -400, kind="partial_capture_reversal", payment_id=1, charge_ref="op_CAPTURE_1_1")
    assert said(run(lake, tmp_path)) == []


@pytest.mark.parametrize(
    ("currency", "ours", "theirs", "expected"),
    [
        ("JPY", 100_000, 1_000, "scale_error"),
        ("KWD", 1_234, 12_340, "scale_error"),
        ("KWD", 1_234, 1_234_000, "scale_error"),
        ("EUR", 100_000, 1_000, "amount_mismatch"),
        ("JPY", 100_001, 1_000, "amount_mismatch"),
        ("JPY", 10_000_000, 1_000, "amount_mismatch"),
    ],
)
def test_a_factor_of_ten_is_a_scale_error_only_where_decimals_are_odd(
    lake: LakeBuilder, tmp_path: Path, currency: str, ours: int, theirs: int, expected: str
) -> None:
    journal = lake.movement(1, ours, currency=currency)
    lake.line("t1", theirs, payment_id=1, operation_ref="op_CAPTURE_1_1", currency=currency)
    result = run(lake, tmp_path)
    assert said(result) == [(expected, f"movement:{journal}", ours - theirs)]
    assert pairs(result) == {(journal, "t1")}


def test_no_counterpart(lake: LakeBuilder, tmp_path: Path) -> None:
    journal = lake.movement(1, 1000)
    subject = lake.line("t1", 700, payment_id=2, operation_ref="ch_2")
    assert said(run(lake, tmp_path)) == [
        ("missing_at_gateway", f"movement:{journal}", 1000),
        ("missing_in_ledger", subject, -700),
    ]


def test_one_key_of_two_accounts_matches_nothing(lake: LakeBuilder, tmp_path: Path) -> None:
    """The row says what almost matched and why it did not."""
    lake.expect(gateway_account="acct_2")
    lake.feed("file-2", DAY - timedelta(days=9), DAY + timedelta(days=9), account="acct_2")
    lake.movement(1, 1000)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1", account="acct_2", file_id="file-2")
    result = run(lake, tmp_path)
    assert sorted(row["class"] for row in rows(result)) == ["missing_at_gateway", "missing_in_ledger"]
    assert all(
        "account is acct_2 at the gateway and acct_1 in the ledger" in row["nearest_miss"] for row in rows(result)
    )


@pytest.mark.parametrize("printed", ["0123", "12a", "", " 1", "1.0", "99999999999999999999", "9223372036854775808"])
def test_a_payment_reference_that_cannot_be_an_id_is_no_key(lake: LakeBuilder, tmp_path: Path, printed: str) -> None:
    lake.movement(1, 1000, at=DAY + timedelta(hours=1))
    lake.line("t1", 500, gateway_ref=None, payment_ref=printed)
    assert [row[0] for row in said(run(lake, tmp_path))] == ["missing_at_gateway", "missing_in_ledger"]


def test_held_lines_are_counted_apart_and_their_movement_waits(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.movement(1, 1000)
    lake.line("t1", 1000, kind="held", raw_type="brand_new_type", payment_id=1)
    result = run(lake, tmp_path)
    assert said(result) == []
    assert [(t["pending_minor"], t["held_minor"]) for t in result.summary["totals"]] == [(1000, -1000)]
