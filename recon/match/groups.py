"""Twins are never guessed: lines that could answer several movements are reported together, as they are."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from recon.match.facts import Line, Movement
from recon.match.finding import Finding, money
from recon.match.union import Components

REACH = timedelta(days=2)
"""How far apart a movement and a line without keys may lie and still be candidates for each other."""


@dataclass(frozen=True, slots=True)
class Group:
    """Movements and lines that could answer each other, and nothing says which."""

    movements: tuple[Movement, ...]
    lines: tuple[Line, ...]
    is_conflict: bool
    """Some line's keys disagree or are shared: never a suggestion, even one to one."""

    @property
    def is_suggestion(self) -> bool:
        """Exactly one to one by amount and time alone."""
        return not self.is_conflict and len(self.movements) == len(self.lines) == 1

    @property
    def subject(self) -> str:
        """`group:` and the SHA-256 of the members' subjects, sorted bytewise and joined by a newline."""
        subjects = [m.subject for m in self.movements] + [line.subject for line in self.lines]
        members = sorted(subject.encode() for subject in subjects)
        return "group:" + hashlib.sha256(b"\n".join(members)).hexdigest()


def group(
    conflicts: Sequence[tuple[Movement, Line]], lines: Sequence[Line], movements: Sequence[Movement]
) -> list[Group]:
    """Connected components over conflicts, and over lines and movements of one account, currency, kind and amount.

    `lines` are those without any key; `movements` are unclaimed, due and covered. Components without both sides are
    no groups: their members stay single.
    """
    components: Components[str] = Components()
    by_subject: dict[str, Movement | Line] = {}
    tangled: set[str] = set()
    for movement, line in conflicts:
        components.join(movement.subject, _node(line))
        by_subject |= {movement.subject: movement, _node(line): line}
        tangled.add(_node(line))
    candidates: dict[tuple[str, str, str, str | None, int], list[Movement]] = defaultdict(list)
    everybody = {m.subject: m for m in (*movements, *(m for m, _ in conflicts))}
    for movement in sorted(everybody.values(), key=lambda m: (m.event_at, m.journal_id)):
        key = (movement.gateway, movement.gateway_account, movement.kind, movement.currency, movement.amount_minor)
        candidates[key].append(movement)
    loose = {_node(line): line for line in (*lines, *(line for _, line in conflicts))}
    for node, line in loose.items():
        near = candidates.get((line.gateway, line.gateway_account, line.kind, line.currency, line.amount_minor), [])
        first = bisect_left(near, line.occurred_at - REACH, key=lambda m: m.event_at)
        last = bisect_right(near, line.occurred_at + REACH, key=lambda m: m.event_at)
        for movement in near[first:last]:
            components.join(movement.subject, node)
            by_subject |= {movement.subject: movement, node: line}
    return _collect(components, by_subject, tangled)


def _collect(components: Components[str], by_subject: dict[str, Movement | Line], tangled: set[str]) -> list[Group]:
    members: dict[str, list[str]] = defaultdict(list)
    for node in by_subject:
        members[components.find(node)].append(node)
    found = []
    for nodes in members.values():
        items = [by_subject[node] for node in sorted(nodes)]
        found.append(
            Group(
                movements=tuple(item for item in items if isinstance(item, Movement)),
                lines=tuple(item for item in items if isinstance(item, Line)),
                is_conflict=any(node in tangled for node in nodes),
            )
        )
    return sorted(found, key=lambda g: g.subject)


def group_findings(found: Group, cite: Mapping[str, Mapping[str, object]]) -> list[Finding]:
    """The cohort's part of a group, one row per currency; none when no member lies in the cohort.

    `cite` says by line_id where a line stands.
    """
    ours = [m for m in found.movements if m.in_cohort]
    theirs = [line for line in found.lines if line.in_cohort]
    currencies = sorted({m.currency for m in ours} | {str(line.currency) for line in theirs})
    return [
        _part(
            found,
            currency,
            sum(m.amount_minor for m in ours if m.currency == currency),
            sum(line.amount_minor for line in theirs if line.currency == currency),
            cite,
        )
        for currency in currencies
    ]


def _part(
    found: Group, currency: str, ledger_minor: int, gateway_minor: int, cite: Mapping[str, Mapping[str, object]]
) -> Finding:
    first = found.lines[0]
    amount = money(first.amount_minor, first.currency)
    if found.is_suggestion:
        divergence, subject = "suggested_match", found.movements[0].subject
        reason = (
            f"A {first.kind} of {amount} without any reference lies within two days of this movement of the same "
            "amount; nothing is claimed until a person confirms it."
        )
    else:
        divergence, subject = "ambiguous_match", found.subject
        why = "whose references disagree or are shared" if found.is_conflict else "without any reference"
        reason = (
            f"{len(found.movements)} movement(s) and {len(found.lines)} line(s) {why} could answer each other "
            f"(first line {amount}); none is guessed."
        )
    payments = {m.payment_id for m in found.movements}
    return Finding(
        divergence=divergence,
        subject=subject,
        gateway=first.gateway,
        gateway_account=first.gateway_account,
        currency=currency,
        ledger_minor=ledger_minor,
        gateway_minor=gateway_minor,
        diff_minor=ledger_minor - gateway_minor,
        identity_minor=ledger_minor - gateway_minor,
        payment_id=payments.pop() if len(payments) == 1 else None,
        native_id=first.native_id if len(found.lines) == 1 else None,
        batch_id=first.batch_id,
        reason=reason,
        trace_id=found.movements[0].trace_id if found.is_suggestion else None,
        first_seen_at=max(line.received_at for line in found.lines),
        evidence={
            "members": [m.subject for m in found.movements] + [line.subject for line in found.lines],
            "journals": [m.journal_id for m in found.movements],
            "lines": [cite[line.line_id] for line in found.lines],
        },
    )


def _node(line: Line) -> str:
    return f"line-id:{line.line_id}"
