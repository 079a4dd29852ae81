"""Plain words for the classes of divergence, the feed states and the reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "missing_at_gateway": ("Missing at gateway", "The ledger has it, the gateway's settled files do not."),
    "missing_in_ledger": ("Missing in ledger", "The gateway settled it, the ledger has no entry."),
    "amount_mismatch": ("Amount differs", "Both sides have it, with different amounts."),
    "currency_mismatch": ("Currency differs", "Both sides have it, in different currencies."),
    "scale_error": ("Decimal places wrong", "One side is a power of ten of the other."),
    "partial_capture": ("Captured in part", "The gateway captured less than the ledger says."),
    "duplicate_capture": ("Captured twice", "The gateway charged again for one capture."),
    "double_posting": ("Posted twice", "The ledger posted one operation twice."),
    "captured_but_voided": ("Captured though voided", "The gateway charged a payment that the ledger has released."),
    "capture_failed_at_gateway": ("Capture failed later", "The gateway took a charge back, the ledger did not."),
    "ambiguous_match": ("Ambiguous", "Several partners fit equally; nothing was guessed."),
    "suggested_match": ("Suggested match", "One likely partner without a shared reference; nothing was claimed."),
    "refund_missing_at_gateway": ("Refund missing at gateway", "The ledger refunded, the gateway's files do not."),
    "refund_missing_in_ledger": ("Refund missing in ledger", "The gateway refunded, the ledger did not."),
    "refund_amount_mismatch": ("Refund amount differs", "Both sides refunded, with different amounts."),
    "duplicate_refund": ("Refunded twice", "The gateway refunded again for one refund."),
    "refund_failed": ("Refund failed", "The gateway returned a refund, the ledger did not."),
    "chargeback_unposted": ("Chargeback not posted", "The gateway took a chargeback, the ledger has none."),
    "chargeback_missing_at_gateway": ("Chargeback missing at gateway", "Only the ledger knows of a chargeback."),
    "chargeback_amount_mismatch": ("Chargeback amount differs", "Both sides have it, with different amounts."),
    "chargeback_reversal_unposted": ("Won dispute not posted", "The gateway gave money back, the ledger has not."),
    "fee_variance": ("Fee differs", "The fee is not what the schedule says."),
    "fee_missing": ("Fee missing", "The schedule names a fee that was not charged."),
    "fx_variance": ("Exchange rate differs", "The conversion is outside the tolerance of the day's rate."),
    "settled_late": ("Settled late", "It settled after its due date."),
    "unsettled": ("Not settled", "It is past its due date and not paid out."),
    "clock_skew": ("Clocks disagree", "The payment id's time and the event's time differ."),
    "payout_residual": ("Payout does not add up", "The lines of a batch and the money paid out differ."),
    "payout_missing": ("Payout missing", "A closed batch was not paid out by its due date."),
    "batch_gap": ("Batch number missing", "A batch between two known ones never arrived."),
    "negative_carry_over": ("Carried balance lost", "A balance was carried out and never carried in."),
    "feed_late": ("Feed late", "A settlement file is due and has not arrived."),
    "feed_incomplete": ("Feed incomplete", "A settlement file arrived and its controls failed."),
    "feed_duplicate": ("Feed sent twice", "A settlement file arrived again."),
    "feed_restated": ("Feed restated", "A settlement file arrived again with other content."),
    "unbalanced_journal": ("Journal out of balance", "Debits and credits of a journal differ."),
    "lake_gap": ("Hole in the lake", "The ledger's own control counts more entries than the lake holds."),
    "orphan_hold": ("Hold left open", "A hold is open past its expiry."),
    "status_incoherent": ("Status and journals disagree", "A payment's status does not fit its journals."),
    "stuck_saga": ("Payment stuck", "A payment has not reached an end in its time."),
    "duplicate_delivery": ("Delivered twice", "The lake holds the same entries twice; they count once."),
}

REPORTS: Final[Mapping[str, str]] = {
    "payout_reconciliation": "payout reconciliation",
    "balance_change_from_activity": "balance change from activity",
    "legacy_export": "dashboard export",
    "balance_transactions": "balance transactions",
    "payouts": "payouts",
    "payout_summary": "payout summary",
    "settlement_details": "settlement details",
    "payment_accounting": "payment accounting",
    "aggregate_settlement": "aggregate settlement",
}

WINDOWS: Final[Mapping[str, str]] = {
    "hourly": "Hourly check",
    "T+7": "Seven days after the event (T+7)",
    "T+14": "Fourteen days after the event (T+14)",
    "T+30": "Thirty days after the event (T+30)",
}


def label(name: str) -> str:
    """A class in two or three words; a class that is not in the list is shown by its own name."""
    return CLASSES[name][0] if name in CLASSES else name.replace("_", " ").capitalize()


def meaning(name: str) -> str:
    """A class in one sentence; empty for a class that is not in the list."""
    return CLASSES[name][1] if name in CLASSES else ""


def report(name: str | None) -> str:
    """A report's name as people say it."""
    return REPORTS.get(name or "", (name or "feed").replace("_", " "))


def plural(count: int, one: str, many: str = "") -> str:
    """'1 item', '1,200 items'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
