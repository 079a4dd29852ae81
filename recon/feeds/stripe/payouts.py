"""Payouts, itemised: what left the balance for the bank and what became of it. Control: it fills batches, not lines."""

from __future__ import annotations

from recon.feeds.fields import Amount, Currency, Kind, Lower, Text
from recon.feeds.header import Shape
from recon.feeds.parser import CONTROL, Parser
from recon.feeds.stripe.kinds import REPORTING_CATEGORIES
from recon.feeds.timefields import TwinTime

PARSER = Parser(
    name="payouts",
    gateway="stripe",
    role=CONTROL,
    shape=Shape(
        all_of=("balance_transaction_id", "currency", "net", "payout_id", "payout_status", "reporting_category")
    ),
    fields=(
        Text("transaction", "balance_transaction_id", required=True),
        Text("batch_id", "payout_id", required=True),
        Currency("currency", "currency", required=True),
        Amount("net", "net", required=True),
        Kind("kind", "reporting_category", kinds=REPORTING_CATEGORIES),
        Lower("payout_status", "payout_status"),
        TwinTime("closed_at", "effective_at"),
    ),
    lines={name: name for name in ("transaction", "batch_id", "currency", "net", "kind", "payout_status", "closed_at")},
    # A payout leaves the balance, so its net is negative.
    batches="""
        SELECT gateway_account, batch_id, CAST(NULL AS BIGINT) AS batch_seq, currency, min(closed_at) AS closed_at,
               CAST(NULL AS BIGINT) AS net_minor, -sum(net) AS payout_minor, 0 AS carry_in_minor, 0 AS carry_out_minor,
               NULL AS carry_in_from, NULL AS carry_out_to, batch_id AS payout_ref,
               arg_max(payout_status, line_no) AS payout_status
        FROM lines GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
    """,
)
