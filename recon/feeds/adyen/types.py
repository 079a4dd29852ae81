"""Adyen's journal types as kinds of lines. A type that is not here is held."""

from __future__ import annotations

_KINDS = {
    "charge": "Settled SettledBulk SettledInstallment",
    "refund": "Refunded RefundedBulk RefundedInstallment",
    "charge_failure": "CaptureFailed SettledReversed",
    "refund_failure": "RefundedReversed RefundFailed RefundNotCleared",
    "chargeback": "Chargeback SecondChargeback",
    "chargeback_reversal": "ChargebackReversed",
    "fee": "Fee MiscCosts PaymentCost AuthorisationSchemeFee InvoiceDeduction",
    "payout": "MerchantPayout",
    "payout_reversal": "BankInstructionReturned",
    "balance_transfer": "Balancetransfer",
    "reserve": "DepositCorrection ReserveAdjustment",
    "adjustment": "ManualCorrected MatchedStatement",
    "transfer": "InternalCompanyPayout MerchantPayin MerchantPayinReversed",
    "other": "PaidOut PaidOutReversed BPPaidOut EpaPaid SuspendInstallment",
}

JOURNAL_TYPES = {raw: kind for kind, types in _KINDS.items() for raw in types.split()}

_MOVED = "Settled Refunded Chargeback ChargebackReversed SecondChargeback SettledInstallment RefundedInstallment"
_STATUSES = (
    "Received Authorised Refused Error Retried Reversed Cancelled Expired SentForSettle SentForRefund RefundedReversed "
    "CaptureFailed RefundFailed SettledBulk RefundedBulk"
)

RECORD_TYPES = frozenset(
    [*_STATUSES.split(), *(kind + how for kind in _MOVED.split() for how in ("", "Externally", "ExternallyWithInfo"))]
)
"""Adyen's record types of payment accounting. One that is not here is kept and reported."""
