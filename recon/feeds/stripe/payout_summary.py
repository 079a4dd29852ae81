"""Payout reconciliation by id, summary: the only printed control total of one payout. It does not say of which one."""

from __future__ import annotations

from recon.feeds.fields import Amount, Currency, Kind, Said, Whole
from recon.feeds.header import Shape
from recon.feeds.parser import CONTROL, Parser
from recon.feeds.stripe.kinds import REPORTING_CATEGORIES

_PAYOUT = "kind IN ('payout', 'payout_reversal')"

PARSER = Parser(
    name="payout_summary",
    gateway="stripe",
    role=CONTROL,
    shape=Shape(
        all_of=("count", "currency", "fee", "gross", "net", "reporting_category"), none_of=("balance_transaction_id",)
    ),
    batch_in_name=r"(po_[0-9A-Za-z]+)",
    fields=(
        Said("batch_id", "the payout's id (po_…) in the file name, or batch_id in arrivals.json"),
        Currency("currency", "currency", required=True),
        Amount("gross", "gross", required=True),
        Amount("fee", "fee", required=True),
        Amount("net", "net", required=True),
        Whole("count", "count"),
        Kind("kind", "reporting_category", kinds=REPORTING_CATEGORIES),
    ),
    lines={name: name for name in ("batch_id", "currency", "gross", "fee", "net", "count", "kind")},
    batches=f"""
        SELECT gateway_account, batch_id, CAST(NULL AS BIGINT) AS batch_seq, currency,
               CAST(NULL AS TIMESTAMP) AS closed_at, sum(net) FILTER (WHERE NOT {_PAYOUT}) AS net_minor,
               coalesce(-sum(net) FILTER (WHERE {_PAYOUT}), sum(net)) AS payout_minor,
               0 AS carry_in_minor, 0 AS carry_out_minor, NULL AS carry_in_from, NULL AS carry_out_to,
               batch_id AS payout_ref, NULL AS payout_status
        FROM lines GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
    """,
    scope="'payout ' || min(batch_id)",
)
