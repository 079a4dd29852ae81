"""Stripe: a payout per currency two business days after a sale, and the report of what is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from infra.local.gateways.model import DAY, SECOND
from infra.local.gateways.settlement.calendars import Calendar
from infra.local.gateways.settlement.defects import Defect, all_defects, short_of, told
from infra.local.gateways.settlement.files import Plan, Report, day_of, starts
from infra.local.gateways.settlement.lines import Line, lines_between, share
from infra.local.gateways.store import Store
from pipeline.schemas.currency import iso_exponent
from recon.worlds.writers.stripe import PayoutRow, StripeRow, payout_reconciliation, payouts

CALENDAR = Calendar("US")
_LAG = 2
_READY = 12 * 3600 * SECOND
"""Reports are ready half a day after the payout."""
_CATEGORIES = {"capture": "charge", "refund": "refund", "refund_failed": "refund_failure", "chargeback": "dispute",
               "chargeback_reversal": "dispute_reversal", "capture_failed": "charge_failure"}


def plan(since: int, until: int) -> list[Plan]:
    """Payout days whose report is ready by `until`, with the days of sale that each pays, from `since` on."""
    found: list[Plan] = []
    day, begins = day_of(since, UTC), since
    while True:
        paid = CALENDAR.after(day, _LAG)
        if starts(paid, UTC) + _READY > until:
            return found
        if found and found[-1].day == paid:
            found[-1] = Plan(paid, found[-1].since, starts(day, UTC) + DAY, starts(paid, UTC) + _READY)
        else:
            found.append(Plan(paid, begins, starts(day, UTC) + DAY, starts(paid, UTC) + _READY))
        day += timedelta(days=1)
        begins = starts(day, UTC)


@dataclass(frozen=True, slots=True)
class _Paid:
    """The rows of one currency, and its payout where there is one: what is owed, and what the list of payouts says."""

    rows: list[StripeRow]
    payout: PayoutRow | None = None
    owed: int = 0
    defect: int = 0


def report(store: Store, account: str, planned: Plan, *, quiet: bool = False) -> Report | None:
    """The report of the payouts of one day with the list of these payouts, None where nothing happened.

    `quiet`: then too, without rows.
    """
    defects = all_defects(store)
    lines = told(lines_between(store, "stripe", account, planned.since, planned.until),
                 [d for d in defects if d.vendor == "stripe" and d.account == account], planned.since, planned.until)
    if not lines and not quiet:
        return None
    by_currency: dict[str, list[StripeRow]] = defaultdict(list)
    of_row: dict[str, Line] = {}
    for line in lines:
        made = _rows(line, starts(planned.day, UTC))
        by_currency[line.currency] += made
        of_row |= {row.txn: line for row in made}
    paid = [_paid(store, account, planned, currency, members, defects)
            for currency, members in sorted(by_currency.items())]
    rows = [row for one in paid for row in one.rows]
    spoken = f"{_date(planned.since)}_to_{_date(planned.until)}_UTC.csv"
    listed = [one.payout for one in paid if one.payout]
    beside = [Report(f"{account}_payouts_{spoken}", payouts(listed))] if listed else []
    return Report(f"{account}_payout_reconciliation_{spoken}", payout_reconciliation(rows),
                  told=[*_told_lines(rows, of_row), *_told_payouts(paid)], beside=beside)


def _paid(store: Store, account: str, planned: Plan, currency: str, members: list[StripeRow],
          defects: Sequence[Defect]) -> _Paid:
    """The rows of one payout; a balance below zero is filled from the bank instead, one of zero pays nothing."""
    what, paid_at = f"{account}:{currency}:{planned.until}", starts(planned.day, UTC)
    net = sum(row.gross - row.fee for row in members)
    payout = store.derived(f"payout:{what}", "po_", 24)
    txn = store.derived(f"transaction:{what}", "txn_", 24)
    if net <= 0:
        filled = StripeRow(txn, "topup", members[-1].created, paid_at, currency, -net, 0,
                           "Top-up of a negative balance")
        return _Paid([*members, filled] if net else members)
    for row in members:
        row.payout, row.paid_at = payout, paid_at
    head = StripeRow(txn, "payout", paid_at, paid_at, currency, -net, 0, "STRIPE PAYOUT", payout, paid_at, payout)
    short = short_of(defects, account, currency, planned.since, planned.until, net)
    listed = PayoutRow(txn, payout, currency, net - short.amount if short else net, paid_at, "paid")
    return _Paid([head, *members], listed, net, short.number if short else 0)


def _told_lines(rows: Sequence[StripeRow], of_row: dict[str, Line]) -> list[dict[str, Any]]:
    """Lines of payments as the file has them; its first line is the header."""
    return [{
        "what": "line", "line_no": place, "native_id": row.txn, "type": row.category, "batch": row.payout,
        "operation": of_row[row.txn].number, "defect": of_row[row.txn].defect, "payment_id": row.payment_ref,
        "gateway_ref": row.intent, "ref": row.source, "gross_minor": row.facing, "currency": row.facing_currency,
        "at": row.created // SECOND * SECOND,
    } for place, row in enumerate(rows, start=2) if row.txn in of_row]


def _told_payouts(paid: Sequence[_Paid]) -> list[dict[str, Any]]:
    return [{"what": "payout", "batch": one.payout.payout, "currency": one.payout.currency, "owed_minor": one.owed,
             "told_minor": one.payout.amount, "defect": one.defect} for one in paid if one.payout]


def _rows(line: Line, available: int) -> list[StripeRow]:
    own = line.ref.partition("_")[2]
    gross = line.authorized if line.kind == "capture" else line.gross
    head = StripeRow(
        f"txn_{own}{line.number or f'd{line.defect}'}", _CATEGORIES[line.kind], line.at, available, line.currency,
        gross, _fee(line), f"Payment {line.payment_id}" if line.kind == "capture" else "", source=line.ref,
        charge=line.charge, intent=line.payment, facing=gross, facing_currency=line.currency,
        charge_created=line.created, brand="MasterCard" if "mastercard" in line.method else "Visa", funding="credit",
        country="US", payment_ref=line.payment_id, reason="fraudulent" if line.kind.startswith("chargeback") else "")
    rest = gross - line.gross
    if line.kind != "capture" or not rest:
        return [head]
    given_back = StripeRow(
        f"txn_{own}r{line.number}", "partial_capture_reversal", line.at, available, line.currency, -rest, 0, "",
        source=f"re_{own}", charge=line.charge, intent=line.payment, facing=-rest, facing_currency=line.currency,
        charge_created=line.created, brand=head.brand, funding="credit", country="US", payment_ref=line.payment_id)
    return [head, given_back]


def _fee(line: Line) -> int:
    """2.9 % and 0.30 of what is captured, 15.00 for a dispute; nothing comes back with a refund."""
    unit = 10 ** max(iso_exponent(line.currency) - 2, 0)
    if line.kind == "capture":
        return share(line.gross, 290) + 30 * int(unit)
    return 1500 * int(unit) if line.kind == "chargeback" else 0


def _date(at: int) -> date:
    return datetime.fromtimestamp(at // SECOND, UTC).date()
