"""Adyen's report files: settlement details in three layouts, aggregate settlement, payment accounting.

Amounts in rows are signed minor units (positive = to the merchant), times milliseconds UTC.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from recon.worlds.writers.money import local_time, major

CLASSIC = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date",
    "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)",
    "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)",
    "Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant", "Modification Merchant Reference",
    "Batch Number", "Reserved4", "Reserved5", "Reserved6", "Reserved7", "Reserved8", "Reserved9", "Reserved10",
)  # fmt: skip
CLASSIC_BOOKED = (
    *CLASSIC[:21],
    "Batch Number",
    *CLASSIC[23:],
    "Modification Merchant Reference",
    "Booking Date",
    "Booking Date TimeZone",
)
WIDE = (
    "Batch Number", "Company Account", "Merchant Account", "Booking Date", "Booking Date TimeZone",
    "Booking Date (AMS)", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date", "TimeZone",
    "Creation Date (AMS)", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)",
    "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)",
    "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "DCC Markup (NC)", "Advanced (NC)", "Advancement Code",
    "Advancement Batch", "Booking Type", "Payment Method Variant", "Reserved1", "Reserved2", "Reserved3", "Reserved4",
    "Reserved5", "Reserved6", "Reserved7", "Reserved8", "Reserved9", "Reserved10", "Acquirer",
    "Modification Merchant Reference", "Split Settlement", "AdditionalType", "Issuer Country", "Shopper Country",
    "Clearing Network", "Terminal ID", "Tender Reference", "Merchant Order Reference", "Metadata",
    "Pos Transaction Date", "Pos Transaction Date TimeZone", "Store", "Dispute Reference", "Register Booking Type",
    "ARN", "Shopper Reference", "Payment Transaction Group", "Settlement Flow", "Split Payment Data",
    "Authorisation Code", "Card Number",
)  # fmt: skip
AGGREGATE = (
    "Company Account", "Merchant Account", "Country Code", "Store", "Terminal ID", "Batch Number",
    "Batch Closed Date", "Payment Method", "Creation Date", "TimeZone", "Journal Type", "Gross Currency",
    "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)",
    "Bank/Card Commission (NC)", "DCC Markup (NC)", "Num Txs",
)  # fmt: skip
ACCOUNTING = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method",
    "Payment Method Variant", "Booking Date", "TimeZone", "Record Type", "Modification Psp Reference", "Main Currency",
    "Main Amount", "Payment Currency", "Received (PC)", "Exchange Rate", "Authorised (PC)", "Captured (PC)",
    "Settlement Currency", "Payable (SC)", "Commission (SC)", "Markup (SC)", "Scheme Fees (SC)", "Interchange (SC)",
    "Processing Fee Currency", "Processing Fee (FC)", "Modification Merchant Reference", "Original Amount",
    "Merchant Order Reference", "Shopper Reference", "Reserved3", "Reserved4", "Reserved5", "Reserved6", "Reserved7",
    "Reserved8", "Reserved9", "Reserved10",
)  # fmt: skip
LAYOUTS = {"classic": CLASSIC, "booked": CLASSIC_BOOKED, "wide": WIDE}
_AMS = "Europe/Amsterdam"


@dataclass(frozen=True, slots=True)
class Head:
    """What every row of a report repeats, and the zone of its times."""

    company: str
    account: str
    batch: int
    zone: str


@dataclass(slots=True)
class AdyenRow:
    """One journal line of a batch. Batch-level rows have no psp and no gross."""

    type: str
    created: int
    booked: int
    net: int
    net_currency: str
    modification: str = ""
    psp: str = ""
    merchant_reference: str = ""
    method: str = ""
    variant: str = ""
    gross: int | None = None
    gross_currency: str = ""
    rate: Decimal = Decimal(1)
    commission: int | None = None
    markup: int | None = None
    scheme: int | None = None
    interchange: int | None = None
    modification_merchant_reference: str = ""
    country: str = ""


@dataclass(slots=True)
class AccountingRow:
    """One change of a payment's state: `authorised`, `captured` and `payable` are movements of those registers."""

    type: str
    booked: int
    psp: str
    merchant_reference: str
    method: str
    currency: str
    authorised: int | None
    captured: int | None
    modification: str = ""
    payable: int | None = None
    settlement_currency: str = ""


@dataclass(slots=True)
class AggregateRow:
    """Total of one journal type and net currency of a batch."""

    type: str
    method: str
    net: int
    net_currency: str
    count: int


