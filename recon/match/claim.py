"""Claiming: which movement answers for which line. A claim is made only where every key that both carry agrees.

Works on clusters: the movements of one payment with every line that names it by any key (several payments where a
line names several). Order of keys: operation_ref, gateway_ref, payment_ref.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recon.match.facts import HELD, Claim, Line, Movement
from recon.match.union import Components

KEYS = ("operation_ref", "gateway_ref", "payment_ref")
_RIDERS = ("charge_failure", "partial_capture_reversal")
"""Kinds that correct a charge: they print a reference of their own, so operation_ref cannot contradict."""


@dataclass(slots=True)
class Claims:
    """What claiming found. Every movement and line given is in exactly one place of it (doubles in none)."""

    claims: list[Claim] = field(default_factory=list)
    further: list[tuple[Line, Movement]] = field(default_factory=list)
    """Lines of an operation whose movement is already claimed by a line that agrees."""
    conflicts: list[tuple[Movement, Line]] = field(default_factory=list)
    """Edges between unclaimed movements and lines whose keys disagree or are shared by several."""
    movements: list[Movement] = field(default_factory=list)
    """Unclaimed movements without any conflict."""
    held: list[Movement] = field(default_factory=list)
    """Unclaimed movements that a line of unknown type names."""
    lines: list[Line] = field(default_factory=list)
    """Unclaimed lines that no movement of their kind answers, and held lines."""


def hits(movement: Movement, line: Line, key: str) -> bool:
    """Whether both carry `key` with the same value."""
    value = getattr(line, key)
    return bool(value) and value == getattr(movement, key)


def agree(movement: Movement, line: Line) -> bool:
    """Whether no key that both carry differs."""
    return not disagreeing(movement, line)


def disagreeing(movement: Movement, line: Line) -> list[str]:
    """The keys that both carry and that differ."""
    keys = KEYS[1:] if line.kind in _RIDERS else KEYS
    pairs = ((key, getattr(movement, key), getattr(line, key)) for key in keys)
    return [key for key, ours, theirs in pairs if ours and theirs and ours != theirs]


def claim(movements: Sequence[Movement], lines: Sequence[Line]) -> Claims:
    """Claim lines for movements. Deterministic: the order of the input does not matter."""
    live = sorted((m for m in movements if not m.is_double), key=_movement_order)
    found = Claims()
    for cluster_movements, cluster_lines in _clusters(live, sorted(lines, key=_line_order)):
        _Cluster(cluster_movements, cluster_lines).resolve(found)
    return found


def _clusters(movements: list[Movement], lines: list[Line]) -> Iterable[tuple[list[Movement], list[Line]]]:
    index: dict[tuple[str, str, str, str], list[Movement]] = defaultdict(list)
    components: Components[str] = Components()
    by_payment: dict[tuple[str, str, int], str] = {}
    for movement in movements:
        first = by_payment.setdefault(
            (movement.gateway, movement.gateway_account, movement.payment_id), movement.subject
        )
        components.join(first, movement.subject)
        for key in KEYS:
            if value := getattr(movement, key):
                index[movement.gateway, movement.gateway_account, key, value].append(movement)
    for line in lines:
        components.join(line.line_id, line.line_id)
        values = [(key, getattr(line, key)) for key in KEYS] + [("operation_ref", line.charge_ref)]
        for key, value in values:
            for movement in index.get((line.gateway, line.gateway_account, key, value), ()) if value else ():
                components.join(movement.subject, line.line_id)
    members: dict[str, tuple[list[Movement], list[Line]]] = defaultdict(lambda: ([], []))
    for movement in movements:
        members[components.find(movement.subject)][0].append(movement)
    for line in lines:
        members[components.find(line.line_id)][1].append(line)
    return members.values()


class _Cluster:
    """One cluster while it is being claimed."""

    def __init__(self, movements: list[Movement], lines: list[Line]) -> None:
        self.movements = movements
        self.lines = lines
        self.taken: set[str] = set()
        self.answered: dict[str, list[Claim]] = defaultdict(list)
        self.tangled: set[str] = set()
        self.conflicts: list[tuple[Movement, Line]] = []
        self.has_reversal = any(m.kind == "charge_failure" for m in movements)

    def resolve(self, found: Claims) -> None:
        """Claim by each key in turn, attach what corrects a capture, then sort the rest."""
        for key in KEYS:
            self._claim_by(key)
        self._attach("partial_capture_reversal")
        if not self.has_reversal:
            self._attach("charge_failure")
        for claims in self.answered.values():
            found.claims += claims
        self._place_lines(found)
        self._place_movements(found)
        found.conflicts += self.conflicts

    def _claim_by(self, key: str) -> None:
        movements = [m for m in self.movements if m.journal_id not in self.answered and m.subject not in self.tangled]
        lines = [line for line in self._open_lines() if self._may_answer(line)]
        for some_movements, some_lines in _linked(movements, lines, key):
            pairs = _pair(some_movements, some_lines, key)
            if pairs is None:
                self.tangled.update(m.subject for m in some_movements)
                self.tangled.update(line.line_id for line in some_lines)
                self.conflicts += [(m, line) for m in some_movements for line in some_lines]
            for movement, line in pairs or ():
                self._take(movement, line, key)

    def _attach(self, kind: str) -> None:
        """A failure, or the reversal of what was not captured, goes to the one claimed capture that it can mean."""
        for line in self._open_lines():
            if line.kind != kind:
                continue
            captures = [
                m for m in self.movements if m.kind == "charge" and m.journal_id in self.answered and _names(m, line)
            ]
            if len(captures) == 1:
                rule = next((key for key in KEYS if hits(captures[0], line, key)), "charge_ref")
                self._take(captures[0], line, rule)

    def _place_lines(self, found: Claims) -> None:
        for line in self._open_lines():
            named = [m for m in self.movements if m.kind == line.kind and any(hits(m, line, key) for key in KEYS)]
            claimed = [m for m in named if m.journal_id in self.answered]
            free = [m for m in named if m.journal_id not in self.answered]
            certain = [m for m in claimed if agree(m, line)]
            if certain or (claimed and not free):
                found.further.append((line, (certain or claimed)[0]))
            elif free:
                self.conflicts += [(m, line) for m in free]
            else:
                found.lines.append(line)

    def _place_movements(self, found: Claims) -> None:
        tangled = {m.subject for m, _ in self.conflicts}
        for movement in self.movements:
            if movement.journal_id in self.answered or movement.subject in tangled:
                continue
            unknown = [line for line in self.lines if line.kind == HELD]
            is_held = any(hits(movement, line, key) for line in unknown for key in KEYS)
            (found.held if is_held else found.movements).append(movement)

    def _open_lines(self) -> list[Line]:
        return [line for line in self.lines if line.line_id not in self.taken and line.line_id not in self.tangled]

    def _may_answer(self, line: Line) -> bool:
        if line.kind in (HELD, "partial_capture_reversal"):
            return False
        return self.has_reversal or line.kind != "charge_failure"

    def _take(self, movement: Movement, line: Line, rule: str) -> None:
        self.taken.add(line.line_id)
        self.answered[movement.journal_id].append(Claim(movement, line, rule))


def _linked(movements: list[Movement], lines: list[Line], key: str) -> list[tuple[list[Movement], list[Line]]]:
    """Connected components of movements and lines of one kind that share `key` and agree in all keys."""
    components: Components[str] = Components()
    edges = [
        (m, line) for m in movements for line in lines if m.kind == line.kind and hits(m, line, key) and agree(m, line)
    ]
    for movement, line in edges:
        components.join(movement.subject, line.line_id)
    members: dict[str, tuple[dict[str, Movement], dict[str, Line]]] = defaultdict(lambda: ({}, {}))
    for movement, line in edges:
        some_movements, some_lines = members[components.find(movement.subject)]
        some_movements[movement.subject] = movement
        some_lines[line.line_id] = line
    return [(list(ms.values()), sorted(ls.values(), key=_line_order)) for ms, ls in members.values()]


def _pair(movements: list[Movement], lines: list[Line], key: str) -> list[tuple[Movement, Line]] | None:
    """Who claims what among candidates that all agree; None where that would be a guess."""
    if len(movements) == 1:
        movement = movements[0]
        same = all((line.currency, line.amount_minor) == (movement.currency, movement.amount_minor) for line in lines)
        if len(lines) == 1 or key == "operation_ref" or movement.kind == "charge" or same:
            return [(movement, lines[0])]
        return None
    ours = Counter((m.currency, m.amount_minor) for m in movements)
    theirs = Counter((line.currency, line.amount_minor) for line in lines)
    if ours != theirs:
        return None
    return list(
        zip(
            sorted(movements, key=lambda m: (m.currency, m.amount_minor, *_movement_order(m))),
            sorted(lines, key=lambda line: (line.currency or "", line.amount_minor, *_line_order(line))),
            strict=True,
        )
    )


def _names(movement: Movement, line: Line) -> bool:
    by_charge = bool(line.charge_ref) and line.charge_ref == movement.operation_ref
    return (by_charge or any(hits(movement, line, key) for key in KEYS)) and agree(movement, line)


def _movement_order(movement: Movement) -> tuple[datetime, int, str]:
    return (movement.event_at, movement.sequence, movement.journal_id)


def _line_order(line: Line) -> tuple[datetime, str, str]:
    return (line.occurred_at, line.native_id, line.line_id)
