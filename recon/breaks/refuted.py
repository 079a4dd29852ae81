"""Classes that a match refutes by itself: they said that a movement or line had no other side, or none of its own.

Whatever else is said of a matched movement or line (its amount, its fee, its day) a run must have been able to look at
before its silence means anything.
"""

from __future__ import annotations

BY_A_MATCH = frozenset({
    "missing_at_gateway", "missing_in_ledger", "refund_missing_at_gateway", "refund_missing_in_ledger",
    "chargeback_missing_at_gateway", "chargeback_unposted", "chargeback_reversal_unposted", "captured_but_voided",
    "duplicate_capture", "duplicate_refund", "refund_failed", "suggested_match", "ambiguous_match",
})  # fmt: skip

FEEDS_THAT_CAME = frozenset({"feed_late", "feed_incomplete"})
"""Feed classes that an accepted file ends; a restatement has happened and stays."""

TOLD_BY_A_WHOLE_BATCH = frozenset({"payout_residual", "payout_missing", "negative_carry_over"})
"""Batch classes that are looked at only where the batch is there as a whole."""
