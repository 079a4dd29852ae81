"""What a run will read of the lake, told before it reads: refused where it is more than anybody meant to pay for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from recon.engine import budget
from recon.engine.port import Call, Engine
from recon.match.request import Request

_INSTEAD = "reconcile a shorter window"

NEAR = timedelta(days=1)
"""How far from a cohort, and from a line's own time, a hole in the lake may lie and still explain something."""


@dataclass(slots=True)
class Scan:
    """Bytes of a run's reading: as estimated before each part of it, and as the engine counted them after."""

    estimated_bytes: int
    budget_bytes: int
    scanned_bytes: int = 0

    def to_dict(self) -> dict[str, Any] | None:
        """As summary.json has it; None where reading costs nothing."""
        if not self.estimated_bytes:
            return None
        return {"estimated_bytes": self.estimated_bytes, "scanned_bytes": self.scanned_bytes,
                "budget_bytes": self.budget_bytes}


def calls(request: Request) -> list[Call]:
    """The queries of a run that read the lake's tables whatever they find, with their parameters.

    feed_files is not among them: it has been read by then, and counts by what the engine says. What only looks up
    single findings reads what their keys select, and is not counted; what becomes necessary on the way is: see look_up.
    """
    search = {"search_from": request.search_from, "as_of": request.as_of}
    cohort = {"cohort_from": request.cohort_from, "cohort_to": request.cohort_to}
    known = {"known_at": request.known_at}
    return [
        ("expected_feeds", known),
        ("calendar_days", known),
        ("clearing", search),
        ("reported", search),
        ("control_gaps", near(request)),
        ("controlled_hours", {"hours_from": request.search_from, "hours_until": request.as_of}),
        ("batch_rows", known),
        ("repeated_entries", cohort),
        ("repeated_states", cohort),
        ("unbalanced_journals", cohort),
    ]


def near(request: Request) -> dict[str, Any]:
    """The hours in which holes are looked for."""
    return {"hours_from": request.cohort_from - NEAR, "hours_until": min(request.cohort_to + NEAR, request.as_of)}


def within_budget(engine: Engine, request: Request, budget_bytes: int) -> Scan:
    """The estimate for a run on what was exposed. Raises OverBudget."""
    estimated = budget.within(engine, calls(request), budget_bytes, scratch=True, what=_named(request),
                              instead=_INSTEAD)
    return Scan(estimated, budget_bytes)


def look_up(engine: Engine, request: Request, scan: Scan) -> None:
    """Adds what it takes to look up charges that the ledger does not answer. Raises OverBudget before it is read."""
    outcomes: Call = ("payment_outcomes", {"search_from": request.search_from, "as_of": request.as_of})
    estimated = scan.estimated_bytes + engine.estimate([outcomes])
    budget.require(estimated, scan.budget_bytes, engine, what=_named(request), instead=_INSTEAD)
    scan.estimated_bytes = estimated


def _named(request: Request) -> str:
    return f"{request.window} as of {request.as_of:%Y-%m-%d}"
