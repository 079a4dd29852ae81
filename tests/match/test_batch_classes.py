"""Batch identity: net + carried in − carried out − paid out is nought, or the residual is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import rows, run, said

COVERS = (DAY, DAY + timedelta(days=1))


def adyen(lake: LakeBuilder, number: int, covers: tuple[Any, Any] = COVERS, **more: Any) -> None:
    """One Adyen batch and its file."""
    lake.feed(
        f"batch-{number}",
        *covers,
        gateway="adyen",
        account="M1",
        report_type="settlement_details",
        batch_id=str(number),
    )
    lake.batch(
        str(number),
        gateway="adyen",
        gateway_account="M1",
        file_id=f"batch-{number}",
        batch_seq=number,
        report_type="settlement_details",
        **more,
    )


@pytest.fixture
def lake() -> LakeBuilder:
    found = LakeBuilder()
    found.rows["feed_files"].clear()
    found.feed("file-1", *COVERS)
    found.feed("payouts-1", DAY - timedelta(days=5), DAY + timedelta(days=6), report_type="payouts", role="control")
    found.pair(1, 1000)
    return found


def control(lake: LakeBuilder, payout_minor: int | None, **more: Any) -> None:
    lake.batch(
        "po_1",
        file_id="payouts-1",
        report_type="payouts",
        role="control",
        net_minor=None,
        payout_minor=payout_minor,
        **more,
    )


@pytest.mark.parametrize(("paid", "residual"), [(1000, 0), (990, 10), (1010, -10)])
def test_a_payout_that_is_not_the_sum_of_its_lines_leaves_a_residual(
    lake: LakeBuilder, tmp_path: Path, paid: int, residual: int
) -> None:
    lake.batch("po_1", net_minor=1000, payout_minor=None)
    control(lake, paid)
    expected = [("payout_residual", "batch:stripe:acct_1:po_1:EUR", residual)] if residual else []
    assert said(run(lake, tmp_path)) == expected


def test_carried_balances_count(tmp_path: Path) -> None:
    lake = LakeBuilder()
    adyen(lake, 7, net_minor=-300, payout_minor=0, carry_in_minor=500, carry_out_minor=200)
    assert said(run(lake, tmp_path)) == []


def test_without_word_of_the_payout_it_is_not_decidable(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.batch("po_1", net_minor=1000, payout_minor=None)
    result = run(lake, tmp_path)
    assert said(result) == []
    assert "payout_residual" in {row["class"] for row in result.summary["decidable"]}


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_payout_that_failed_is_missing(lake: LakeBuilder, tmp_path: Path, status: str) -> None:
    lake.batch("po_1", net_minor=1000, payout_minor=None, closed_at=DAY + timedelta(days=2))
    control(lake, 1000, payout_status=status)
    assert said(run(lake, tmp_path)) == [("payout_missing", "batch:stripe:acct_1:po_1:EUR", 1000)]


def test_a_payout_that_no_report_has_is_missing_only_where_a_report_covers_its_day(
    lake: LakeBuilder, tmp_path: Path
) -> None:
    lake.batch("po_1", net_minor=1000, payout_minor=None, closed_at=DAY + timedelta(days=2))
    path = lake.write(tmp_path / "lake")
    assert [row[0] for row in said(run(path, tmp_path))] == ["payout_missing"]
    late = LakeBuilder()
    late.batch("po_1", net_minor=1000, payout_minor=None, closed_at=DAY + timedelta(days=2))
    assert said(run(late, tmp_path / "without")) == []


def test_a_number_missing_without_a_hole_in_time_is_a_gap(tmp_path: Path) -> None:
    lake = LakeBuilder()
    adyen(lake, 7, (DAY - timedelta(days=1), DAY + timedelta(hours=5)), net_minor=0, payout_minor=0)
    adyen(lake, 9, (DAY + timedelta(hours=5), DAY + timedelta(days=1)), net_minor=0, payout_minor=0)
    [row] = rows(run(lake, tmp_path))
    assert (row["class"], row["batch_id"], row["diff_minor"]) == ("batch_gap", "8", 0)


def test_a_hole_in_time_is_a_late_feed_and_no_gap(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.expect(gateway="adyen", gateway_account="M1", report_type="settlement_details")
    adyen(lake, 7, (DAY - timedelta(days=1), DAY), net_minor=0, payout_minor=0)
    adyen(lake, 9, (DAY + timedelta(days=1), DAY + timedelta(days=2)), net_minor=0, payout_minor=0)
    assert [row[0] for row in said(run(lake, tmp_path))] == ["feed_late"]


@pytest.mark.parametrize(("taken", "classes"), [(-200, []), (0, ["negative_carry_over", "payout_residual"])])
def test_a_negative_balance_must_be_taken_in(tmp_path: Path, taken: int, classes: list[str]) -> None:
    lake = LakeBuilder()
    adyen(
        lake,
        7,
        (DAY, DAY + timedelta(hours=12)),
        net_minor=-200,
        payout_minor=0,
        carry_out_minor=-200,
        carry_out_to="8",
    )
    adyen(
        lake,
        8,
        (DAY + timedelta(hours=12), DAY + timedelta(days=1)),
        net_minor=500,
        payout_minor=300,
        carry_in_minor=taken,
    )
    assert [row[0] for row in said(run(lake, tmp_path))] == classes


@pytest.mark.parametrize(
    ("printed", "classes"), [(900, ["feed_incomplete", "payout_residual"]), (None, ["feed_incomplete"])]
)
def test_a_batch_of_an_incomplete_file_is_judged_only_by_the_payout_that_it_prints(
    tmp_path: Path, printed: int | None, classes: list[str]
) -> None:
    """A file cut before its payout row says nothing of the payout; one that prints it does not add up."""
    lake = LakeBuilder()
    adyen(lake, 7, net_minor=1000, payout_minor=printed)
    lake.rows["feed_files"][-1]["status"] = "incomplete"
    assert [row[0] for row in said(run(lake, tmp_path))] == classes


def test_a_batch_that_has_nothing_in_the_currency_took_nothing_in(tmp_path: Path) -> None:
    lake = LakeBuilder()
    adyen(lake, 7, (DAY, DAY + timedelta(hours=12)), net_minor=-200, payout_minor=0, carry_out_minor=-200,
          carry_out_to="8")  # fmt: skip
    adyen(lake, 8, (DAY + timedelta(hours=12), DAY + timedelta(days=1)), currency="USD", net_minor=0, payout_minor=0)
    assert said(run(lake, tmp_path)) == [("negative_carry_over", "batch:adyen:M1:7:EUR", -200)]


def test_a_quiet_batch_carries_a_balance_on(tmp_path: Path) -> None:
    """Nothing but carried balances in the middle batch: it takes in and passes on, and nothing is lost."""
    lake = LakeBuilder()
    hours = [DAY + timedelta(hours=8 * n) for n in range(4)]
    adyen(lake, 7, (hours[0], hours[1]), net_minor=-200, payout_minor=None, carry_out_minor=-200, carry_out_to="8")
    adyen(lake, 8, (hours[1], hours[2]), net_minor=None, carry_in_minor=-200, carry_out_minor=-200, carry_out_to="9")
    adyen(lake, 9, (hours[2], hours[3]), net_minor=500, payout_minor=300, carry_in_minor=-200)
    assert said(run(lake, tmp_path)) == []


def test_a_payout_without_any_line_is_not_judged(lake: LakeBuilder, tmp_path: Path) -> None:
    """A manual payout: the gateway does not say what is inside."""
    lake.batch("po_2", net_minor=None, payout_minor=700)
    assert said(run(lake, tmp_path)) == []
