"""What a settlement says wrongly, on purpose: asked for and written down under a label before any file is written.

Amounts are ISO minor units. A defect changes what is reported, never what the book says that happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from infra.local.gateways.book import Book
from infra.local.gateways.report import iso_minor
from infra.local.gateways.settlement.lines import Line
from infra.local.gateways.store import Store

OF_A_LINE = ("left_out", "other_amount", "other_currency", "twice")
"""Defects of the line that an operation would have."""
FURTHER = ("unasked", "after_void")
"""Lines of charges that the book does not have: of a payment that nobody asked for, of one that was given back."""
KINDS = (*OF_A_LINE, *FURTHER, "payout_short", "webhook_lost")


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect. `operation` is the number of the book's operation that it changes, 0 where it changes none; `ref`,
    `payment` and `charge` are the references of a line that it adds; `amount` and `currency` what is told instead, or
    by how much a payout falls short."""

    number: int
    kind: str
    label: str
    vendor: str
    account: str
    payment_id: str
    operation: int
    amount: int
    currency: str
    ref: str
    payment: str
    charge: str
    method: str
    at: int


def record(book: Book, wanted: Mapping[str, Any], at: int, operation: int = 0) -> dict[str, Any]:
    """Writes down a defect and returns it. `wanted`: kind, label, vendor, and by kind payment_id, of (the kind of the
    operation: capture), amount_minor, currency. Raises ValueError for what cannot be."""
    kind, label, vendor = (str(wanted[name]) for name in ("kind", "label", "vendor"))
    if kind not in KINDS:
        raise ValueError(f"a defect {kind!r}; accepted: {', '.join(KINDS)}")
    if not label:
        raise ValueError("a defect needs a label")
    store, asked = book.store, str(wanted.get("payment_id") or "")
    amount, currency = int(wanted.get("amount_minor") or 0), str(wanted.get("currency") or "")
    found = book.find(vendor, asked, at) if kind != "unasked" and asked else []
    made = Defect(0, kind, label, vendor, _account(store, vendor), asked, operation, amount, currency, "", "", "",
                  "pm_card_visa", at)
    if kind in ("payout_short", "unasked"):
        if amount <= 0 or not currency:
            raise ValueError(f"{kind} needs amount_minor and currency")
    elif not found:
        raise ValueError(f"{vendor} has no payment {asked}")
    else:
        paid = found[-1]
        made = replace(made, account=paid.account, currency=currency or paid.currency, payment=paid.ref,
                       charge=paid.charge, method=paid.method)
    if kind in OF_A_LINE:
        made = _of_operation(book, made, str(wanted.get("of") or "capture"))
    elif kind == "unasked":
        ref, charge = book.reference(vendor, "pi"), book.reference(vendor, "ch")
        made = replace(made, ref=charge, payment=ref, charge=charge)
    elif kind == "after_void":
        made = _after_void(book, made, amount)
    values = {name: value for name, value in asdict(made).items() if name != "number"}
    marks = ", ".join("?" for _ in values)
    row = store.row(f"INSERT INTO defects ({', '.join(values)}) VALUES ({marks}) RETURNING *", *values.values())
    assert row is not None
    return dict(row)


def all_defects(store: Store) -> list[Defect]:
    """Every defect, in the order in which they were asked for."""
    return [Defect(**dict(row)) for row in store.rows("SELECT * FROM defects ORDER BY number")]


def told(lines: Sequence[Line], defects: Sequence[Defect], since: int, until: int) -> list[Line]:
    """What is reported of `lines`, and the further lines of [since, until)."""
    of_operation = {d.operation: d for d in defects if d.kind in OF_A_LINE}
    found = [said for line in lines for said in _said(line, of_operation.get(line.number))]
    return found + [_further(d) for d in defects if d.kind in FURTHER and since <= d.at < until]


def short_of(defects: Sequence[Defect], account: str, currency: str, since: int, until: int, net: int) -> Defect | None:
    """The defect by which a payout of `net` for the movements of [since, until) falls short."""
    return next((d for d in defects if d.kind == "payout_short" and (d.account, d.currency) == (account, currency)
                 and since <= d.at < until and d.amount < net), None)


def _said(line: Line, defect: Defect | None) -> list[Line]:
    if defect is None:
        return [line]
    sign = 1 if line.gross > 0 else -1
    said = replace(line, defect=defect.number)
    match defect.kind:
        case "left_out":
            return []
        case "other_amount":
            return [replace(said, gross=sign * defect.amount, authorized=defect.amount)]
        case "other_currency":
            return [replace(said, currency=defect.currency)]
    # The same once more, under references of its own.
    return [line, replace(said, number=0, ref=defect.ref, charge=defect.charge, at=max(defect.at, line.at))]


def _further(defect: Defect) -> Line:
    return Line(0, "capture", defect.ref, defect.payment, defect.payment_id, defect.charge, defect.currency,
                defect.amount, defect.amount, defect.method, defect.at, defect.at, defect.number)


def _of_operation(book: Book, defect: Defect, kind: str) -> Defect:
    done = [one for one in book.operations(defect.payment) if (one.kind, one.status) == (kind, "succeeded")]
    if not done:
        raise ValueError(f"payment {defect.payment_id} has no {kind} that succeeded")
    if defect.kind == "other_amount" and defect.amount <= 0:
        raise ValueError("other_amount needs amount_minor")
    made = replace(defect, operation=done[-1].number)
    if defect.kind == "twice":
        again = book.reference(defect.vendor, "ch")
        made = replace(made, ref=again, charge=again if defect.vendor == "stripe" else defect.charge)
    return made


def _after_void(book: Book, defect: Defect, amount: int) -> Defect:
    paid = book.get(defect.vendor, defect.payment, defect.at)
    if paid.state not in ("voided", "expired") or paid.captured:
        raise ValueError(f"payment {defect.payment_id} is {paid.state}; one that was given back is accepted")
    ref = paid.charge if defect.vendor == "stripe" else book.reference(defect.vendor, "ch")
    held = iso_minor(paid.authorized or paid.amount, paid.currency, paid.vendor)
    return replace(defect, ref=ref, amount=amount or held)


def _account(store: Store, vendor: str) -> str:
    row = store.row("SELECT account FROM payments WHERE vendor = ? ORDER BY rowid LIMIT 1", vendor)
    if row is None:
        raise ValueError(f"{vendor} has no payments yet")
    return str(row["account"])
