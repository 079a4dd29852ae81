"""Stripe's reporting categories as kinds of lines. The list is open: a category that is not here is held."""

from __future__ import annotations

_KINDS = {
    "charge": "charge",
    "charge_failure": "charge_failure",
    "partial_capture_reversal": "partial_capture_reversal",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "chargeback": "dispute",
    "chargeback_reversal": "dispute_reversal",
    "fee": "fee tax network_cost contribution",
    "payout": "payout",
    "payout_reversal": "payout_reversal",
    "transfer": "transfer transfer_reversal topup topup_reversal connect_collection_transfer advance advance_funding "
    "financing_payout financing_payout_reversal issuing_disbursement",
    "reserve": "payout_minimum_balance_hold payout_minimum_balance_release risk_reserved_funds connect_reserved_funds "
    "payment_network_reserve_hold payment_network_reserve_release",
    "adjustment": "other_adjustment unreconciled_customer_funds",
    "other": "platform_earning platform_earning_refund anticipation_repayment climate_order_purchase "
    "climate_order_refund financing_paydown financing_paydown_reversal issuing_authorization_hold "
    "issuing_authorization_release issuing_dispute issuing_dispute_fraud_liability_debit "
    "issuing_dispute_provisional_credit issuing_dispute_provisional_credit_reversal issuing_transaction",
}

REPORTING_CATEGORIES = {category: kind for kind, categories in _KINDS.items() for category in categories.split()}

PAYMENT_KINDS = (
    "charge", "charge_failure", "partial_capture_reversal", "refund", "refund_failure", "chargeback",
    "chargeback_reversal",
)  # fmt: skip
"""Kinds whose gross is compared with the ledger."""
