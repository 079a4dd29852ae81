"""One message per cause and run that brings something new, one when it is over, and none of what people know."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.breaks.orders import Order, carry_out
from tests.alerts.desk import FEED, Desk, brief, finding, late
from tests.factories.finished_run import ACCOUNT, COHORT, GATEWAY, Found, case_id, feed

NEXT_DAY = date(2026, 3, 11)
THREE = [Found(f"movement:J{number}", diff_minor=number * 1000, payment_id=number) for number in (1, 2, 3)]
HOUR = timedelta(hours=1)


def test_rows_of_one_cause_are_one_message_that_says_how_many_and_how_much(desk: Desk) -> None:
    found = [*THREE, Found("line:stripe:txn_9", "missing_in_ledger", -500, "JPY")]
    messages = desk.told(found=found)
    assert brief(messages) == [("flag", "missing_at_gateway"), ("flag", "missing_in_ledger")]
    first = messages[0]
    assert (first["new_cases"], first["open_cases"], first["first"]) == (3, 3, True)
    assert first["value_at_risk"] == [{"currency": "EUR", "minor": 6000, "major": "60.00 EUR"}]
    assert messages[1]["value_at_risk"] == [{"currency": "JPY", "minor": 500, "major": "500 JPY"}]
    assert [case["payment_id"] for case in first["largest"]] == ["3", "2", "1"]
    assert first["largest"][0]["case_id"] == case_id("movement:J3")
    assert (first["severity"], first["window"], first["as_of"]) == ("break", "T+7", "2026-03-17T00:00:00Z")
    assert first["trend"] is None


def test_accounts_are_causes_of_their_own(desk: Desk) -> None:
    found = [Found("movement:J1"), Found("movement:J2", account="acct_2"), Found("movement:J3", gateway="adyen")]
    assert len({message["fingerprint"] for message in desk.told(found=found)}) == 3


def test_a_run_that_comes_again_sends_nothing(desk: Desk) -> None:
    run = desk.run(found=THREE)
    assert len(desk.come(run).sent) == 1
    again = desk.come(run)
    assert (again.sent, again.already, len(again.messages)) == ([], True, 1)


def test_a_later_run_that_finds_the_same_sends_nothing(desk: Desk) -> None:
    desk.told(found=THREE)
    assert desk.told("T+14", THREE) == []


def test_what_a_later_run_adds_is_told_with_the_trend(desk: Desk) -> None:
    desk.told(found=THREE)
    [message] = desk.told(found=[Found("movement:J7", diff_minor=40)], cohort=NEXT_DAY)
    assert (message["first"], message["new_cases"], message["open_cases"]) == (False, 1, 4)
    assert message["trend"]["open_cases_change"] == 1
    assert message["trend"]["value_at_risk_change"] == [{"currency": "EUR", "minor": 40, "major": "0.40 EUR"}]
    assert message["new_value_at_risk"] == [{"currency": "EUR", "minor": 40, "major": "0.40 EUR"}]


def test_when_nothing_of_a_cause_is_open_any_more_that_is_told_once(desk: Desk) -> None:
    desk.told(found=THREE)
    matched = [(f"J{number}", f"txn_{number}") for number in (1, 2, 3)]
    [message] = desk.told("T+14", matched=matched)
    assert message["first_flagged_at"] == "2026-03-17T00:00:00Z"
    assert (message["kind"], message["severity"], message["closed_cases"]) == ("recovered", "break", {"resolved": 3})
    assert message["trend"] is None
    assert desk.told("T+30", matched=matched) == []


def test_what_people_have_closed_is_over_too(desk: Desk) -> None:
    desk.told(found=THREE[:1])
    order = Order(case_id("movement:J1"), "explain", "a test")
    carry_out(desk.register.place, [order], actor="ada", now=desk.register.now)
    [message] = desk.told(cohort=NEXT_DAY)
    assert message["closed_cases"] == {"explained": 1}


def test_what_comes_back_is_told_as_new(desk: Desk) -> None:
    desk.told(found=THREE[:1])
    desk.told("T+14", matched=[("J1", "txn_1")])
    [message] = desk.told("T+30", THREE[:1])
    assert (message["kind"], message["first"], message["new_cases"]) == ("flag", True, 1)
    [over] = desk.told("T+30", matched=[("J1", "txn_1")], known_after=HOUR)
    assert over["closed_cases"] == {"resolved": 1}


def test_what_is_over_counts_the_cases_of_this_time_alone(desk: Desk) -> None:
    desk.told(found=THREE[:1])
    desk.told("T+14", matched=[("J1", "txn_1")])
    desk.told(found=[Found("movement:J9")], cohort=date(2026, 3, 20))
    [over] = desk.told("T+14", matched=[("J9", "txn_9")], cohort=date(2026, 3, 20))
    assert (over["closed_cases"], over["first_flagged_at"]) == ({"resolved": 1}, "2026-03-27T00:00:00Z")


@pytest.mark.parametrize("severity", ["info", "timing"])
def test_what_is_timing_or_mere_information_is_no_flag(desk: Desk, severity: str) -> None:
    assert desk.told(found=[Found("movement:J1", "settled_late", severity=severity)]) == []


def test_what_was_timing_and_becomes_grave_is_told(desk: Desk) -> None:
    assert desk.told(found=[Found("movement:J1", "unsettled", severity="timing")]) == []
    assert brief(desk.told("T+14", [Found("movement:J1", "unsettled")])) == [("flag", "unsettled")]


def test_a_case_whose_class_changes_is_told_under_its_new_cause(desk: Desk) -> None:
    desk.told(found=[Found("movement:J1")])
    messages = desk.told("T+14", [Found("movement:J1", "amount_mismatch")])
    assert brief(messages) == [("flag", "amount_mismatch"), ("recovered", "missing_at_gateway")]


def test_of_two_classes_of_a_case_only_the_grave_one_is_told(desk: Desk) -> None:
    found = [Found("movement:J1"), Found("movement:J1", "settled_late", severity="timing")]
    assert brief(desk.told(found=found)) == [("flag", "missing_at_gateway")]


def test_a_late_feed_is_told_when_it_is_named_and_not_again_when_a_row_says_so(desk: Desk) -> None:
    [message] = desk.told(hour=9, cohort=date(2026, 3, 12), findings=[finding()])
    assert (message["cause"]["subject"], message["open_cases"], message["severity"]) == (FEED, 0, "timing")
    assert message["findings"][0]["reason"] == message["reason"] == "the file is not here"
    assert desk.told(found=[late()], findings=[finding(severity="warning")]) == []
    [graver] = desk.told("T+14", [late("break")], findings=[finding(severity="break")])
    assert (graver["fingerprint"], graver["first"], graver["severity"]) == (message["fingerprint"], False, "break")


def test_a_late_feed_is_over_once_it_is_neither_named_nor_open(desk: Desk) -> None:
    desk.told(hour=9, cohort=date(2026, 3, 12), findings=[finding()])
    desk.told(found=[late()], findings=[finding()])
    assert desk.told(hour=9, cohort=date(2026, 3, 20)) == []
    assert brief(desk.told("T+14", feeds=[feed("accepted")])) == [("recovered", "feed_late")]


def test_a_run_that_sees_less_than_one_before_says_nothing_of_feeds(desk: Desk) -> None:
    """A daily run is as of midnight, and comes hours later than the hourly runs that saw the morning."""
    desk.told(hour=9, cohort=date(2026, 3, 16), findings=[finding()])
    assert desk.told("T+7", cohort=date(2026, 3, 9), known_after=12 * HOUR) == []
    assert brief(desk.told(hour=10, cohort=date(2026, 3, 16))) == [("recovered", "feed_late")]
    assert desk.told(hour=8, cohort=date(2026, 3, 16), findings=[finding()]) == []


def left_over(currency: str, unexplained_minor: int) -> dict[str, Any]:
    """A total whose identity leaves something over."""
    return {"gateway": GATEWAY, "gateway_account": ACCOUNT, "currency": currency,
            "unexplained_minor": unexplained_minor}


def test_money_that_nothing_explains_is_told_and_only_a_run_that_looks_at_all_of_it_says_it_is_over(
        desk: Desk) -> None:
    totals = [left_over("EUR", -1), left_over("JPY", 70), left_over("USD", 0)]
    [message] = desk.told(totals=totals, status="failed")
    assert (message["kind"], message["cause"]["class"], message["severity"]) == ("flag", "unexplained", "break")
    assert "-0.01 EUR, 70 JPY" in message["reason"]
    assert desk.told(totals=totals, status="failed", known_after=HOUR) == []
    # Another day, and an hour of that day, do not look at all of it.
    assert desk.told(cohort=COHORT + timedelta(days=1)) == []
    assert desk.told(hour=9, cohort=COHORT) == []
    assert brief(desk.told("T+14")) == [("recovered", "unexplained")]


def test_batches_are_one_cause_whatever_their_currencies(desk: Desk) -> None:
    found = [Found(f"batch:adyen:shop:211:{currency}", "payout_residual", 10, currency, gateway="adyen",
                   account="shop", batch_id="211") for currency in ("EUR", "GBP")]  # fmt: skip
    [message] = desk.told(found=found)
    assert (message["cause"]["subject"], message["new_cases"]) == ("batch:adyen:shop:211", 2)


def test_what_a_cut_file_brings_about_is_told_with_it(desk: Desk) -> None:
    cut = "feed:adyen:shop:settlement_details:2026-03-10T00:00:00Z"
    found = [
        Found(cut, "feed_incomplete", 0, None, "warning", "adyen", "shop", batch_id="211"),
        Found("batch:adyen:shop:211:EUR", "payout_residual", 70, "EUR", "break", "adyen", "shop", batch_id="211"),
        Found("batch:adyen:shop:212:EUR", "payout_residual", 80, "EUR", "break", "adyen", "shop", batch_id="212"),
    ]
    other, root = desk.told(found=found)
    assert (other["cause"]["subject"], root["cause"]["subject"]) == ("batch:adyen:shop:212", cut)
    [explained] = root["explains"]
    assert (explained["subject"], explained["value_at_risk"][0]["minor"]) == ("batch:adyen:shop:211", 70)


def test_the_same_runs_in_another_place_are_told_in_the_same_words(tmp_path: Path) -> None:
    def walk(folder: Path) -> list[dict[str, Any]]:
        desk = Desk(folder)
        told = [desk.told(found=THREE), desk.told(found=[Found("movement:J7")], cohort=NEXT_DAY),
                desk.told("T+14", matched=[("J1", "txn_1"), ("J2", "txn_2"), ("J3", "txn_3")])]  # fmt: skip
        return [{**message, "run": "", "links": ""} for messages in told for message in messages]

    assert walk(tmp_path / "one") == walk(tmp_path / "other")
