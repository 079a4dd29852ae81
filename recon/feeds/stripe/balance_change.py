"""Balance change from activity, itemised: everything that moved the balance except payouts, by creation time.

Its full column set is that of payout reconciliation, so a file that has a payout column is known by its name or by
`report_type` in arrivals.json; the nine default columns are known by themselves.
"""

from __future__ import annotations

from recon.feeds.header import Shape
from recon.feeds.parser import SETTLEMENT, Parser
from recon.feeds.stripe import itemized
from recon.feeds.stripe.payout_reconciliation import layout

PARSER = Parser(
    name="balance_change_from_activity",
    gateway="stripe",
    role=SETTLEMENT,
    shape=Shape(all_of=itemized.CORE, any_of=("created_utc", "created")),
    name_hint=r"balance[_ -]?change|activity",
    layout=layout,
    fields=itemized.FIELDS,
    lines=itemized.lines(),
    needs=itemized.NEEDS,
    rows=(itemized.IDENTITY,),
    groups=(itemized.UNIQUE,),
    batches=itemized.BATCHES,
    scope=itemized.SCOPE,
)