def settlement_details(head: Head, rows: Iterable[AdyenRow], *, layout: str) -> str:
    """Text of a settlement details report; `layout` is classic, booked (32 columns) or wide (64, another order)."""
    header = LAYOUTS[layout]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells = _cells(row, head.zone) | _head_cells(head)
        writer.writerow([cells.get(name, "") for name in header])
    return out.getvalue()


def aggregate_settlement(head: Head, rows: Iterable[AggregateRow], *, closed_at: int) -> str:
    """Text of an aggregate settlement details report of one batch, with its two leading lines."""
    closed, label = local_time(closed_at, head.zone)
    day = closed[:10]
    spoken = f"{day[8:]}/{day[5:7]}/{day[:4]}"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Merchant/Company", "Start date", "End date", "Aggregation", "Country codes"])
    writer.writerow([head.account, spoken, spoken, "Store Terminal", ""])
    writer.writerow(AGGREGATE)
    for row in rows:
        debit, credit = _sides(row.net, row.net_currency)
        cells = _head_cells(head) | {
            "Batch Closed Date": f"{closed}.000",
            "Payment Method": row.method,
            "Creation Date": day,
            "TimeZone": label,
            "Journal Type": row.type,
            "Exchange Rate": "1",
            "Net Currency": row.net_currency,
            "Net Debit (NC)": debit,
            "Net Credit (NC)": credit,
            "Num Txs": str(row.count),
        }
        writer.writerow([cells.get(name, "") for name in AGGREGATE])
    return out.getvalue()


def payment_accounting(head: Head, rows: Iterable[AccountingRow]) -> str:
    """Text of a payment accounting report in its 37 columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ACCOUNTING)
    for row in rows:
        booked, label = local_time(row.booked, head.zone)
        settled = row.payable is not None
        cells = _head_cells(head) | {
            "Psp Reference": row.psp,
            "Merchant Reference": row.merchant_reference,
            "Payment Method": row.method,
            "Booking Date": booked,
            "TimeZone": label,
            "Record Type": row.type,
            "Modification Psp Reference": row.modification,
            "Main Currency": row.settlement_currency if settled else row.currency,
            "Main Amount": _register(
                row.payable if settled else row.authorised, row.settlement_currency or row.currency
            ),
            "Payment Currency": row.currency,
            "Authorised (PC)": _register(row.authorised, row.currency),
            "Captured (PC)": _register(row.captured, row.currency),
            "Settlement Currency": row.settlement_currency,
            "Payable (SC)": _register(row.payable, row.settlement_currency),
        }
        writer.writerow([cells.get(name, "") for name in ACCOUNTING])
    return out.getvalue()


def _register(amount: int | None, currency: str) -> str:
    return "" if amount is None else major(amount, currency)


def _head_cells(head: Head) -> dict[str, str]:
    return {"Company Account": head.company, "Merchant Account": head.account, "Batch Number": str(head.batch)}


def _cells(row: AdyenRow, zone: str) -> dict[str, str]:
    created, created_label = local_time(row.created, zone)
    booked, booked_label = local_time(row.booked, zone)
    debit, credit = _sides(row.net, row.net_currency)
    cells = {
        "Psp Reference": row.psp,
        "Merchant Reference": row.merchant_reference,
        "Payment Method": row.method,
        "Creation Date": created,
        "TimeZone": created_label,
        "Creation Date (AMS)": local_time(row.created, _AMS)[0],
        "Type": row.type,
        "Modification Reference": row.modification,
        "Net Currency": row.net_currency,
        "Net Debit (NC)": debit,
        "Net Credit (NC)": credit,
        "Payment Method Variant": row.variant,
        "Modification Merchant Reference": row.modification_merchant_reference,
        "Booking Date": booked,
        "Booking Date TimeZone": booked_label,
        "Booking Date (AMS)": local_time(row.booked, _AMS)[0],
        "Issuer Country": row.country,
    }
    if row.gross is not None:
        cells["Gross Currency"] = row.gross_currency
        cells["Gross Debit (GC)"], cells["Gross Credit (GC)"] = _sides(row.gross, row.gross_currency)
        cells["Exchange Rate"] = format(row.rate.normalize(), "f")
        fees = (
            ("Commission (NC)", row.commission),
            ("Markup (NC)", row.markup),
            ("Scheme Fees (NC)", row.scheme),
            ("Interchange (NC)", row.interchange),
        )
        cells.update({name: major(fee, row.net_currency) for name, fee in fees if fee is not None})
    return cells


def _sides(amount: int, currency: str) -> tuple[str, str]:
    """(debit, credit) cells of a signed amount."""
    if amount < 0:
        return major(-amount, currency), ""
    return "", major(amount, currency)
