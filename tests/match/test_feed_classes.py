"""Late, incomplete, repeated and restated files are said as such, once per subject, in the runs that they touch."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pairs, pending, rows, run, said

ONE_DAY = (DAY, DAY + timedelta(days=1))
SUBJECT = "feed:stripe:acct_1:payout_reconciliation:2026-03-10T00:00:00Z"


def lake_of_one_day() -> LakeBuilder:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("file-1", *ONE_DAY)
    lake.pair(1, 1000)
    return lake


def test_a_feed_is_late_only_once_it_is_due(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.movement(1, 1000)
    path = lake.write(tmp_path / "lake")
    before = run(path, tmp_path, window="hourly", as_of="2026-03-10T11:00:00Z")
    assert (said(before), before.status, pending(before)) == ([], "ok", 1000)
    assert [feed["status"] for feed in before.summary["feeds"]] == ["waiting"]
    after = run(path, tmp_path)
    assert (said(after), after.status, pending(after)) == ([("feed_late", SUBJECT, 0)], "waiting", 1000)


def test_a_file_delivered_again_counts_once_and_is_said(tmp_path: Path) -> None:
    lake = lake_of_one_day()
    lake.feed("file-1", None, None, status="duplicate", name="again.csv", received_at=DAY + timedelta(days=2))
    lake.feed(
        "file-3", *ONE_DAY, status="duplicate", content_id="content of file-1", received_at=DAY + timedelta(days=3)
    )
    result = run(lake, tmp_path)
    assert said(result) == [("feed_duplicate", SUBJECT, 0)]
    assert "again.csv" in rows(result)[0]["evidence"]
    assert result.summary["totals"][0]["gateway_minor"] == 1000


def test_a_restated_file_supersedes_and_what_changed_is_listed(tmp_path: Path) -> None:
    lake = lake_of_one_day()
    lake.feed("file-2", *ONE_DAY, supersedes_file_id="file-1", received_at=DAY + timedelta(days=3))
    lake.line("txn_CAPTURE_1", 900, payment_id=1, operation_ref="op_CAPTURE_1_1", file_id="file-2")
    result = run(lake, tmp_path)
    assert [row[0] for row in said(result)] == ["amount_mismatch", "feed_restated"]
    [change] = json.loads(next(r for r in rows(result) if r["class"] == "feed_restated")["evidence"])["changes"]
    assert (change["old_gross_minor"], change["new_gross_minor"]) == (1000, 900)


def test_a_restatement_not_yet_known_changes_nothing(tmp_path: Path) -> None:
    lake = lake_of_one_day()
    lake.feed("file-2", *ONE_DAY, supersedes_file_id="file-1", received_at=DAY + timedelta(days=20))
    lake.line("txn_CAPTURE_1", 900, payment_id=1, operation_ref="op_CAPTURE_1_1", file_id="file-2")
    assert said(run(lake, tmp_path)) == []


def test_the_latest_file_wins_and_what_it_lacks_is_filled_from_the_better_report(tmp_path: Path) -> None:
    """A balance-transaction line arrives later without references; the payout report's references still count."""
    lake = lake_of_one_day()
    lake.feed("file-9", *ONE_DAY, report_type="balance_transactions", received_at=DAY + timedelta(days=2))
    lake.line("txn_CAPTURE_1", 1000, gateway_ref=None, payment_ref=None, file_id="file-9")
    result = run(lake, tmp_path)
    assert said(result) == []
    assert len(pairs(result)) == 1
    assert result.summary["totals"][0]["gateway_minor"] == 1000


def test_an_incomplete_file_that_was_replaced_is_no_longer_held_against_anybody(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("cut", *ONE_DAY, status="incomplete")
    lake.feed("file-1", *ONE_DAY, supersedes_file_id="cut", received_at=DAY + timedelta(days=2))
    lake.pair(1, 1000)
    assert said(run(lake, tmp_path)) == []


def test_without_expectations_nothing_is_missing_and_the_summary_says_why(tmp_path: Path) -> None:
    lake = lake_of_one_day()
    lake.rows["feed_expectations"].clear()
    lake.movement(2, 500)
    result = run(lake, tmp_path)
    assert (said(result), pending(result)) == ([], 500)
    assert ("missing_at_gateway", "acct_1") in {(d["class"], d["gateway_account"]) for d in result.summary["decidable"]}


def test_a_line_that_a_later_file_calls_something_else_is_no_longer_a_charge(tmp_path: Path) -> None:
    lake = lake_of_one_day()
    lake.feed("file-9", *ONE_DAY, report_type="balance_transactions", received_at=DAY + timedelta(days=2))
    lake.line("txn_CAPTURE_1", 1000, kind="adjustment", payment_id=1, operation_ref="op_CAPTURE_1_1", file_id="file-9")
    result = run(lake, tmp_path)
    assert [row[0] for row in said(result)] == ["feed_restated", "missing_at_gateway"]
    assert result.summary["totals"][0]["gateway_minor"] == 0
