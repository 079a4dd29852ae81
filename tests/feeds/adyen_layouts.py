"""Headers of Adyen's settlement details report as they are met, and one content written in any of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"

CLASSIC = (GOLDEN / "settlement_details_30.csv").read_text(encoding="utf-8").splitlines()[0]
_WITHOUT_TEXT = CLASSIC.replace(",Modification Merchant Reference", "")
BOOKED = f"{_WITHOUT_TEXT},Modification Merchant Reference,Booking Date,Booking Date TimeZone"
LONGER = f"{CLASSIC},Booking Date,Booking Date TimeZone,Metadata,Merchant Order Reference"
PLATFORM = (
    f"{CLASSIC},Booking Date,Booking Date TimeZone,Metadata,Balance Currency,Net Debit (BC),Net Credit (BC),"
    "Payment Fees (NC),DCC Markup (NC),Funds Destination,Balance Platform Debit,Balance Platform Credit,"
    "Shopper Country,Clearing Network,Merchant Order Reference,Dispute Reference,ARN,Settlement Flow,"
    "Authorisation Code,Gross Fees (NC)"
)
WIDE = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,"
    "Creation Date (AMS),Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,"
    "Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "DCC Markup (NC),Advanced (NC),Advancement Code,Advancement Batch,Booking Type,Payment Method Variant,Batch Number,"
    "Reserved1,Reserved2,Reserved3,Reserved4,Reserved5,Reserved6,Reserved7,Reserved8,Reserved9,Reserved10,Acquirer,"
    "Modification Merchant Reference,Split Settlement,Booking Date,Booking Date TimeZone,Booking Date (AMS),"
    "AdditionalType,Issuer Country,Shopper Country,Clearing Network,Terminal ID,Tender Reference,"
    "Merchant Order Reference,Metadata,Pos Transaction Date,Pos Transaction Date TimeZone,Store,Dispute Reference,"
    "Register Booking Type,ARN,Shopper Reference,Payment Transaction Group,Settlement Flow,Split Payment Data,"
    "Authorisation Code,Card Number"
)
LAYOUTS = {30: CLASSIC, 32: BOOKED, 34: LONGER, 49: PLATFORM, 64: WIDE}
"""Columns to header."""

# Never in the lake: what a person could be known by.
PRIVATE = {"Card Number": "411111xxxxxx1111", "Shopper Reference": "shopper-77", "ARN": "1.2302025304E+022"}


def rewritten(header: str, *, more: Mapping[str, str] | None = None) -> str:
    """The golden content under another header, with `more` in the columns of every row."""
    chosen = next(csv.reader([header]))
    with (GOLDEN / "settlement_details_30.csv").open(encoding="utf-8", newline="") as file:
        rows = [PRIVATE | row | {"Creation Date (AMS)": row["Creation Date"]} for row in csv.DictReader(file)]
    for row in rows:
        row.update(more or {})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(chosen)
    writer.writerows([row.get(name, "") for name in chosen] for row in rows)
    return out.getvalue()
