"""How far the ledger's control totals have come, and the hours between two instants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

HOUR = timedelta(hours=1)
MS = timedelta(milliseconds=1)

Trial = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Progress:
    """All that transactions below `seen_below` wrote to hours in [covers_from, covers_until) has been said.

    `trial`: debits and credits of all that has been said, by currency.
    """

    recorded_at: datetime | None
    covers_from: datetime
    covers_until: datetime
    seen_below: int
    trial: Trial

    @classmethod
    def of(cls, row: Mapping[str, Any], *, first: datetime, settled: int) -> Self:
        """From a row of `control_progress`. `first`: hour of the first journal; below `settled` all have ended.

        Where nothing has run yet all is still to be said. Also where transactions count from below what was seen: the
        database was moved to another server, and what it has written since cannot be told from the rest.
        """
        if row["recorded_at"] is None or settled < row["seen_below"]:
            return cls(row["recorded_at"], first, first, settled, row["trial"] or {})
        return cls(row["recorded_at"], row["covers_from"], row["covers_until"], row["seen_below"], row["trial"])

    def next_at(self, at: datetime) -> datetime:
        """When a run that follows is recorded: `at` to the millisecond, but in any case after the one before it."""
        at -= timedelta(microseconds=at.microsecond % 1000)
        return at if self.recorded_at is None else max(at, self.recorded_at + MS)

    def going_on(self, *, covers_from: datetime, covers_until: datetime, seen_below: int) -> Self:
        """What a run leaves that came this far; it never goes back. Figures are still to be added."""
        return replace(self, covers_from=min(covers_from, self.covers_from),
                       covers_until=max(covers_until, self.covers_until), seen_below=seen_below,
                       trial={currency: list(sides) for currency, sides in self.trial.items()})

    def add(self, figures: Mapping[str, Any]) -> None:
        """Takes figures into the trial balance, in the place of what was said before."""
        if not figures["entry_count"]:
            return
        sides = self.trial.setdefault(figures["currency"], [0, 0])
        sides[0] += figures["debit_minor"] - figures["said_debit_minor"]
        sides[1] += figures["credit_minor"] - figures["said_credit_minor"]

    def row(self, recorded_at: datetime) -> dict[str, Any]:
        """Parameters of `control_ran`."""
        return {"recorded_at": recorded_at, "covers_from": self.covers_from, "covers_until": self.covers_until,
                "seen_below": str(self.seen_below), "trial": json.dumps(self.trial)}


def hour_of(at: datetime) -> datetime:
    """The start of the hour, UTC, that `at` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def hours(begin: datetime, end: datetime) -> list[datetime]:
    """Starts of the hours that begin in [begin, end), for a `begin` that is the start of one."""
    return [begin + number * HOUR for number in range(max(0, -((begin - end) // HOUR)))]
