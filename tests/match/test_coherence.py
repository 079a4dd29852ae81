"""The ledger against itself: a hole in the lake makes things wait, copies count once, journals must balance."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pending, rows, run, said

HOUR = "2026-03-10T09:00:00Z"


def test_a_hole_in_the_lake_is_named_and_starves_no_line(tmp_path: Path) -> None:
    """The line's movement is counted by control and not in the lake: the line waits, it is not missing money."""
    lake = LakeBuilder()
    lake.movement(1, 1000, lost=True)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    result = run(lake, tmp_path)
    assert said(result) == [("lake_gap", f"hour:ledger_entries:{HOUR}:CAPTURE:EUR", 1000)]
    assert pending(result) == -1000


def test_a_hole_in_another_bucket_or_step_excuses_nothing(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(2, 1000, lost=True)
    subject = lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    assert ("missing_in_ledger", subject, -1000) in said(run(lake, tmp_path))


def test_without_control_a_line_waits(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.line("t1", 1000, payment_id=1)
    lake.movement(2, 500, at=DAY - timedelta(days=3))
    lake.movement(3, 1, at=DAY + timedelta(hours=20), step="RESERVE")
    result = run(lake.write(tmp_path / "lake", with_control=False), tmp_path)
    assert (said(result), pending(result)) == ([], -1000)
    assert "lake_gap" in {row["class"] for row in result.summary["decidable"]}


def test_copies_count_once(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000, copies=3)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    result = run(lake, tmp_path)
    assert said(result) == [("duplicate_delivery", f"hour:ledger_entries:{HOUR}::", 0)]
    assert rows(result)[0]["severity"] == "info"
    assert result.summary["totals"][0]["ledger_minor"] == 1000


def test_copies_that_differ_are_an_error(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    lake.rows["ledger_entries"].append(lake.rows["ledger_entries"][1] | {"account": "merchant_payable:m2"})
    [row] = rows(run(lake, tmp_path))
    assert (row["class"], row["severity"]) == ("duplicate_delivery", "break")


def test_a_complete_journal_out_of_balance(tmp_path: Path) -> None:
    lake = LakeBuilder()
    journal = lake.movement(1, 1000)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    lake.rows["ledger_entries"][1]["amount_minor"] = 990
    assert said(run(lake, tmp_path)) == [("unbalanced_journal", f"journal:{journal}", 10)]


def test_a_journal_that_is_not_all_here_is_a_hole_and_not_out_of_balance(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000)
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1")
    lake.lost.add(lake.rows["ledger_entries"][1]["entry_id"])
    assert [row[0] for row in said(run(lake, tmp_path))] == ["lake_gap"]
