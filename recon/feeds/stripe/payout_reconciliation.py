"""Payout reconciliation, itemised, versions 1 to 7 as far as documented, by interval or by payout."""

from __future__ import annotations

from recon.feeds.header import Header, Shape
from recon.feeds.parser import SETTLEMENT, Parser
from recon.feeds.stripe import itemized


def layout(header: Header) -> str:
    """Which family of versions the header belongs to: what decides how its times are read."""
    if "created_utc" in header and "created" not in header:
        return "UTC times"
    return "requested-zone times with UTC twins" if "created_utc" in header else "requested-zone times"


PARSER = Parser(
    name="payout_reconciliation",
    gateway="stripe",
    role=SETTLEMENT,
    shape=Shape(all_of=(*itemized.CORE, "automatic_payout_id"), any_of=("created_utc", "created")),
    layout=layout,
    fields=itemized.FIELDS,
    lines=itemized.lines(),
    needs=itemized.NEEDS,
    rows=(itemized.IDENTITY,),
    groups=(itemized.UNIQUE, itemized.PAYOUT_SUM),
    batches=itemized.BATCHES,
    scope=itemized.SCOPE,
)
