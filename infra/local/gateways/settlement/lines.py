"""Operations that moved money, as both vendors' reports tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.gateways.report import iso_minor
from infra.local.gateways.store import Store

MOVING = ("capture", "capture_failed", "refund", "refund_failed", "chargeback", "chargeback_reversal")
_INWARD = ("capture", "refund_failed", "chargeback_reversal")


@dataclass(frozen=True, slots=True)
class Line:
    """One operation. Amounts are ISO minor units, `gross` from the merchant's side; times milliseconds UTC."""

    number: int
    kind: str
    ref: str
    payment: str
    payment_id: str
    charge: str
    currency: str
    gross: int
    authorized: int
    method: str
    at: int
    created: int
    defect: int = 0
    """Number of the defect that it shows."""


def lines_between(store: Store, vendor: str, account: str, since: int, until: int) -> list[Line]:
    """What moved money in [since, until), in order."""
    marks = ", ".join("?" for _ in MOVING)
    rows = store.rows(
        "SELECT o.*, p.payment_id, p.charge, p.currency, p.authorized, p.method, p.created FROM operations o "
        f"JOIN payments p ON p.ref = o.payment WHERE o.status = 'succeeded' AND o.kind IN ({marks}) AND p.vendor = ? "
        "AND p.account = ? AND o.at >= ? AND o.at < ? ORDER BY o.number", *MOVING, vendor, account, since, until)
    found = []
    for row in rows:
        amount, held = (iso_minor(row[name], row["currency"], vendor) for name in ("amount", "authorized"))
        found.append(Line(row["number"], row["kind"], row["ref"], row["payment"], row["payment_id"], row["charge"],
                          row["currency"], amount if row["kind"] in _INWARD else -amount, held, row["method"],
                          row["at"], row["created"]))
    return found


def authorizations_between(store: Store, account: str, since: int, until: int) -> dict[str, int]:
    """How many authorisations Adyen processed in [since, until), refused ones included, by currency."""
    rows = store.rows(
        "SELECT p.currency, count(*) AS times FROM operations o JOIN payments p ON p.ref = o.payment WHERE "
        "o.kind = 'authorize' AND p.vendor = 'adyen' AND p.account = ? AND o.at >= ? AND o.at < ? "
        "GROUP BY 1 ORDER BY 1",
        account, since, until)
    return {row["currency"]: row["times"] for row in rows}


def first_at(store: Store, vendor: str, account: str) -> int | None:
    """When the account's first operation was, None before there is one."""
    row = store.row("SELECT min(o.at) AS at FROM operations o JOIN payments p ON p.ref = o.payment "
                    "WHERE p.vendor = ? AND p.account = ?", vendor, account)
    return None if row is None or row["at"] is None else int(row["at"])


def share(amount: int, basis_points: int) -> int:
    """`basis_points` of an amount, to the nearest minor unit, a half rounded up."""
    return (amount * basis_points + 5000) // 10_000
