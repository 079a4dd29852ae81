"""The movement identity: ledger − gateway = named + pending + held + unexplained, per gateway, account and currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from recon.engine.port import Engine
from recon.match.facts import Line, Movement
from recon.match.finding import Finding

Key = tuple[str, str, str]
"""Gateway, gateway account, currency."""


@dataclass(slots=True)
class Total:
    """One line of the identity. Counts of movements, amounts in minor units of the currency."""

    movements: int = 0
    matched: int = 0
    pending: int = 0
    divergent: int = 0
    ledger_minor: int = 0
    ledger_value_minor: int = 0
    gateway_minor: int = 0
    matched_minor: int = 0
    matched_value_minor: int = 0
    named_minor: int = 0
    pending_minor: int = 0
    held_minor: int = 0

    @property
    def unexplained_minor(self) -> int:
        """What nothing explains: 0, or something is wrong."""
        return self.ledger_minor - self.gateway_minor - self.named_minor - self.pending_minor - self.held_minor


@dataclass(frozen=True, slots=True)
class Waiting:
    """Movements and lines of the cohort that were looked at one by one and wait, and held lines."""

    movements: Sequence[Movement]
    lines: Sequence[Line]
    held: Sequence[Line]


def totals(engine: Engine, findings: Iterable[Finding], waiting: Waiting) -> dict[Key, Total]:
    """The identity of the cohort. Ledger and gateway totals come from queries that read no classification."""
    found: dict[Key, Total] = defaultdict(Total)
    for row in engine.fetch("total_movements").to_pylist():
        total = found[_key(row)]
        total.movements, total.ledger_minor = row["movements"], int(row["amount_minor"])
        total.ledger_value_minor = int(row["value_minor"])
    for row in engine.fetch("total_lines").to_pylist():
        found[_key(row)].gateway_minor = int(row["amount_minor"])
    for row in engine.fetch("matched_totals").to_pylist():
        total = found[_key(row)]
        total.matched, total.matched_minor = row["movements"], int(row["amount_minor"])
        total.matched_value_minor = int(row["value_minor"])
    for row in engine.fetch("waiting_movements").to_pylist():
        total = found[_key(row)]
        total.pending += row["movements"]
        total.pending_minor += int(row["amount_minor"])
    for movement in waiting.movements:
        total = found[movement.gateway, movement.gateway_account, movement.currency]
        total.pending += 1
        total.pending_minor += movement.amount_minor
    for line in waiting.lines:
        found[_of(line)].pending_minor -= line.amount_minor
    for line in waiting.held:
        found[_of(line)].held_minor -= line.amount_minor
    for finding in findings:
        if finding.gateway and finding.gateway_account and finding.currency and finding.subject_kind in _MONEY:
            total = found[finding.gateway, finding.gateway_account, finding.currency]
            total.divergent += 1
            total.named_minor += finding.identity_minor
    return dict(sorted(found.items()))


_MONEY = ("movement", "line", "group")
"""Kinds of subject whose findings speak of movements or lines."""


def _key(row: dict[str, Any]) -> Key:
    return (row["gateway"], row["gateway_account"], row["currency"] or "")


def _of(line: Line) -> Key:
    return (line.gateway, line.gateway_account, line.currency or "")
