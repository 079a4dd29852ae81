"""What people do with cases: which action is possible when, and who may do it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recon.breaks.append import Writing, actor_of, append
from recon.breaks.case import Case
from recon.breaks.entry import Draft
from recon.breaks.errors import NotPossible
from recon.breaks.policy import Policy
from recon.breaks.said import instant
from recon.store.place import Place

_LONGEST = 2000
"""Characters of a text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An action: in which states it is possible, which it leads to (None: the same), what it is called in the log."""

    possible: frozenset[str]
    leads_to: str | None
    entry: str
    needs: str | None = None
    """What has to be said with it."""


_WORKED_ON = frozenset({"open", "assigned"})

ACTIONS: Mapping[str, Rule] = {
    "assign": Rule(_WORKED_ON | {"write_off_proposed"}, None, "assigned", "to whom"),
    "explain": Rule(_WORKED_ON, "explained", "explained", "a text"),
    "write-off": Rule(_WORKED_ON | {"explained"}, "write_off_proposed", "written_off", "a reason"),
    "approve": Rule(frozenset({"write_off_proposed"}), "written_off", "approved"),
    "reject": Rule(frozenset({"write_off_proposed"}), "open", "rejected", "a reason"),
    "reopen": Rule(frozenset({"explained", "written_off", "resolved"}), "open", "reopened", "a reason"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """One action on one case. `text` is the explanation or reason; for assign it is who works on it from now on."""

    case_id: str
    action: str
    text: str = ""


def carry_out(place: Place, orders: Sequence[Order], *, actor: str, now: datetime) -> list[Case]:
    """Do all of `orders` in one append, or none; the cases after them, in their order.

    `now` is aware. Raises NotPossible naming the case and what is possible now, and other Refused, with nothing
    written.
    """
    actor = actor_of(actor)
    policy = Policy.load(place)
    done: list[Case] = []

    def decide(writing: Writing) -> None:
        done[:] = [write(writing, order, actor, policy) for order in orders]

    append(place, now, decide)
    return done


def write(writing: Writing, order: Order, actor: str, policy: Policy) -> Case:
    """Add one order to what is being written; its case after it. Raises NotPossible."""
    case = writing.case(order.case_id)
    if case is None:
        raise NotPossible(f"there is no case {order.case_id}")
    text = " ".join(order.text.split())
    check(case, order.action, text, actor)
    rule = ACTIONS[order.action]
    status = rule.leads_to or ("assigned" if case.status in _WORKED_ON else case.status)
    if status == "open" and case.assignee:
        status = "assigned"
    evidence: dict[str, Any] = {"amounts": dict(case.diff_minor)}
    if order.action == "assign":
        evidence |= {"assignee": text}
    elif text:
        evidence |= {"text": text}
    if order.action == "write-off":
        evidence |= {"maker": actor}
    if order.action == "reopen":
        due_at = policy.due_at(case.severity, writing.now)
        evidence |= {"counted_from": instant(writing.now), "due_at": instant(due_at)}
    draft = Draft(case.case_id, rule.entry, actor, case.subject_id, case.cls, case.severity, status, evidence)
    return writing.add(draft)


def check(case: Case, action: str, text: str, actor: str) -> None:
    """Raises NotPossible where `actor` cannot do `action` to `case` as it is, saying what can be done."""
    rule = ACTIONS.get(action)
    name = f"case {case.case_id[:12]}"
    if rule is None:
        raise NotPossible(f"{name}: action {action!r} is unknown; accepted: {', '.join(ACTIONS)}")
    if case.status not in rule.possible:
        possible = ", ".join(action for action, other in ACTIONS.items() if case.status in other.possible)
        raise NotPossible(f"{name} is {case.status.replace('_', ' ')}, which {action} is not for; possible now: "
                          f"{possible}")
    if rule.needs and not text:
        raise NotPossible(f"{name}: {action} needs {rule.needs}")
    if len(text) > _LONGEST:
        raise NotPossible(f"{name}: the text has {len(text)} characters; accepted: up to {_LONGEST}")
    if action == "approve" and case.maker is not None and same_person(case.maker, actor):
        raise NotPossible(f"{name}: {case.maker} proposed the write-off, so somebody else has to approve it")
    if action == "assign" and case.assignee == text:
        raise NotPossible(f"{name} is assigned to {text} already")


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are written."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
