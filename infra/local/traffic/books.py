"""The gateways' book held against the ledger, operation by operation and movement by movement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from infra.local.traffic.findings import Check, Fault, check
from infra.local.traffic.ledger import Ledger, Row

STEPS = {"capture": "CAPTURE", "capture_failed": "CAPTURE_REVERSAL", "refund": "REFUND",
         "refund_failed": "REFUND_REVERSAL", "chargeback": "CHARGEBACK", "chargeback_reversal": "CHARGEBACK_REVERSAL"}
"""The posting that each thing which moves money at a gateway must have."""
_ASKED = ("authorize", "capture", "void", "refund")
"""What only happens because we asked; the rest befalls."""
_OPEN = ("pending", "in_doubt")
_DEBITS = ("CAPTURE", "REFUND_REVERSAL", "CHARGEBACK_REVERSAL")


def book_equals_ledger(ledger: Ledger, book: Sequence[Row]) -> Check:
    """Every operation of the book beside the ledger's operation with its key, every movement beside its posting, and
    every hold beside the payment that rests on it. `book` as the simulator reports it."""
    faults = [*_operations(ledger, book), *_movements(ledger, book), *_holds(ledger, book)]
    return check("gateways' book equals ledger", len(book) + len(ledger.operations), "operations", faults)


def _operations(ledger: Ledger, book: Sequence[Row]) -> Iterator[Fault]:
    done: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    happened: dict[str, set[str]] = defaultdict(set)
    for row in book:
        payment = str(row["payment_id"])
        if row["kind"] in _ASKED:
            done[payment, row["kind"], row["key"]].append(row)
        if row["status"] == "succeeded":
            happened[payment].add(row["kind"])
    authorized = {str(row["payment_id"]): row["authorized_minor"] for row in ledger.payments}
    for asked in ledger.operations:
        payment, kind = str(asked["payment_id"]), asked["kind"]
        if kind not in _ASKED:
            # What befell a payment is compared as a movement: it has no key of ours.
            continue
        found = done.pop((payment, kind, asked["gateway_key"]), [])
        for why in _compared(asked, found, authorized.get(payment), gone=_gone(kind, happened[payment])):
            yield Fault(payment, f"{kind} {asked['gateway_key']}: {why}")
    for (payment, kind, key), rows in done.items():
        yield Fault(payment, f"{rows[0]['gateway']}'s book has {kind} {rows[0]['status']} of {_money(rows[0])} "
                             f"({rows[0]['operation_ref']}) under the key {key!r}, which the ledger has not")


def _gone(kind: str, happened: set[str]) -> bool:
    """Whether nothing is left of what an operation of this kind did, by what happened to its payment."""
    if kind in ("authorize", "void"):
        return "authorize" not in happened or bool(happened & {"void", "expire"})
    return f"{kind}_failed" in happened


def _compared(asked: Row, found: Sequence[Row], authorized: int | None, *, gone: bool) -> Iterator[str]:
    """What differs between an operation of the ledger and the book's rows under its key; `gone`: nothing is left of it
    at the gateway."""
    happened = [row for row in found if row["status"] == "succeeded"]
    if len(happened) > 1:
        yield f"happened {len(happened)} times"
    if asked["status"] in _OPEN:
        if asked["kind"] != "authorize" or not gone:
            yield f"is still {asked['status']}"
    elif asked["status"] != "succeeded":
        # It may have happened if it has been taken back since: an authorisation without an answer that was voided, a
        # capture that failed later.
        if happened and not gone:
            yield f"is {asked['status']} in the ledger and happened: {happened[0]['operation_ref']}"
    elif asked["kind"] == "void":
        # Nothing was there to give back: that is what a void was for.
        if not happened and not gone:
            yield "succeeded in the ledger and the hold is still there"
    elif not happened:
        yield "succeeded in the ledger and is not in the book"
    else:
        yield from _same(asked, happened[0], authorized)


def _same(asked: Row, done: Row, authorized: int | None) -> Iterator[str]:
    # Where only a webhook told of it, the payment has no authorised amount: it was asked for.
    amount = authorized if asked["kind"] == "authorize" and authorized is not None else asked["amount_minor"]
    if (amount, asked["currency"]) != (done["amount_minor"], done["currency"]):
        yield f"{amount} {asked['currency']} in the ledger, {_money(done)} in the book"
    if asked["operation_ref"] not in (None, done["operation_ref"]):
        yield f"{asked['operation_ref']} in the ledger, {done['operation_ref']} in the book"
    if asked["gateway"] != done["gateway"]:
        yield f"with {asked['gateway']} in the ledger, in {done['gateway']}'s book"


def _movements(ledger: Ledger, book: Sequence[Row]) -> Iterator[Fault]:
    ours = Counter(_posted(row) for row in ledger.movements)
    theirs = Counter((str(row["payment_id"]), STEPS[row["kind"]], row["amount_minor"], row["currency"], row["gateway"],
                      row["operation_ref"]) for row in book if row["kind"] in STEPS and row["status"] == "succeeded")
    for moved, count in (ours - theirs).items():
        yield Fault(moved[0], f"{_told(moved)} is posted and not in the book{_times(count)}")
    for moved, count in (theirs - ours).items():
        yield Fault(moved[0], f"{_told(moved)} is in the book and not posted{_times(count)}")


def _posted(row: Row) -> tuple[str, str, int, str, str, str | None]:
    """A movement of the ledger; one on the wrong side has a negative amount, and so no equal in the book."""
    side = "D" if row["step"] in _DEBITS else "C"
    amount = row["amount_minor"] if row["direction"] == side else -row["amount_minor"]
    return (str(row["payment_id"]), row["step"], amount, row["currency"], row["account"].partition(":")[2],
            row["operation_ref"])


def _holds(ledger: Ledger, book: Sequence[Row]) -> Iterator[Fault]:
    """What the gateways hold and nobody has captured or given back, against the payments that rest on a hold."""
    states: dict[str, list[Row]] = defaultdict(list)
    for row in book:
        states[str(row["payment_id"])].append(row)
    payments: Mapping[str, Row] = {str(row["payment_id"]): row for row in ledger.payments}
    for payment, rows in states.items():
        held = _held(rows)
        resting = payment in payments and payments[payment]["status"] == "AUTHORIZED"
        if held and not resting:
            status = payments[payment]["status"] if payment in payments else "unknown here"
            yield Fault(payment, f"{rows[0]['gateway']} holds {_money(held)} for it, and it is {status}")
    for payment, row in payments.items():
        if row["status"] == "AUTHORIZED" and not _held(states.get(payment, ())):
            yield Fault(payment, f"is AUTHORIZED, and {row['gateway']} holds nothing for it")


def _held(rows: Iterable[Row]) -> Row | None:
    """The authorisation that is still open."""
    open_one: Row | None = None
    for row in rows:
        if row["status"] != "succeeded":
            continue
        if row["kind"] == "authorize":
            open_one = row
        elif row["kind"] in ("capture", "void", "expire"):
            open_one = None
    return open_one


def _money(row: Row) -> str:
    return f"{row['amount_minor']} {row['currency']}"


def _told(moved: tuple[str, str, int, str, str, str | None]) -> str:
    _, step, amount, currency, gateway, reference = moved
    return f"{step} of {amount} {currency} at {gateway} ({reference})"


def _times(count: int) -> str:
    return "" if count == 1 else f", {count} times"
