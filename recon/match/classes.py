"""Which class an unanswered or unequal movement or line gets, by its kind."""

from __future__ import annotations

MISSING_AT_GATEWAY = {
    "charge": "missing_at_gateway",
    "charge_failure": "missing_at_gateway",
    "refund": "refund_missing_at_gateway",
    "refund_failure": "refund_missing_at_gateway",
    "chargeback": "chargeback_missing_at_gateway",
    "chargeback_reversal": "chargeback_missing_at_gateway",
}
MISSING_IN_LEDGER = {
    "charge": "missing_in_ledger",
    "charge_failure": "missing_in_ledger",
    "partial_capture_reversal": "missing_in_ledger",
    "refund": "refund_missing_in_ledger",
    "refund_failure": "refund_failed",
    "chargeback": "chargeback_unposted",
    "chargeback_reversal": "chargeback_reversal_unposted",
}
AMOUNT_MISMATCH = {
    "charge": "amount_mismatch",
    "charge_failure": "amount_mismatch",
    "refund": "refund_amount_mismatch",
    "refund_failure": "refund_amount_mismatch",
    "chargeback": "chargeback_amount_mismatch",
    "chargeback_reversal": "chargeback_amount_mismatch",
}
