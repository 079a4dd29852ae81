"""Which runs a world lists: at least six hours and two days each of T+7, T+14 and T+30, as far as its days allow."""

from __future__ import annotations

import random

from recon.worlds.clock import DAY, HOUR
from recon.worlds.model import Run

BACK = {"T+7": 7, "T+14": 14, "T+30": 30}


def hourly(as_of: int) -> Run:
    """The hourly run as of an instant on the hour."""
    return Run("hourly", as_of, as_of, as_of - 2 * HOUR, as_of - HOUR)


def daily(window: str, cohort_from: int) -> Run:
    """The T+N run whose cohort begins at `cohort_from`, known as of its own instant."""
    as_of = cohort_from + BACK[window] * DAY
    return Run(window, as_of, as_of, cohort_from, cohort_from + DAY)


def listed_runs(seed: int, start: int, days: int) -> list[Run]:
    """Runs in order of window and time. The first T+7 and the first T+14 share their cohort, so that a late file is
    seen missing by the one and settled by the other. Nothing is asked about after the last day."""
    rng = random.Random(f"{seed}:runs")
    early = rng.sample(range(2, max(5, min(days - 29, 12))), 3)
    wanted = {
        "T+7": [early[0], days - 8 - rng.randrange(6)],
        "T+14": [early[0], days - 16 - rng.randrange(6)],
        "T+30": sorted(early[1:]),
    }
    runs = [
        daily(window, start + day * DAY)
        for window, cohorts in wanted.items()
        for day in cohorts
        if 0 < day <= days - BACK[window]
    ]
    quiet = sorted(set(range(3, days - 1)) - set(early))
    chosen = [*rng.sample(quiet, min(4, len(quiet))), early[0], early[2]]
    at = [start + day * DAY + hour * HOUR for day, hour in zip(chosen, (15, 9, 18, 12, 21, 14), strict=False)]
    return runs + [hourly(as_of) for as_of in sorted(at)]
