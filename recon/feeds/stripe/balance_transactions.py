"""Balance transactions as the API lists them: JSON list pages or one object a line, with or without expanded source."""

from __future__ import annotations

from recon.feeds.fields import ApiAmount, ApiRate, Currency, Kind, Lower, Reference, Text
from recon.feeds.header import Shape
from recon.feeds.parser import SETTLEMENT, Parser
from recon.feeds.stripe import itemized
from recon.feeds.stripe.kinds import KIND_BY_TYPE, REPORTING_CATEGORIES, TYPES
from recon.feeds.timefields import Epoch

_CARD = "source.payment_method_details.card"
_KIND = f"CASE WHEN category IS NOT NULL THEN category_kind ELSE {KIND_BY_TYPE} END"
_CHARGE_ITSELF = "regexp_matches(coalesce(source_id, ''), '^(ch|py)_')"

PARSER = Parser(
    name="balance_transactions",
    gateway="stripe",
    role=SETTLEMENT,
    shape=Shape(all_of=("id", "object", "amount", "currency", "fee", "net", "created", "type")),
    layout=lambda header: "source expanded" if "source.id" in header else "source as id",
    fields=(
        Text("native_id", "id", required=True),
        Currency("currency", "currency", required=True),
        ApiAmount("gross", "amount", required=True),
        ApiAmount("fee", "fee", required=True),
        ApiAmount("net", "net", required=True),
        Text("type", "type", required=True),
        Kind("type_kind", "type", kinds=TYPES),
        Text("category", "reporting_category"),
        Kind("category_kind", "reporting_category", kinds=REPORTING_CATEGORIES),
        Epoch("occurred_at", "created", required=True),
        Epoch("available_at", "available_on"),
        ApiRate("fx_rate", "exchange_rate"),
        Text("source_id", "source"),
        Text("charge_id", "source.charge"),
        Text("gateway_ref", "source.payment_intent"),
        Reference("payment_ref", "source.metadata.payment_id"),
        ApiAmount("faced", "source.amount", currency="source.currency"),
        Currency("faced_currency", "source.currency"),
        Text("payment_method", "source.payment_method_details.type"),
        Lower("card_brand", f"{_CARD}.brand"),
        Lower("card_funding", f"{_CARD}.funding"),
        Text("card_country", f"{_CARD}.country"),
        Text("payout_id", "payout_id"),
    ),
    # The source's own amount may be an authorised one, so it counts only where it is in another currency.
    lines=itemized.lines(_KIND, "faced_currency <> currency")
    | {
        "raw_type": "coalesce(category, type)",
        "charge_ref": f"coalesce(charge_id, CASE WHEN {_CHARGE_ITSELF} THEN source_id END)",
    },
    needs=itemized.NEEDS,
    rows=(itemized.IDENTITY,),
    groups=(itemized.UNIQUE,),
    batches=itemized.BATCHES,
    scope=itemized.SCOPE,
)
