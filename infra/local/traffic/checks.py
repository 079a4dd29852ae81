"""What must hold when the traffic is over and everything has been resolved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from infra.local.traffic.books import book_equals_ledger
from infra.local.traffic.drive import Asked
from infra.local.traffic.findings import Check, Fault, check
from infra.local.traffic.ledger import Ledger, Row
from infra.local.traffic.shop import Exchange

FINAL = frozenset({"COMMITTED", "REJECTED", "DECLINED", "VOIDED", "PARTIALLY_REFUNDED", "REFUNDED", "CHARGED_BACK"})
INTERRUPTED_ONE_IN = 20
"""Payments that a busy machine may interrupt: a step that is late is taken for dead, what it began taken back."""
RESTING = "AUTHORIZED"
"""A merchant may leave an authorised payment for days: the one reason for an open hold."""


def checked(ledger: Ledger, book: Sequence[Row], used: Sequence[Asked], exchanges: Sequence[Exchange],
            run: str) -> list[Check]:
    """All checks, in the order in which they are shown."""
    return [
        one_payment_per_key(ledger, used, exchanges, run),
        ledger_balanced(ledger),
        book_equals_ledger(ledger, book),
        nothing_open(ledger),
        replays_identical(exchanges),
        other_payloads_refused(exchanges),
        ended_as_they_must(ledger, used, run),
    ]


def one_payment_per_key(ledger: Ledger, used: Sequence[Asked], exchanges: Sequence[Exchange], run: str) -> Check:
    """All answers to a key speak of one payment, and the ledger has exactly that one for it."""
    answered: dict[str, set[str]] = defaultdict(set)
    for exchange in exchanges:
        if exchange.key and exchange.payment_id:
            answered[exchange.key].add(exchange.payment_id)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in ledger.payments:
        if (row["reference"] or "").startswith(f"{run}-"):
            rows[row["reference"]].append(row)
    keys = [one for one in used if one.what == "pay"]

    def faults() -> Iterator[Fault]:
        for one in keys:
            found = rows.pop(one.order.reference(run), [])
            yield from _one(one, answered[one.key], found)
        for one in used:
            if one.what != "pay" and answered[one.key] - {one.path.split("/")[3]}:
                yield Fault(one.path.split("/")[3], f"the key {one.key} was answered with {_list(answered[one.key])}")
        for reference, strangers in rows.items():
            yield Fault(str(strangers[0]["payment_id"]), f"nobody asked for {reference}")

    return check("one payment per key", len(keys), "keys", faults())


def _one(asked: Asked, ids: set[str], rows: Sequence[Row]) -> Iterator[Fault]:
    there = {str(row["payment_id"]) for row in rows}
    if len(ids) > 1:
        yield Fault(asked.key, f"was answered with {_list(ids)}")
    if len(rows) > 1:
        yield Fault(asked.key, f"has {len(rows)} payments: {_list(there)}")
    if ids and not rows:
        yield Fault(_list(ids), f"was answered to {asked.key} and is not in the ledger")
    if rows and ids and there != ids:
        yield Fault(_list(there), f"is in the ledger, {_list(ids)} was answered to {asked.key}")
    if rows and rows[0]["merchant_id"] != asked.order.merchant:
        yield Fault(_list(there), f"belongs to {rows[0]['merchant_id']}, {asked.order.merchant} asked for it")


def ledger_balanced(ledger: Ledger) -> Check:
    """Each journal is whole and balances per currency, so does everything, and stored balances are what entries say."""
    def faults() -> Iterator[Fault]:
        for row in ledger.unbalanced:
            yield Fault(str(row["payment_id"]),
                        f"journal {row['journal_id']} is off by {row['net_minor']} {row['currency']}")
        for row in ledger.incomplete:
            yield Fault(str(row["payment_id"]),
                        f"journal {row['journal_id']} has {row['entries']} of {row['entry_count']} entries")
        for row in ledger.trial_balance:
            if row["debit_minor"] != row["credit_minor"]:
                yield Fault(row["currency"], f"debits {row['debit_minor']}, credits {row['credit_minor']}")
        for row in ledger.balances:
            if row["stored_minor"] != row["rebuilt_minor"]:
                yield Fault(f"{row['account']} {row['currency']}",
                            f"stored {row['stored_minor']}, by its entries {row['rebuilt_minor']}")

    return check("ledger balanced", sum(int(row["entries"]) for row in ledger.trial_balance), "entries", faults())


def nothing_open(ledger: Ledger) -> Check:
    """No payment in doubt, stuck or unfinished; no hold but those that rest authorised, and those are whole."""
    payments: Mapping[str, Row] = {str(row["payment_id"]): row for row in ledger.payments}
    holds = {str(row["payment_id"]): row for row in ledger.open_holds}

    def faults() -> Iterator[Fault]:
        for payment, row in payments.items():
            if row["status"] not in FINAL and row["status"] != RESTING:
                yield Fault(payment, f"is {row['status']}" + (f" ({row['cause']})" if row["cause"] else ""))
            elif row["leased"]:
                yield Fault(payment, f"is {row['status']} and its saga is not over")
            elif row["status"] == RESTING and payment not in holds:
                yield Fault(payment, "is AUTHORIZED without a hold in the ledger")
        for payment, hold in holds.items():
            row = payments[payment]
            if row["status"] in FINAL:
                yield Fault(payment, f"is {row['status']} and {hold['held_minor']} {hold['currency']} are still held")
            elif row["status"] == RESTING and hold["held_minor"] != row["amount_minor"]:
                yield Fault(payment, f"rests on a hold of {hold['held_minor']}, its amount is {row['amount_minor']}")

    return check("nothing open without a reason", len(payments), "payments", faults())


def resting(ledger: Ledger) -> int:
    """Payments that wait for their merchant's capture."""
    return sum(row["status"] == RESTING and not row["leased"] for row in ledger.payments)


