"""What the registration of one run changed."""

from __future__ import annotations

from dataclasses import dataclass

from recon.breaks.case import SEVERITIES, Case
from recon.breaks.entry import Entry


@dataclass(frozen=True, slots=True)
class Changes:
    """Cases as the run left them, in the order of the log. A reclassified case may be escalated too.

    `already` says that the run had been registered before: nothing was changed this time.
    """

    run_id: str
    opened: tuple[Case, ...] = ()
    reopened: tuple[Case, ...] = ()
    escalated: tuple[Case, ...] = ()
    reclassified: tuple[Case, ...] = ()
    resolved: tuple[Case, ...] = ()
    seen: int = 0
    """How many were found again with nothing else to say of them."""
    already: bool = False


def changes_of(run_id: str, steps: list[tuple[Case | None, Entry, Case]], *, already: bool = False) -> Changes:
    """The changes of a run from its entries, each with its case before and after."""
    by_action: dict[str, list[Case]] = {name: [] for name in ("opened", "reopened", "reclassified", "resolved", "seen")}
    escalated = []
    for before, entry, after in steps:
        by_action[entry.action].append(after)
        if before and entry.action != "reopened" and after.is_unfinished and _rank(after) > _rank(before):
            escalated.append(after)
    return Changes(run_id, tuple(by_action["opened"]), tuple(by_action["reopened"]), tuple(escalated),
                   tuple(by_action["reclassified"]), tuple(by_action["resolved"]), len(by_action["seen"]), already)


def _rank(case: Case) -> int:
    return SEVERITIES.index(case.severity)
