"""What all of Stripe's itemised balance reports share: one balance transaction a row, columns chosen by the account."""

from __future__ import annotations

from recon.feeds.fields import Amount, Currency, Field, Kind, Lower, Reference, Text
from recon.feeds.parser import GroupControl, RowControl
from recon.feeds.stripe.kinds import PAYMENT_KINDS, REPORTING_CATEGORIES
from recon.feeds.timefields import TwinTime

PAYMENT = ", ".join(f"'{kind}'" for kind in PAYMENT_KINDS)

CORE = ("balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category")

FIELDS: tuple[Field, ...] = (
    Text("native_id", "balance_transaction_id", required=True),
    Currency("currency", "currency", required=True),
    Amount("gross", "gross", required=True),
    Amount("fee", "fee", required=True),
    Amount("net", "net", required=True),
    Text("raw_type", "reporting_category", required=True),
    Kind("kind", "reporting_category", kinds=REPORTING_CATEGORIES),
    TwinTime("occurred_at", "created", required=True),
    TwinTime("available_at", "available_on"),
    TwinTime("paid_out_at", "automatic_payout_effective_at"),
    Text("payout_id", "automatic_payout_id"),
    Text("source_id", "source_id"),
    Text("charge_id", "charge_id"),
    Text("gateway_ref", "payment_intent_id"),
    Reference("payment_ref", "payment_metadata[payment_id]"),
    Amount("faced", "customer_facing_amount", currency="customer_facing_currency"),
    Currency("faced_currency", "customer_facing_currency"),
    Text("payment_method", "payment_method_type"),
    Lower("card_brand", "card_brand"),
    Lower("card_funding", "card_funding"),
    Text("card_country", "card_country"),
)

_OF_CHARGE = "(source_id LIKE 'ch\\_%' ESCAPE '\\' OR source_id LIKE 'py\\_%' ESCAPE '\\')"


NEEDS = {"batch_id": ("payout_id",), "payout_ref": ("payout_id",)}


def lines(kind: str = "kind", shown: str = "true") -> dict[str, str]:
    """Columns of settlement_lines over the fields; `kind` is SQL of the line's kind where no field has it.

    `shown` is SQL that says when the customer-facing amount is to be believed.
    """
    faced = f"({kind}) IN ({PAYMENT}) AND faced IS NOT NULL AND faced_currency IS NOT NULL AND {shown}"
    batch = f"coalesce(payout_id, CASE WHEN ({kind}) IN ('payout', 'payout_reversal') THEN source_id END)"
    return {
        "kind": kind,
        "batch_id": batch,
        "payout_ref": batch,
        # A report may print the charge where a refund's or a dispute's own reference belongs.
        "operation_ref": f"CASE WHEN ({kind}) NOT IN ('charge', 'charge_failure', 'partial_capture_reversal') "
        f"AND {_OF_CHARGE} THEN NULL ELSE source_id END",
        "charge_ref": f"coalesce(charge_id, CASE WHEN {_OF_CHARGE} THEN source_id END)",
        "gross_minor": f"CASE WHEN {faced} THEN CASE WHEN gross < 0 THEN -abs(faced) WHEN gross > 0 THEN abs(faced) "
        "ELSE faced END ELSE gross END",
        "gross_currency": f"CASE WHEN {faced} THEN faced_currency ELSE currency END",
        "settled_gross_minor": "gross",
        "fee_minor": "fee",
        "fee_currency": "currency",
        "net_minor": "net",
        "net_currency": "currency",
    }


IDENTITY = RowControl(
    problem="gross − fee is not net",
    bad="CAST(settled_gross_minor AS HUGEINT) - fee_minor <> net_minor",
    shown="settled_gross_minor || ' - ' || fee_minor || ' <> ' || net_minor",
    column="net",
)
UNIQUE = GroupControl(
    problem="the same balance transaction twice", by="native_id", bad="count(*) > 1",
    shown="'lines ' || string_agg(line_no, ', ' ORDER BY line_no)",
)  # fmt: skip
PAYOUT_SUM = GroupControl(
    problem="the payout is not the sum of its transactions",
    by="batch_id, net_currency",
    where="batch_id IS NOT NULL",
    bad="bool_or(kind IN ('payout', 'payout_reversal')) AND bool_or(kind NOT IN ('payout', 'payout_reversal')) "
    "AND sum(net_minor) <> 0",
    shown="'transactions ' || sum(net_minor) FILTER (WHERE kind NOT IN ('payout', 'payout_reversal')) || "
    "', payout ' || -sum(net_minor) FILTER (WHERE kind IN ('payout', 'payout_reversal'))",
)

BATCHES = """
    SELECT gateway_account, batch_id, CAST(NULL AS BIGINT) AS batch_seq, net_currency AS currency,
           max(paid_out_at) AS closed_at,
           sum(net_minor) FILTER (WHERE kind NOT IN ('payout', 'payout_reversal')) AS net_minor,
           -sum(net_minor) FILTER (WHERE kind IN ('payout', 'payout_reversal')) AS payout_minor,
           0 AS carry_in_minor, 0 AS carry_out_minor, NULL AS carry_in_from, NULL AS carry_out_to,
           batch_id AS payout_ref, NULL AS payout_status
    FROM lines WHERE batch_id IS NOT NULL GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
"""
SCOPE = "CASE WHEN count(DISTINCT batch_id) = 1 AND count(batch_id) = count(*) THEN 'payout ' || min(batch_id) END"
