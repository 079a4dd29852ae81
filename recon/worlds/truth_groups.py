"""Twins: lines that name nobody, or several, with the movements that they could answer."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from recon.worlds.clock import DAY
from recon.worlds.model import Line, Movement
from recon.worlds.truth_rows import Truth, line_subject, move_subject
from recon.worlds.view import View

_REACH = 2 * DAY

Claimed = Callable[[Movement, View], list[Line]]
Unreferenced = Callable[[Movement, View], tuple[list[Movement], list[Line]]]
Countable = Callable[[Movement, View], bool]
Member = Movement | Line


@dataclass(slots=True)
class Groups:
    """Connected components of candidates."""

    parts: list[tuple[list[Movement], list[Line], bool]] = field(default_factory=list)
    members: set[int] = field(default_factory=set)

    def __contains__(self, item: Member) -> bool:
        return id(item) in self.members

    def rows(self, view: View, journal_ids: list[str]) -> list[Truth]:
        """One row per group with a member in the run's cohort, with that cohort's part."""
        found = []
        for moves, lines, conflict in self.parts:
            mine = [m.signed for m in moves if view.in_cohort(m.at)]
            theirs = [line.gross for line in lines if view.in_cohort(line.at)]
            if not mine and not theirs:
                continue
            diff = sum(mine) - sum(theirs)
            account, currency = moves[0].account, moves[0].currency
            if conflict or len(moves) > 1 or len(lines) > 1:
                subjects = sorted(
                    [*(move_subject(m, journal_ids) for m in moves), *map(line_subject, lines)],
                    key=lambda subject: subject.encode(),
                )
                subject = "group:" + hashlib.sha256("\n".join(subjects).encode()).hexdigest()
                found.append(Truth("ambiguous_match", subject, account.gateway, account.name, currency, diff, diff))
            else:
                found.append(
                    Truth(
                        "suggested_match",
                        move_subject(moves[0], journal_ids),
                        account.gateway,
                        account.name,
                        currency,
                        diff,
                        diff,
                        moves[0].payment.id,
                        lines[0].native_id,
                    )
                )
        return found


def groups_of(view: View, claimed: Claimed, unreferenced: Unreferenced, countable: Countable) -> Groups:
    """All groups that the run's knowledge leaves undecided, wherever their members lie."""
    edges: list[tuple[Movement, Line, bool]] = []
    for line in view.index.loose:
        if line.kind == "held" or not view.has_line(line):
            continue
        # What waits for the lake is no candidate; references that disagree are a group all the same.
        if not line.tangle and view.starved(line):
            continue
        edges += [(move, line, True) for move in line.tangle if view.has_move(move)]
        edges += [
            (move, line, False)
            for move in view.index.resembling(line)
            if abs(move.at - line.at) <= _REACH
            and not move.repeats
            and view.has_move(move)
            and (move in line.tangle or (not claimed(move, view) and view.is_due(move) and not view.is_held(move)))
        ]
    for move in view.index.unreferenced:
        if view.has_move(move) and not countable(move, view):
            edges += [(move, line, True) for line in unreferenced(move, view)[1]]
    return _components(edges)


def _components(edges: list[tuple[Movement, Line, bool]]) -> Groups:
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for move, line, _ in edges:
        parent[root(id(line))] = root(id(move))
    found: dict[int, tuple[dict[int, Movement], dict[int, Line], list[bool]]] = defaultdict(lambda: ({}, {}, []))
    for move, line, conflict in edges:
        moves, lines, conflicts = found[root(id(move))]
        moves[id(move)], lines[id(line)] = move, line
        conflicts.append(conflict)
    groups = Groups(members=set(parent))
    groups.parts = [
        (list(moves.values()), list(lines.values()), any(conflicts)) for moves, lines, conflicts in found.values()
    ]
    return groups
