"""A case is closed by what a later run shows, never by its silence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from recon.breaks.case import Case
from tests.breaks.desk import Desk
from tests.factories.finished_run import Found, case_id, feed, undecidable

MOVEMENT, LINE = Found("movement:J1"), Found("line:stripe:t1", "missing_in_ledger", -1000)
LATE = Found("feed:stripe:acct_1:payout_reconciliation:2026-03-10T00:00:00Z", "feed_late", 0, None)
CUT = Found("feed:stripe:acct_1:payout_reconciliation:2026-03-08T00:00:00Z", "feed_incomplete", 0, None)
RESIDUAL = Found("batch:stripe:acct_1:b1:EUR", "payout_residual", 5, batch_id="b1")
GAP = Found("batch:stripe:acct_1:b2:", "batch_gap", 0, None, batch_id="b2")
HOLD = Found("payment:257", "orphan_hold", 5, payment_id=257)
HOUR = Found("hour:ledger_entries:2026-03-10T09:00:00Z:CAPTURE:EUR", "lake_gap", gateway=None, account=None,
             evidence='{"buckets": [1]}')  # fmt: skip
WHOLE: dict[str, Any] = {"batches": [{"gateway": "stripe", "gateway_account": "acct_1", "batch_id": "b1",
                                      "currency": "EUR", "whole": True}]}  # fmt: skip
HERE: dict[str, Any] = {"feeds": [feed("accepted")]}
ELSEWHERE = replace(HOUR, subject="hour:ledger_entries:2026-03-10T20:00:00Z:CAPTURE:EUR")
"""A gap of bucket 1, in which payment 257 lies."""


def after(desk: Desk, opened: Found, found: tuple[Found, ...] = (), window: str = "T+14", **later: Any) -> Case:
    """The case of `opened`, which T+7 found, once a later run has entered."""
    desk.enter(found=[opened])
    desk.enter(window, found, **later)
    return desk.case(opened.subject)


@pytest.mark.parametrize("opened, later", [
    (MOVEMENT, {"matched": [("J1", "t1")]}),
    (LINE, {"matched": [("J9", "t1")]}),
    (replace(LINE, cls="fee_variance"), {"matched": [("J9", "t1")]}),
    (MOVEMENT, {"matched": [("J1", "t1")], "decidable": [undecidable("missing_at_gateway")]}),
    (LATE, HERE),
    (LATE, {"feeds": [feed("accepted")], "cohort": date(2026, 3, 11)}),
    (CUT, HERE),
    (RESIDUAL, WHOLE),
    (GAP, {}),
    (GAP, {"decidable": [undecidable("batch_gap", "another"), undecidable("payout_residual")]}),
    (HOLD, {}),
    (HOLD, {"found": (replace(ELSEWHERE, evidence='{"buckets": [2]}'),)}),
    (HOUR, {}),
    (HOUR, {"found": (ELSEWHERE,)}),
    (Found("journal:J5", "unbalanced_journal"), {}),
])  # fmt: skip
def test_what_a_later_run_shows_to_be_over_is_resolved(desk: Desk, opened: Found, later: dict[str, Any]) -> None:
    case = after(desk, opened, **later)
    assert case.status == "resolved"
    told = desk.book().history(case.case_id)[-1].told()
    assert told["proof"]["why"]
    assert told["run"]["window"] == "T+14"


@pytest.mark.parametrize("opened, later", [
    (MOVEMENT, {}),
    (MOVEMENT, {"matched": [("J2", "t2")]}),
    (MOVEMENT, {"matched": [("J1", "t1")], "status": "failed"}),
    (MOVEMENT, {"matched": [("J1", "t1")], "cohort": date(2026, 3, 11)}),
    (MOVEMENT, {"matched": [("J1", "t1")], "hour": 9, "known_after": timedelta(days=20)}),
    (replace(MOVEMENT, cls="currency_mismatch"),
     {"matched": [("J1", "t1")], "decidable": [undecidable("currency_mismatch")]}),
    (replace(LINE, cls="fee_variance"), {"matched": [("J9", "t1")], "decidable": [undecidable("fee_variance", None)]}),
    (replace(LINE, account="another"), {"matched": [("J9", "t1")]}),
    (LATE, {}),
    (LATE, {"feeds": [feed("incomplete")]}),
    (LATE, {"feeds": [feed("accepted", date(2026, 3, 11))]}),
    (LATE, {"feeds": [feed("accepted", report="another")]}),
    (CUT, {"feeds": [feed("accepted"), feed("incomplete")]}),
    (CUT, {"feeds": [feed("accepted")], "cohort": date(2026, 3, 11)}),
    (GAP, {"cohort": date(2026, 3, 11)}),
    (replace(CUT, cls="feed_restated"), HERE),
    (RESIDUAL, {}),
    (RESIDUAL, {"batches": [WHOLE["batches"][0] | {"whole": False}]}),
    (RESIDUAL, WHOLE | {"decidable": [undecidable("payout_residual")]}),
    (GAP, {"decidable": [undecidable("batch_gap")]}),
    (HOLD, {"found": (ELSEWHERE,)}),
    (HOLD, {"lost_objects": ["ledger_entries/dt=2026-03-10/hr=09/x.parquet"]}),
    (HOLD, {"decidable": [undecidable("orphan_hold", None)]}),
    (replace(HOLD, payment_id=None), {"found": (replace(ELSEWHERE, evidence='{"buckets": [2]}'),)}),
    (HOUR, {"decidable": [undecidable("lake_gap", None)]}),
])  # fmt: skip
def test_silence_leaves_a_case_open(desk: Desk, opened: Found, later: dict[str, Any]) -> None:
    case = after(desk, opened, **later)
    assert case.status == "open"
    assert len(desk.book().history(case.case_id)) == 1


def test_a_case_on_which_a_later_run_is_silent_is_said_to_be_pending_there(desk: Desk) -> None:
    case = after(desk, MOVEMENT)
    assert [run.window for run in desk.book().silent_runs(case)] == ["T+14"]
    desk.enter("T+30", [MOVEMENT])
    assert desk.book().silent_runs(desk.case(MOVEMENT.subject)) == []


GROUP = Found("group:aa", "ambiguous_match", 0, evidence=json.dumps(
    {"members": ["movement:J1", "movement:J2", "line:stripe:t1", "line:stripe:t2"]}))  # fmt: skip


@pytest.mark.parametrize("found, matched, status", [
    ((), [("J1", "t1"), ("J2", "t2")], "resolved"),
    ((Found("movement:J2"), Found("line:stripe:t2", "missing_in_ledger")), [("J1", "t1")], "resolved"),
    ((replace(GROUP, subject="group:bb", evidence='{"members": ["movement:J2", "line:stripe:t2"]}'),), [("J1", "t1")],
     "resolved"),
    ((Found("movement:J2"),), [("J1", "t1")], "open"),
    ((), [], "open"),
])  # fmt: skip
def test_a_group_is_over_when_every_member_has_its_place(
    desk: Desk, found: tuple[Found, ...], matched: list[tuple[str, str]], status: str
) -> None:
    assert after(desk, GROUP, found, matched=matched).status == status


def test_an_hour_is_cleared_by_its_day(desk: Desk) -> None:
    desk.enter(found=[MOVEMENT], hour=9)
    changes = desk.enter(matched=[("J1", "t1")])
    assert [case.case_id for case in changes.resolved] == [case_id(MOVEMENT.subject)]


def test_one_run_finds_clears_and_opens_in_one_object(desk: Desk) -> None:
    desk.enter(found=[MOVEMENT, LINE])
    changes = desk.enter("T+14", [LINE, HOLD], matched=[("J1", "t5")])
    assert (len(changes.opened), changes.seen, len(changes.resolved)) == (1, 1, 1)
    assert desk.book().chain.number == 2
