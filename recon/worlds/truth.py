"""The truth about any run of a history: what must be found, what is claimed, what waits."""

from __future__ import annotations

from recon.worlds.model import History, Run
from recon.worlds.truth_feeds import decide_batches, decide_feeds, decide_lake
from recon.worlds.truth_money import decide_money
from recon.worlds.truth_rows import RunTruth
from recon.worlds.view import Index, View

CLASSES = (
    "missing_at_gateway",
    "missing_in_ledger",
    "amount_mismatch",
    "currency_mismatch",
    "scale_error",
    "duplicate_capture",
    "captured_but_voided",
    "partial_capture",
    "capture_failed_at_gateway",
    "ambiguous_match",
    "suggested_match",
    "refund_missing_at_gateway",
    "refund_missing_in_ledger",
    "refund_amount_mismatch",
    "duplicate_refund",
    "refund_failed",
    "chargeback_unposted",
    "chargeback_missing_at_gateway",
    "chargeback_amount_mismatch",
    "chargeback_reversal_unposted",
    "double_posting",
    "feed_late",
    "feed_incomplete",
    "feed_duplicate",
    "feed_restated",
    "payout_residual",
    "payout_missing",
    "batch_gap",
    "negative_carry_over",
    "lake_gap",
    "duplicate_delivery",
)
"""The classes that a world decides; rows of others are not scored."""


def truth_for(history: History, run: Run, index: Index | None = None) -> RunTruth:
    """The truth of one run. Needs the history's deliveries and journal ids (made when the lake is written). `index`
    saves reading the history again for the next run."""
    view = View.of(index or Index.of(history), run)
    truth = RunTruth(run)
    decide_money(view, truth, history.journal_ids)
    decide_feeds(view, truth)
    decide_batches(view, truth)
    decide_lake(view, truth)
    return truth


def truths_of(history: History) -> list[RunTruth]:
    """The truth of every listed run."""
    index = Index.of(history)
    return [truth_for(history, run, index) for run in history.runs]
