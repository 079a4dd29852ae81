"""A delivery as the bytes of the vendor's file, and the note of when each file arrived."""

from __future__ import annotations

import random
from typing import Any

from recon.worlds.clock import DAY, MINUTE, rfc
from recon.worlds.frame import BRANDS, COMPANY, COUNTRIES
from recon.worlds.model import BatchRow, FeedFile, Line
from recon.worlds.writers import adyen, stripe

_STRIPE_BRANDS = {"visa": "Visa", "mc": "MasterCard", "amex": "American Express"}
_MIGRATED_AFTER_DAYS = 20
"""The classic account's file has 30 columns at first and 32 from this day of the world on."""


def render(file: FeedFile, start: int) -> bytes:
    """The file as delivered. A repeated file has the bytes of the first, or its rows in another order."""
    rows = _rows(file, start)
    if file.reordered:
        header, *body = rows.splitlines(keepends=True)
        random.Random(file.name).shuffle(body)
        rows = header + "".join(body)
    return rows.encode()


def arrival(file: FeedFile) -> dict[str, Any]:
    """What arrivals.json says of a file: when it came, what it covers, whose it is."""
    return {
        "received_at": rfc(file.received_at),
        "covers_from": rfc(file.covers_from),
        "covers_until": rfc(file.covers_until),
        "gateway_account": file.account.name,
    }


def _rows(file: FeedFile, start: int) -> str:
    return _stripe(file) if file.account.gateway == "stripe" else _adyen(file, start)


def _stripe(file: FeedFile) -> str:
    if file.report == "payouts":
        return stripe.payouts(
            stripe.PayoutRow(f"txn_{p.txn}", p.batch, p.currency, p.told, p.effective_at, "paid")
            for p in file.payouts
            if p.told is not None
        )
    payouts = {p.currency: (p.batch, p.effective_at) for p in file.payouts}
    rows = (
        [_stripe_batch_row(r, file) for r in file.batch_rows if r.kind == "payout"]
        + [_stripe_row(line, payouts, file) for line in file.lines]
        + [_stripe_batch_row(r, file) for r in file.batch_rows if r.kind != "payout"]
    )
    return stripe.activity(rows) if file.account.layout == "activity" else stripe.payout_reconciliation(rows)


def _adyen(file: FeedFile, start: int) -> str:
    account = file.account
    head = adyen.Head(COMPANY[account.name], account.name, file.batch or 0, account.zone)
    if file.report == "aggregate_settlement":
        return adyen.aggregate_settlement(head, _aggregate(file), closed_at=file.covers_until + 45 * MINUTE)
    if file.report == "payment_accounting":
        return adyen.payment_accounting(head, _accounting(file))
    booked = file.covers_until + 40 * MINUTE
    late = file.covers_from >= start + _MIGRATED_AFTER_DAYS * DAY
    layout = "wide" if account.layout == "wide" else "booked" if late else "classic"
    rows = [
        *(_adyen_batch_row(r) for r in file.batch_rows if r.at < file.covers_until),
        *(_adyen_row(line, booked) for line in file.lines),
        *(_adyen_batch_row(r) for r in file.batch_rows if r.at >= file.covers_until),
    ]
    return adyen.settlement_details(head, rows, layout=layout)


def _stripe_row(line: Line, payouts: dict[str, tuple[str, int]], file: FeedFile) -> stripe.StripeRow:
    payment = line.payment
    payout, paid_at = payouts.get(line.settled_currency, ("", None))
    brand, funding = BRANDS[payment.brand]
    return stripe.StripeRow(
        f"txn_{line.token}",
        line.raw_type,
        line.at,
        file.covers_until,
        line.settled_currency,
        line.settled,
        line.fee,
        f"Payment {payment.id}" if line.kind == "charge" and not line.keyless else "",
        payout,
        paid_at,
        line.operation_ref,
        line.charge_ref,
        line.gateway_ref,
        line.gross,
        line.currency,
        payment.authorized_at if not line.keyless else None,
        _STRIPE_BRANDS[brand],
        funding,
        COUNTRIES[payment.country],
        line.payment_ref,
        "fraudulent" if line.kind.startswith("chargeback") else "",
    )


def _stripe_batch_row(row: BatchRow, file: FeedFile) -> stripe.StripeRow:
    paid = next((p.effective_at for p in file.payouts if p.batch == row.payout), None)
    return stripe.StripeRow(
        f"txn_{row.token}",
        row.raw_type,
        row.at,
        file.covers_until,
        row.currency,
        row.net,
        0,
        row.text,
        row.payout,
        paid,
        row.payout if row.kind == "payout" else "",
    )


def _adyen_row(line: Line, booked: int) -> adyen.AdyenRow:
    blended = bool(line.commission) or not (line.markup or line.scheme or line.interchange)
    brand, funding = BRANDS[line.payment.brand]
    return adyen.AdyenRow(
        line.raw_type,
        line.at,
        booked,
        line.net,
        line.settled_currency,
        line.operation_ref,
        line.gateway_ref,
        line.payment_ref,
        brand,
        f"{brand}{'standard' if brand != 'amex' else ''}{funding}",
        line.gross,
        line.currency,
        line.rate,
        line.commission if blended else None,
        None if blended else line.markup,
        None if blended else line.scheme,
        None if blended else line.interchange,
        "<auto>" if line.kind == "charge" and not line.payment.manual else "",
        COUNTRIES[line.payment.country],
    )


def _accounting(file: FeedFile) -> list[adyen.AccountingRow]:
    """What was authorised that day, in order of time, then what the day's batch settled."""
    rows = [
        adyen.AccountingRow(
            "Authorised", p.authorized_at, p.gateway_ref, str(p.id), BRANDS[p.brand][0], p.currency, p.amount, None
        )
        for p in file.authorised
    ]
    for line in file.lines:
        if line.kind == "charge" and not line.keyless:
            method, booked = BRANDS[line.payment.brand][0], file.covers_until + 40 * MINUTE
            rows.append(
                adyen.AccountingRow(
                    "Settled",
                    booked,
                    line.gateway_ref,
                    line.payment_ref,
                    method,
                    line.currency,
                    None,
                    -line.gross,
                    line.operation_ref,
                    line.net,
                    line.settled_currency,
                )
            )
    return rows


def _adyen_batch_row(row: BatchRow) -> adyen.AdyenRow:
    if row.kind == "balance_transfer":
        return adyen.AdyenRow(
            row.raw_type,
            row.at,
            row.at,
            row.net,
            row.currency,
            "Balancetransfer",
            modification_merchant_reference=row.text,
        )
    return adyen.AdyenRow(row.raw_type, row.at, row.at, row.net, row.currency, row.text)


def _aggregate(file: FeedFile) -> list[adyen.AggregateRow]:
    """Totals of a batch as its control report tells them: what went in, was carried, was paid. They add up to zero."""
    rows = []
    for payout in file.payouts:
        rows.append(
            adyen.AggregateRow("Settled", "mc", payout.net + (payout.told or 0) - payout.paid, payout.currency, 1)
        )
        rows += [
            adyen.AggregateRow("Balancetransfer", "", amount, payout.currency, 1)
            for amount in (payout.carry_in, -payout.carry_out)
            if amount
        ]
        if payout.told:
            rows.append(adyen.AggregateRow("MerchantPayout", "", -payout.told, payout.currency, 1))
    return rows
