"""How old cases are, which are overdue, and what is at risk: by exact bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recon.breaks.aging import age, bucket, is_overdue, totals
from recon.breaks.orders import Order, carry_out
from tests.breaks.desk import START, Desk
from tests.factories.finished_run import Found

H, D, MS = timedelta(hours=1), timedelta(days=1), timedelta(milliseconds=1)
FOUND = Found("movement:J1", first_seen_at=START)


@pytest.mark.parametrize("old, name", [
    (-H, "<24 h"), (0 * H, "<24 h"), (24 * H - MS, "<24 h"), (24 * H, "1-3 d"), (3 * D - MS, "1-3 d"), (3 * D, "3-7 d"),
    (7 * D - MS, "3-7 d"), (7 * D, "7-30 d"), (30 * D - MS, "7-30 d"), (30 * D, ">30 d"), (900 * D, ">30 d"),
])  # fmt: skip
def test_an_age_is_in_one_bucket(desk: Desk, old: timedelta, name: str) -> None:
    desk.enter(found=[FOUND])
    case = desk.case(FOUND.subject)
    assert bucket(case, START + old) == name
    assert age(case, START + old) == max(old, 0 * H)


def test_a_case_is_overdue_from_its_due_time_until_it_is_closed(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    case = desk.case(FOUND.subject)
    assert case.due_at == START + 24 * H
    assert [is_overdue(case, case.due_at + by) for by in (-MS, 0 * H, H)] == [False, True, True]
    carry_out(desk.place, [Order(case.case_id, "explain", "timing")], actor="ana", now=desk.now)
    assert not is_overdue(desk.case(FOUND.subject), START + 900 * D)


def test_totals_are_over_what_is_unfinished_and_at_risk(desk: Desk) -> None:
    desk.enter(found=[
        FOUND, Found("movement:J2", "unsettled", -50, severity="warning", first_seen_at=START - 2 * D),
        Found("movement:J3", "settled_late", 9, severity="timing", first_seen_at=START - 8 * D),
        Found("movement:J4", "scale_error", 7, "JPY", first_seen_at=START), Found("movement:J5", first_seen_at=START),
    ])  # fmt: skip
    carry_out(desk.place, [Order(desk.case("movement:J5").case_id, "explain", "timing")], actor="ana", now=desk.now)
    of = totals(desk.book().cases.values(), START + H)
    assert (of.cases, of.overdue, of.oldest) == (4, 1, 8 * D + H)
    assert dict(of.at_risk_minor) == {"EUR": 1050, "JPY": 7}, "what is mere timing is not at risk"
    assert of.by_age == {"<24 h": 2, "1-3 d": 1, "3-7 d": 0, "7-30 d": 1, ">30 d": 0}
    nothing = totals([], START)
    assert (nothing.cases, nothing.oldest, dict(nothing.at_risk_minor)) == (0, None, {})
