"""What befalls payments after they were captured, while traffic lasts: disputes, and captures that fail late."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.gateways.client import Client

Row = dict[str, Any]
GATEWAYS = ("stripe", "adyen")
_DISPUTED = 3
"""Of each gateway: one is told rightly, the others may have their lines spoiled. One more is disputed and won."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that was captured whole, by whom, and how its book looks."""

    payment_id: int
    gateway: str
    currency: str
    amount: int


def plain(ledger: Mapping[str, Sequence[Row]], book: Sequence[Row], run: str) -> list[Payment]:
    """Payments of a run that were authorised and captured once, in full, with nothing else to tell of them."""
    kinds: dict[str, list[tuple[str, str, int]]] = {}
    for row in book:
        kinds.setdefault(row["payment_id"], []).append((row["kind"], row["status"], row["amount_minor"]))
    found = []
    for row in ledger["payments"]:
        whole = [("authorize", "succeeded", row["amount_minor"]), ("capture", "succeeded", row["amount_minor"])]
        ours = (row["reference"] or "").startswith(f"{run}-")
        if ours and row["status"] == "COMMITTED" and kinds.get(str(row["payment_id"])) == whole:
            found.append(Payment(row["payment_id"], row["gateway"], row["currency"], row["amount_minor"]))
    return found


def befall(client: Client, payments: Sequence[Payment], seed: int) -> dict[str, list[Payment]]:
    """Disputes some payments of each gateway, one of which is won, and fails a capture of Adyen's. Webhooks tell.

    The payments by what befell them.
    """
    rng = random.Random(f"befall {seed}")
    chosen: dict[str, list[Payment]] = {"chargeback": [], "chargeback_reversal": [], "capture_failed": []}
    for gateway in GATEWAYS:
        open_ones = [payment for payment in payments if payment.gateway == gateway]
        disputed = rng.sample(open_ones, min(_DISPUTED + 1, len(open_ones) // 4))
        chosen["chargeback"] += disputed
        chosen["chargeback_reversal"] += disputed[_DISPUTED:]
        left = [payment for payment in open_ones if payment not in disputed]
        if gateway == "adyen" and left:
            chosen["capture_failed"].append(rng.choice(left))
    for kind, some in chosen.items():
        for payment in some:
            client.happen(kind, payment.payment_id, vendor=payment.gateway)
    return chosen


def without(payments: Sequence[Payment], taken: Collection[Payment]) -> list[Payment]:
    """Those that nothing has befallen."""
    return [payment for payment in payments if payment not in taken]
