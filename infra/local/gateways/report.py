"""The book as others compare it with their ledger: operation by operation, in ISO minor units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.gateways.store import Store
from pipeline.schemas.currency import gateway_exponent, iso_exponent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def book_report(store: Store, since: int = 0) -> list[dict[str, Any]]:
    """Operations with a number above `since`, oldest first, refused ones with their reason."""
    rows = store.rows("SELECT o.*, p.vendor, p.account, p.payment_id, p.currency, p.state, p.charge FROM operations o "
                      "JOIN payments p ON p.ref = o.payment WHERE o.number > ? ORDER BY o.number", since)
    return [{
        "number": row["number"], "gateway": row["vendor"], "gateway_account": row["account"],
        "payment_id": row["payment_id"], "kind": row["kind"], "status": row["status"], "reason": row["reason"],
        "amount_minor": iso_minor(row["amount"], row["currency"], row["vendor"]), "currency": row["currency"],
        "gateway_ref": row["payment"], "operation_ref": row["ref"], "key": row["key"], "state": row["state"],
        "at": iso_time(row["at"]),
    } for row in rows]


def iso_minor(amount: int, currency: str, vendor: str) -> int:
    """Minor units of ISO 4217 for an integer of the vendor's API; raises ValueError where there is none."""
    shift = iso_exponent(currency) - gateway_exponent(vendor, currency)
    if shift >= 0:
        return amount * int(10**shift)
    whole, rest = divmod(amount, int(10**-shift))
    if rest:
        raise ValueError(f"{amount} of {vendor}'s {currency} is no whole number of minor units")
    return whole


def iso_time(at: int) -> str:
    """Milliseconds as 2026-01-31T12:00:00.000Z."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
