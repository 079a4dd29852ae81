"""The tables of arrivals say what the summary says, in words, and stand for runs of older versions too."""

from __future__ import annotations

from typing import Any

from dashboards import arrivals
from recon.match.result import RunResult
from tests.factories.run_result import build

REPORT: dict[str, Any] = {
    "gateway": "stripe", "gateway_account": "acct_<main>", "report_type": "payout_reconciliation", "expected": True,
    "completeness": {"periods": 35, "accepted": 32, "incomplete": 1, "late": 2, "waiting": 0, "complete_bps": 9142},
    "timeliness": {"p50_s": 7200, "p99_s": 90000, "next": {"likely_by": "2026-03-16T09:30:00Z"}},
    "accuracy": {"refused": 3},
}  # fmt: skip
FINDING = {"class": "feed_short", "gateway": "adyen", "gateway_account": "shop", "report_type": "settlement_details",
           "first_seen_at": "2026-03-14T06:00:00Z", "reason": "far too few rows"}  # fmt: skip


def with_arrivals(**told: Any) -> RunResult:
    """A run whose summary has these arrivals."""
    result = build()
    object.__setattr__(result, "summary", {**result.summary, "arrivals": told})
    return result


def test_a_report_is_told_in_words_and_escaped() -> None:
    shown = arrivals.reports(with_arrivals(reports=[REPORT])).text
    for cell in ("stripe · acct_&lt;main&gt;", "payout reconciliation", ">35<", ">32<", "2 h", "25 h",
                 "2026-03-16 09:30", ">3<"):  # fmt: skip
        assert cell in shown


def test_a_report_that_nobody_waits_for_has_no_periods() -> None:
    timeless = {"p50_s": None, "p99_s": -60, "next": None}
    shown = arrivals.reports(with_arrivals(reports=[{**REPORT, "expected": False, "timeliness": timeless}])).text
    assert ">35<" not in shown
    assert "before its end" in shown


def test_what_is_named_now_has_its_reason_and_its_time() -> None:
    shown = arrivals.findings(with_arrivals(findings=[FINDING])).text
    for cell in ("Feed short", "adyen · shop", "2026-03-14 06:00", "far too few rows"):
        assert cell in shown
    many = arrivals.findings(with_arrivals(findings=[FINDING] * 51)).text
    assert "the first 50 of 51" in many


def test_a_run_of_an_older_version_says_that_there_is_nothing() -> None:
    assert "none has come" in arrivals.reports(build()).text
    assert "here and whole" in arrivals.findings(build()).text
