"""Adyen: a batch per day of sale, closed on the next business day, and its settlement details."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from infra.local.gateways.model import SECOND
from infra.local.gateways.settlement.calendars import Calendar
from infra.local.gateways.settlement.defects import all_defects, told
from infra.local.gateways.settlement.files import Plan, Report, day_of, starts
from infra.local.gateways.settlement.lines import Line, authorizations_between, lines_between, share
from infra.local.gateways.store import Store
from pipeline.schemas.currency import iso_exponent
from recon.worlds.writers.adyen import AdyenRow, Head, settlement_details
from recon.worlds.writers.money import local_time

CALENDAR = Calendar("TARGET")
ZONE = "Europe/Amsterdam"
_LAG = 1
_CLOSED, _READY = 46 * 60 * SECOND, 3 * 3600 * SECOND
"""After midnight of the day on which the batch closes."""
_TYPES = {"capture": "Settled", "refund": "Refunded", "capture_failed": "CaptureFailed",
          "refund_failed": "RefundedReversed", "chargeback": "Chargeback", "chargeback_reversal": "ChargebackReversed"}


def plan(since: int, until: int) -> list[Plan]:
    """Batches whose report is ready by `until`, from `since` on: one per day in the account's zone."""
    zone = ZoneInfo(ZONE)
    found: list[Plan] = []
    day, begins = day_of(since, zone), since
    while True:
        closes = CALENDAR.after(day, _LAG)
        day += timedelta(days=1)
        ends, ready = starts(day, zone), starts(closes, zone) + _READY
        if ready > until:
            return found
        found.append(Plan(closes, begins, ends, ready))
        begins = ends


def report(store: Store, account: str, planned: Plan, *, quiet: bool = False) -> Report | None:
    """The report of one batch, None for a day without any movement. `quiet`: then too, without payments."""
    lines = told(lines_between(store, "adyen", account, planned.since, planned.until),
                 [d for d in all_defects(store) if d.vendor == "adyen" and d.account == account], planned.since,
                 planned.until)
    tried = authorizations_between(store, account, planned.since, planned.until)
    if not lines and not tried and not quiet:
        return None
    number = int(store.fact(f"batch:{account}") or 0) + 1
    carried: dict[str, int] = json.loads(store.fact(f"carried:{account}") or "{}")
    closed = starts(planned.day, ZoneInfo(ZONE)) + _CLOSED
    rows: list[AdyenRow] = []
    rows += [AdyenRow("Balancetransfer", planned.since, closed, amount, currency, "Balancetransfer",
                      modification_merchant_reference=f"Balancetransfer from batch {number - 1}")
             for currency, amount in sorted(carried.items())]
    begin = len(rows)
    rows += [_row(line, closed) for line in lines]
    rows += [AdyenRow("Fee", closed, closed, -10 * times, currency, f"Transaction Fees {planned.day:%B %d %Y}")
             for currency, times in sorted(tried.items())]
    left: dict[str, int] = {}
    for currency in sorted({row.net_currency for row in rows}):
        net = sum(row.net for row in rows if row.net_currency == currency)
        if net > 0:
            own = zlib.crc32(f"{account}:{number}:{currency}".encode())
            text = f"TX{own:010d}XT batch {number}, {account}"
            rows.append(AdyenRow("MerchantPayout", closed, closed, -net, currency, text))
        elif net < 0:
            left[currency] = net
            rows.append(AdyenRow("Balancetransfer", closed, closed, -net, currency, "Balancetransfer",
                                 modification_merchant_reference=f"Balancetransfer to batch {number + 1}"))
    head = Head(f"{account}Company", account, number, ZONE)
    return Report(f"{account}_settlement_detail_report_batch_{number}.csv",
                  settlement_details(head, rows, layout="booked"),
                  {f"batch:{account}": str(number), f"carried:{account}": json.dumps(left)},
                  told=_told(number, rows, begin, lines))


def _told(number: int, rows: Sequence[AdyenRow], begin: int, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines of payments as the file has them, from row `begin` on; its first line is the header."""
    seen: Counter[str] = Counter()
    found = []
    for place, row in enumerate(rows):
        created = local_time(row.created, ZONE)[0]
        own = f"{number}:{row.type}:{row.psp}:{row.modification}:{created}:{row.net}:{row.net_currency}"
        seen[own] += 1
        if begin <= place < begin + len(lines):
            line = lines[place - begin]
            found.append({
                "what": "line", "line_no": place + 2, "native_id": f"{own}:{seen[own]}", "type": row.type,
                "batch": str(number), "operation": line.number, "defect": line.defect,
                "payment_id": row.merchant_reference, "gateway_ref": row.psp, "ref": row.modification,
                "gross_minor": row.gross, "currency": row.gross_currency, "at": row.created // SECOND * SECOND})
    return found


def _row(line: Line, closed: int) -> AdyenRow:
    brand = "mc" if "mastercard" in line.method else "visa"
    markup, scheme, interchange = _fees(line)
    return AdyenRow(
        _TYPES[line.kind], line.at, closed, line.gross - markup - scheme - interchange, line.currency, line.ref,
        line.payment, line.payment_id, brand, f"{brand}standardcredit", line.gross, line.currency,
        markup=markup, scheme=scheme, interchange=interchange, country="NL")


def _fees(line: Line) -> tuple[int, int, int]:
    """Markup, scheme fees and interchange: of a sale, and back when its capture fails; 7.50 for a chargeback."""
    if line.kind in ("capture", "capture_failed"):
        amount, sign = abs(line.gross), 1 if line.gross > 0 else -1
        return sign * share(amount, 60), sign * share(amount, 10), sign * share(amount, 20)
    unit = int(10 ** max(iso_exponent(line.currency) - 2, 0))
    return (750 * unit if line.kind == "chargeback" else 0), 0, 0
