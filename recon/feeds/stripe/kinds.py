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

_TYPE_KINDS = {
    "charge": "charge payment validation",
    "charge_failure": "payment_failure_refund",
    "refund": "refund payment_refund",
    "refund_failure": "refund_failure",
    "fee": "stripe_fee stripe_fx_fee tax_fee tax_fund contribution",
    "payout": "payout",
    "payout_reversal": "payout_cancel payout_failure",
    "transfer": "transfer transfer_cancel transfer_failure transfer_refund recipient_transfer "
    "recipient_transfer_cancel recipient_transfer_failure topup topup_reversal connect_collection_transfer advance "
    "advance_funding inbound_transfer inbound_transfer_reversal stripe_balance_payment_debit "
    "stripe_balance_payment_debit_reversal",
    "reserve": "payout_minimum_balance_hold payout_minimum_balance_release reserved_funds reserve_hold reserve_release "
    "reserve_transaction payment_network_reserve_hold payment_network_reserve_release",
    "adjustment": "adjustment obligation_outbound obligation_reversal_inbound payment_reversal payment_unreconciled "
    "transferred_to_balance_transaction adjusted_for_overdraft_transaction",
    "other": "application_fee application_fee_refund anticipation_repayment climate_order_purchase "
    "climate_order_refund fee_credit_funding issuing_authorization_hold issuing_authorization_release issuing_dispute "
    "issuing_transaction",
}

TYPES = {raw: kind for kind, types in _TYPE_KINDS.items() for raw in types.split()}
"""Types of balance transactions, for files that print them instead of a reporting category."""

# Stripe's type of a dispute is a mere adjustment; its source tells it apart, its sign says which way.
KIND_BY_TYPE = (
    "CASE WHEN type_kind = 'adjustment' AND regexp_matches(coalesce(source_id, ''), '^(dp|du)_') "
    "THEN CASE WHEN gross < 0 THEN 'chargeback' ELSE 'chargeback_reversal' END ELSE type_kind END"
)

PAYMENT_KINDS = (
    "charge", "charge_failure", "partial_capture_reversal", "refund", "refund_failure", "chargeback",
    "chargeback_reversal",
)  # fmt: skip
"""Kinds whose gross is compared with the ledger."""
