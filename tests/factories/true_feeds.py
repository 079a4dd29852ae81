"""What is true of a simulated history's deliveries at any instant, whatever runs it lists."""

from __future__ import annotations

from recon.worlds.clock import DAY
from recon.worlds.model import Run
from recon.worlds.truth_feeds import decide_batches, decide_feeds
from recon.worlds.truth_rows import RunTruth, Truth
from recon.worlds.view import Index, View

NAMED = ("feed_late", "feed_incomplete", "batch_gap")
"""Classes that the arrival model names and a world decides."""
LOOK_BACK = 35 * DAY


def true_at(index: Index, as_of: int, known_at: int | None = None) -> list[Truth]:
    """What must be named: the truth of a run whose cohort is the whole look-back. Instants are milliseconds."""
    run = Run("hourly", as_of, as_of if known_at is None else known_at,
              max(as_of - LOOK_BACK, index.history.start), as_of)  # fmt: skip
    truth = RunTruth(run)
    view = View.of(index, run)
    decide_feeds(view, truth)
    decide_batches(view, truth)
    return [row for row in truth.rows if row.divergence in NAMED]
