"""Stripe's report files: payout reconciliation (itemized.5), balance change from activity, itemized payouts.

Amounts in rows are minor units, times milliseconds UTC; the files print major units and `YYYY-MM-DD HH:MM:SS`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recon.worlds.writers.money import major, utc_time

_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")

PAYOUT_RECONCILIATION = (
    "automatic_payout_id",
    "automatic_payout_effective_at",
    "balance_transaction_id",
    "created_utc",
    "created",
    "available_on_utc",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "customer_facing_amount",
    "customer_facing_currency",
    "regulatory_tag",
    "automatic_payout_effective_at_utc",
    "customer_id",
    "customer_email",
    "customer_name",
    "customer_description",
    *(
        f"{whose}_{part}"
        for whose in ("customer_shipping_address", "customer_address", "shipping_address", "card_address")
        for part in _ADDRESS
    ),
    "charge_id",
    "payment_intent_id",
    "charge_created_utc",
    "charge_created",
    "invoice_id",
    "invoice_number",
    "subscription_id",
    "order_id",
    "payment_method_type",
    "is_link",
    "card_brand",
    "card_funding",
    "card_country",
    "statement_descriptor",
    "dispute_reason",
    "connected_account_id",
    "connected_account_name",
    "connected_account_country",
    "connected_account_direct_charge_id",
    "destination_payment_id",
    "payment_metadata[payment_id]",
    "refund_metadata[payment_id]",
    "transfer_metadata[payment_id]",
)
ACTIVITY = (
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "charge_id", "payment_intent_id", "description", "customer_facing_amount",
    "customer_facing_currency", "automatic_payout_id", "automatic_payout_effective_at", "payment_method_type",
    "card_brand", "card_funding", "card_country", "charge_created_utc", "dispute_reason", "statement_descriptor",
)  # fmt: skip
PAYOUTS = (
    "balance_transaction_id", "currency", "description", "effective_at", "effective_at_utc", "fee", "gross", "net",
    "payout_description", "payout_destination_id", "payout_expected_arrival_date", "payout_id", "payout_reversed_at",
    "payout_reversed_at_utc", "payout_status", "payout_type", "regulatory_tag", "reporting_category", "trace_id",
    "trace_id_status",
)  # fmt: skip


@dataclass(slots=True)
class StripeRow:
    """One balance transaction."""

    txn: str
    category: str
    created: int
    available: int
    currency: str
    gross: int
    fee: int
    description: str
    payout: str = ""
    paid_at: int | None = None
    source: str = ""
    charge: str = ""
    intent: str = ""
    facing: int | None = None
    facing_currency: str = ""
    charge_created: int | None = None
    brand: str = ""
    funding: str = ""
    country: str = ""
    payment_ref: str = ""
    reason: str = ""


@dataclass(slots=True)
class PayoutRow:
    """One payout; `amount` is positive when it pays us."""

    txn: str
    payout: str
    currency: str
    amount: int
    effective_at: int
    status: str


def payout_reconciliation(rows: Iterable[StripeRow]) -> str:
    """Text of a payout reconciliation file with every documented column, in file order."""
    return _file(PAYOUT_RECONCILIATION, (_cells(row) for row in rows))


def activity(rows: Iterable[StripeRow]) -> str:
    """Text of a balance change from activity file, itemized, with charge ids and without metadata."""
    return _file(ACTIVITY, (_cells(row) for row in rows))


def payouts(rows: Iterable[PayoutRow]) -> str:
    """Text of an itemized payouts file. A payout leaves the balance, so its gross is negative."""
    return _file(PAYOUTS, (_payout_cells(row) for row in rows))


def _cells(row: StripeRow) -> dict[str, str]:
    created, available = utc_time(row.created), utc_time(row.available)
    paid = "" if row.paid_at is None else utc_time(row.paid_at)
    charged = "" if row.charge_created is None else utc_time(row.charge_created)
    return {
        "automatic_payout_id": row.payout,
        "automatic_payout_effective_at": paid,
        "automatic_payout_effective_at_utc": paid,
        "balance_transaction_id": row.txn,
        "created_utc": created,
        "created": created,
        "available_on_utc": available,
        "available_on": available,
        "currency": row.currency.lower(),
        "gross": major(row.gross, row.currency),
        "fee": major(row.fee, row.currency),
        "net": major(row.gross - row.fee, row.currency),
        "reporting_category": row.category,
        "source_id": row.source,
        "description": row.description,
        "customer_facing_amount": "" if row.facing is None else major(row.facing, row.facing_currency),
        "customer_facing_currency": row.facing_currency.lower(),
        "charge_id": row.charge,
        "payment_intent_id": row.intent,
        "charge_created_utc": charged,
        "charge_created": charged,
        "payment_method_type": "card" if row.brand else "",
        "is_link": "false" if row.brand else "",
        "card_brand": row.brand,
        "card_funding": row.funding,
        "card_country": row.country,
        "dispute_reason": row.reason,
        "payment_metadata[payment_id]": row.payment_ref,
    }


def _payout_cells(row: PayoutRow) -> dict[str, str]:
    effective, gross = utc_time(row.effective_at), major(-row.amount, row.currency)
    return {
        "balance_transaction_id": row.txn,
        "currency": row.currency.lower(),
        "description": "STRIPE PAYOUT",
        "effective_at": effective,
        "effective_at_utc": effective,
        "fee": major(0, row.currency),
        "gross": gross,
        "net": gross,
        "payout_expected_arrival_date": effective,
        "payout_id": row.payout,
        "payout_status": row.status,
        "payout_type": "bank_account",
        "reporting_category": "payout",
        "trace_id_status": "pending",
    }


def _file(header: Sequence[str], rows: Iterable[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for cells in rows:
        writer.writerow([cells.get(name, "") for name in header])
    return out.getvalue()
