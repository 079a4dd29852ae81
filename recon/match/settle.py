"""Every open movement and line finds its place: claimed, in a group, missing, waiting or held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from recon.match.claim import Claims
from recon.match.coherence import Control
from recon.match.decide import (
    decide_claimed,
    decide_double,
    decide_further,
    decide_missing,
    decide_unanswered,
)
from recon.match.facts import HELD, Line, Movement
from recon.match.finding import Finding
from recon.match.groups import Group, group, group_findings
from recon.match.identity import Waiting
from recon.match.knowledge import Knowledge
from recon.match.nearest import Nearest

Know = Callable[[Sequence[Line], Sequence[Movement]], Knowledge]
"""Looks up what the ledger knows of unanswered charges, and what was authorised of short movements."""


def settle(
    movements: Sequence[Movement], claims: Claims, control: Control, know: Know
) -> tuple[list[Finding], Waiting]:
    """Findings of the cohort's open movements and lines, and what of it waits or is held."""
    starved = {line.line_id: why for line in claims.lines if (why := control.starves(line))}
    keyless = [line for line in claims.lines if not line.has_key and line.kind != HELD and line.line_id not in starved]
    groups = group(claims.conflicts, keyless, [m for m in claims.movements if m.is_decidable])
    grouped = {m.subject for found in groups for m in found.movements}
    grouped |= {line.subject for found in groups for line in found.lines}
    lines = [line for line in claims.lines if line.in_cohort and line.kind != HELD and line.subject not in grouped]
    unanswered = [line for line in lines if line.line_id not in starved]
    answered = _answered(claims)
    short = [m for m, of in answered if m.kind == "charge" and sum(line.amount_minor for line in of) < m.amount_minor]
    known = know([line for line in unanswered if line.kind == "charge"], short)
    nearest = Nearest([m for m in claims.movements if m.is_decidable], claims.lines)
    findings = [
        *(decide_double(m) for m in movements if m.is_double and m.in_cohort),
        *(finding for m, of in answered if m.in_cohort for finding in decide_claimed(m, of, known)),
        *_further(claims, answered, known),
        *_grouped(groups, known),
    ]
    for movement in claims.movements:
        if movement.in_cohort and movement.is_decidable and movement.subject not in grouped:
            findings.append(replace(decide_missing(movement), nearest_miss=nearest.to_movement(movement)))
    for line in unanswered:
        findings.append(replace(decide_unanswered(line, known), nearest_miss=nearest.to_line(line)))
    return findings, Waiting(
        movements=[
            *(m for m in claims.movements if m.in_cohort and not m.is_decidable),
            *(m for m in claims.held if m.in_cohort),
        ],
        lines=[line for line in lines if line.line_id in starved],
        held=[line for line in claims.lines if line.in_cohort and line.kind == HELD],
    )


def _answered(claims: Claims) -> list[tuple[Movement, list[Line]]]:
    found: dict[str, tuple[Movement, list[Line]]] = {}
    for claim in claims.claims:
        found.setdefault(claim.movement.journal_id, (claim.movement, []))[1].append(claim.line)
    return list(found.values())


def _further(claims: Claims, answered: Sequence[tuple[Movement, Sequence[Line]]], known: Knowledge) -> list[Finding]:
    """Lines beside a claimed one, compared with all lines that the payment's movements of their kind claimed."""
    of_payment: dict[tuple[str, str, int, str], list[Line]] = defaultdict(list)
    for movement, lines in answered:
        of_payment[_place(movement)] += lines
    return [
        decide_further(line, movement, of_payment[_place(movement)], known)
        for line, movement in claims.further
        if line.in_cohort
    ]


def _place(movement: Movement) -> tuple[str, str, int, str]:
    return (movement.gateway, movement.gateway_account, movement.payment_id, movement.kind)


def _grouped(groups: Sequence[Group], known: Knowledge) -> list[Finding]:
    return [
        finding
        for found in groups
        for finding in group_findings(found, {line.line_id: known.cite(line) for line in found.lines})
    ]
