"""What people may do with a case, and what a run makes of what they did."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from recon.breaks.case import STATUSES, Case
from recon.breaks.errors import NotPossible
from recon.breaks.orders import ACTIONS, Order, carry_out
from tests.breaks.desk import Desk
from tests.factories.finished_run import Found, case_id

FOUND = Found("movement:J1")
CASE = case_id(FOUND.subject)
MATCHED = [("J1", "t1")]


def do(desk: Desk, *actions: str, actor: str = "ana", text: str = "because") -> Case:
    """Do one action after the other; the case after the last. approve comes from somebody else."""
    for action in actions:
        who = "bob" if action == "approve" else actor
        [case] = carry_out(desk.place, [Order(CASE, action, text)], actor=who, now=desk.now)
    return case


WAYS: dict[str, tuple[str, ...]] = {
    "open": (), "assigned": ("assign",), "explained": ("explain",), "write_off_proposed": ("write-off",),
    "written_off": ("write-off", "approve"), "resolved": (),
}  # fmt: skip


def at(desk: Desk, status: str) -> None:
    """Bring the case to a status."""
    desk.enter(found=[FOUND])
    if status == "resolved":
        desk.enter("T+14", matched=MATCHED)
    elif WAYS[status]:
        do(desk, *WAYS[status])
    assert desk.case(FOUND.subject).status == status


@pytest.mark.parametrize("status, action", list(itertools.product(STATUSES, ACTIONS)))
def test_in_each_state_what_is_possible_is_done_and_the_rest_refused(desk: Desk, status: str, action: str) -> None:
    at(desk, status)
    before, rule = desk.book().chain, ACTIONS[action]
    if status in rule.possible:
        after = do(desk, action, text="why")
        led_to = {"assign": "assigned" if status == "open" else status}.get(action, rule.leads_to)
        assert after.status == (led_to if after.assignee is None or led_to != "open" else "assigned")
        assert desk.case(FOUND.subject) == after
        return
    with pytest.raises(NotPossible, match=rf"case {CASE[:12]} is .*, which {action} is not for; possible now: \w"):
        do(desk, action)
    assert desk.book().chain == before, "nothing was written"


@pytest.mark.parametrize("action", [action for action, rule in ACTIONS.items() if rule.needs])
def test_what_needs_a_word_is_refused_without(desk: Desk, action: str) -> None:
    at(desk, next(status for status in STATUSES if status in ACTIONS[action].possible))
    with pytest.raises(NotPossible, match=rf"case {CASE[:12]}: {action} needs {ACTIONS[action].needs}"):
        do(desk, action, text=" \n ")


@pytest.mark.parametrize("checker", ["ana", " ANA ", "Ａｎａ"])
def test_who_proposed_a_write_off_does_not_approve_it(desk: Desk, checker: str) -> None:
    at(desk, "write_off_proposed")
    with pytest.raises(NotPossible, match="ana proposed the write-off, so somebody else has to approve it"):
        carry_out(desk.place, [Order(CASE, "approve")], actor=checker, now=desk.now)
    carry_out(desk.place, [Order(CASE, "approve")], actor="bob", now=desk.now)
    assert desk.case(FOUND.subject).status == "written_off"
    assert [(entry.action, entry.actor) for entry in desk.book().history(CASE)[1:]] == [
        ("written_off", "ana"), ("approved", "bob")]


def test_a_run_that_finds_the_case_again_does_not_forget_who_proposed(desk: Desk) -> None:
    at(desk, "write_off_proposed")
    desk.enter("T+14", [FOUND])
    desk.enter("T+30", [replace(FOUND, cls="unsettled")])
    with pytest.raises(NotPossible, match="ana proposed the write-off"):
        carry_out(desk.place, [Order(CASE, "approve")], actor="ana", now=desk.now)


def test_a_rejected_write_off_is_proposed_anew_by_its_new_maker(desk: Desk) -> None:
    at(desk, "write_off_proposed")
    do(desk, "reject", actor="bob")
    carry_out(desk.place, [Order(CASE, "write-off", "again")], actor="bob", now=desk.now)
    with pytest.raises(NotPossible, match="bob proposed the write-off"):
        do(desk, "approve")
    carry_out(desk.place, [Order(CASE, "approve")], actor="ana", now=desk.now)


def test_all_orders_are_done_or_none(desk: Desk) -> None:
    desk.enter(found=[FOUND, Found("movement:J2")])
    orders = [Order(CASE, "assign", "zoe"), Order(CASE, "explain", "timing"), Order(case_id("movement:J2"), "approve")]
    with pytest.raises(NotPossible, match="is open, which approve is not for"):
        carry_out(desk.place, orders, actor="ana", now=desk.now)
    assert desk.book().chain.number == 1
    first, second = carry_out(desk.place, orders[:2], actor="ana", now=desk.now)
    assert (first.status, second.status, second.assignee, second.text) == ("assigned", "explained", "zoe", "timing")
    assert desk.book().chain.number == 2
    with pytest.raises(NotPossible, match="there is no case nobody"):
        carry_out(desk.place, [Order("nobody", "assign", "zoe")], actor="ana", now=desk.now)


@pytest.mark.parametrize("order, said", [
    (Order(CASE, "burn", "x"), "action 'burn' is unknown; accepted: assign, explain, write-off, approve, reject"),
    (Order(CASE, "explain", "x" * 2001), "the text has 2001 characters; accepted: up to 2000"),
    (Order(CASE, "assign", "zoe"), "is assigned to zoe already"),
])  # fmt: skip
def test_what_is_no_order_is_refused(desk: Desk, order: Order, said: str) -> None:
    at(desk, "open")
    carry_out(desk.place, [Order(CASE, "assign", "zoe")], actor="ana", now=desk.now)
    with pytest.raises(NotPossible, match=re.escape(said)):
        carry_out(desk.place, [order], actor="ana", now=desk.now)


@pytest.mark.parametrize("status", ["explained", "written_off", "write_off_proposed"])
def test_what_people_decided_stands_while_the_amounts_do(desk: Desk, status: str) -> None:
    at(desk, status)
    changes = desk.enter("T+14", [replace(FOUND, reason="Other words.")])
    assert (changes.seen, changes.reopened) == (1, ())
    assert desk.case(FOUND.subject).status == status
    changes = desk.enter("T+30", [replace(FOUND, diff_minor=1001)])
    assert [case.status for case in changes.reopened] == ["open"]
    with pytest.raises(NotPossible, match="is open, which approve is not for"):
        do(desk, "approve")


@pytest.mark.parametrize("status, reopened", [("explained", []), ("resolved", ["break"])])
def test_only_what_somebody_has_to_work_on_is_escalated(desk: Desk, status: str, reopened: list[str]) -> None:
    desk.enter(found=[replace(FOUND, severity="warning")])
    if status == "explained":
        do(desk, "explain")
    else:
        desk.enter("T+14", matched=MATCHED)
    changes = desk.enter("T+30", [FOUND])
    assert changes.escalated == ()
    assert [case.severity for case in changes.reopened] == reopened
    assert desk.case(FOUND.subject).severity == "break"


def test_what_was_written_off_and_is_over_says_that_the_write_off_has_to_be_taken_back(desk: Desk) -> None:
    at(desk, "written_off")
    desk.enter("T+14", matched=MATCHED)
    assert desk.case(FOUND.subject).status == "resolved"
    assert "write-off has to be taken back" in desk.book().history(CASE)[-1].told()["mind"]


def test_a_reopened_case_goes_back_to_who_had_it_and_its_time_begins_anew(desk: Desk) -> None:
    at(desk, "assigned")
    do(desk, "explain")
    case = do(desk, "reopen")
    assert (case.status, case.assignee, case.since) == ("assigned", "because", desk.now)
