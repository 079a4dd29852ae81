"""Every parser there is. A new report is a module with a PARSER and a line here."""

from __future__ import annotations

from recon.feeds.adyen import aggregate_settlement, payment_accounting, settlement_details
from recon.feeds.csv_sheet import open_csv
from recon.feeds.json_sheet import open_json
from recon.feeds.parser import Parser
from recon.feeds.sheet import Opener
from recon.feeds.stripe import (
    balance_change,
    balance_transactions,
    legacy_export,
    payout_reconciliation,
    payout_summary,
    payouts,
)
from recon.feeds.xlsx_sheet import open_xlsx

PARSERS: tuple[Parser, ...] = (
    payout_reconciliation.PARSER,
    balance_change.PARSER,
    legacy_export.PARSER,
    balance_transactions.PARSER,
    payouts.PARSER,
    payout_summary.PARSER,
    settlement_details.PARSER,
    payment_accounting.PARSER,
    aggregate_settlement.PARSER,
)
"""In order of preference where a header fits several."""

OPENERS: tuple[Opener, ...] = (open_xlsx, open_json, open_csv)
"""In the order in which they are asked; CSV, which has no mark of its own, comes last."""
