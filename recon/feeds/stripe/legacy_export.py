"""The old dashboard export of the balance history: its own header, types for categories, times to the minute."""

from __future__ import annotations

from recon.feeds.fields import Amount, Currency, Kind, Reference, Text
from recon.feeds.header import Shape
from recon.feeds.parser import SETTLEMENT, Parser
from recon.feeds.stripe import itemized
from recon.feeds.stripe.kinds import KIND_BY_TYPE, TYPES
from recon.feeds.timefields import Instant

PARSER = Parser(
    name="legacy_export",
    gateway="stripe",
    role=SETTLEMENT,
    shape=Shape(
        all_of=("Type", "Source", "Amount", "Fee", "Net", "Currency", "Created (UTC)", "Available On (UTC)"),
        any_of=("id", "ID"),
    ),
    fields=(
        Text("id_lower", "id"),
        Text("id_upper", "ID"),
        Text("raw_type", "Type", required=True),
        Kind("type_kind", "Type", kinds=TYPES),
        Text("source_id", "Source"),
        Currency("currency", "Currency", required=True),
        Amount("gross", "Amount", currency="Currency", required=True),
        Amount("fee", "Fee", currency="Currency", required=True),
        Amount("net", "Net", currency="Currency", required=True),
        Instant("occurred_at", "Created (UTC)", required=True),
        Instant("available_at", "Available On (UTC)"),
        Instant("paid_out_at", "Transfer Date (UTC)"),
        Text("payout_id", "Transfer"),
        Text("charge_id", "Charge ID"),
        Amount("faced", "Customer Facing Amount", currency="Customer Facing Currency"),
        Currency("faced_currency", "Customer Facing Currency"),
        Reference("payment_ref", "payment_id (metadata)"),
    ),
    lines=itemized.lines(KIND_BY_TYPE) | {"native_id": "coalesce(id_lower, id_upper)"},
    needs=itemized.NEEDS,
    rows=(itemized.IDENTITY,),
    groups=(itemized.UNIQUE,),
    batches=itemized.BATCHES,
    scope=itemized.SCOPE,
)