def replays_identical(exchanges: Sequence[Exchange]) -> Check:
    """All stored answers to a key are the same bytes, and all but the first say that they are stored."""
    finals: dict[str, list[Exchange]] = defaultdict(list)
    last: dict[str, Exchange] = {}
    for exchange in exchanges:
        if not exchange.key or exchange.what == "other":
            continue
        last[exchange.key] = exchange
        if exchange.final:
            finals[exchange.key].append(exchange)
    faults = [Fault(key, f"asked again at the end it is answered {exchange.status or 'not at all'}")
              for key, exchange in last.items() if not exchange.final]
    for key, found in finals.items():
        if len({(one.status, one.body) for one in found}) > 1:
            statuses = _list({f"{one.status} {one.body[:120].decode(errors='replace')}" for one in found})
            faults.append(Fault(key, f"is answered differently: {statuses}"))
        if (unmarked := sum(not one.replayed for one in found)) > 1:
            faults.append(Fault(key, f"{unmarked} answers are not marked as stored"))
    replays = sum(one.replayed for found in finals.values() for one in found)
    return check("replays byte-identical and marked", replays, "replays", _with_ids(faults, finals))


def other_payloads_refused(exchanges: Sequence[Exchange]) -> Check:
    """A key that comes with another payload is answered 422."""
    others = [exchange for exchange in exchanges if exchange.what == "other"]
    return check("other payloads refused", len(others), "requests", (
        Fault(one.key, f"with another payload is answered {one.status}") for one in others if one.status != 422))


def ended_as_they_must(ledger: Ledger, used: Sequence[Asked], run: str) -> Check:
    """Each payment has one of the statuses that its kind may end in, and the money that goes with it.

    One that a slow machine interrupted may have been taken back instead, as long as these are few.
    """
    rows = {row["reference"]: row for row in ledger.payments}
    pays = [one for one in used if one.what == "pay"]
    stopped = interrupted(ledger, used, run)

    def faults() -> Iterator[Fault]:
        if len(stopped) * INTERRUPTED_ONE_IN > len(pays) + INTERRUPTED_ONE_IN:
            yield Fault(_list(stopped), f"were interrupted: {len(stopped)} of {len(pays)}")
        for one in pays:
            row = rows.get(one.order.reference(run))
            kind = one.order.kind
            if row is None:
                yield Fault(one.key, f"({kind.name}) has no payment")
                continue
            payment = str(row["payment_id"])
            if row["status"] not in kind.ends and payment not in stopped:
                yield Fault(payment, f"({kind.name}, {row['gateway']}) is {row['status']}"
                                     f"{' (' + row['cause'] + ')' if row['cause'] else ''}, not {_list(kind.ends)}")
            elif row["status"] == "COMMITTED":
                wanted = one.order.part_minor if kind.then == "capture_part" else one.order.amount_minor
                if row["captured_minor"] != wanted:
                    yield Fault(payment, f"({kind.name}) captured {row['captured_minor']} of {wanted}")

    return check("ended as their kind must", len(pays), "payments", faults())


def interrupted(ledger: Ledger, used: Sequence[Asked], run: str) -> set[str]:
    """Payments of the run, warm-up left out, that were taken back only because a step took longer than it may."""
    counted = {one.order.reference(run): one.order.kind.ends for one in used if one.order.number >= 0}
    return {str(row["payment_id"]) for row in ledger.payments
            if row["reference"] in counted and row["cause"] == "interrupted"
            and row["status"] in ("REJECTED", "VOIDED") and row["status"] not in counted[row["reference"]]}


def _with_ids(faults: Sequence[Fault], finals: Mapping[str, Sequence[Exchange]]) -> list[Fault]:
    """The faults of keys under the ids of their payments, where an answer told them."""
    ids = {key: next((one.payment_id for one in found if one.payment_id), None) for key, found in finals.items()}
    return [Fault(ids.get(fault.where) or fault.where, f"key {fault.where}: {fault.why}") for fault in faults]


def _list(values: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(values)) or "nothing"
