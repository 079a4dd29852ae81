"""Small Stripe files for tests, made row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "automatic_payout_id", "automatic_payout_effective_at_utc", "automatic_payout_effective_at",
    "balance_transaction_id", "created_utc", "created", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "customer_facing_amount", "customer_facing_currency", "customer_email",
    "charge_id", "payment_intent_id", "payment_method_type", "card_brand", "card_funding", "card_country",
    "payment_metadata[payment_id]",
)  # fmt: skip
NINE = (
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "description",
)  # fmt: skip


def row(number: int = 1, **cells: str) -> dict[str, str]:
    """A charge of 10.00 USD with a fee of 0.59, changed by `cells`; metadata as `payment_ref`."""
    usual = {
        "automatic_payout_id": "po_1", "automatic_payout_effective_at_utc": "2026-03-05 00:00:00",
        "automatic_payout_effective_at": "2026-03-05 01:00:00",
        "balance_transaction_id": f"txn_{number}", "created_utc": f"2026-03-02 10:00:{number % 60:02d}",
        "created": f"2026-03-02 11:00:{number % 60:02d}", "available_on_utc": "2026-03-04 00:00:00",
        "currency": "usd", "gross": "10.00", "fee": "0.59", "net": "9.41", "reporting_category": "charge",
        "source_id": f"ch_{number}", "customer_email": "person@example.org", "charge_id": f"ch_{number}",
        "payment_intent_id": f"pi_{number}", "payment_method_type": "card", "card_brand": "MasterCard",
        "card_funding": "credit", "card_country": "NL",
        "payment_metadata[payment_id]": cells.pop("payment_ref", str(4611686018427400000 + number)),
    }  # fmt: skip
    return usual | cells


def text(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = COLUMNS, **dialect: Any) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, **({"lineterminator": "\n"} | dialect))
    writer.writerow(columns)
    writer.writerows([cells.get(name, "") for name in columns] for cells in rows)
    return out.getvalue()


def write(path: Path, rows: Sequence[Mapping[str, str]], columns: Sequence[str] = COLUMNS, **dialect: Any) -> Path:
    """The rows as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(rows, columns, **dialect), encoding="utf-8", newline="")
    return path


def transaction(number: int = 1, **values: Any) -> dict[str, Any]:
    """A balance transaction of the API: a charge of 10.00 USD."""
    usual = {
        "id": f"txn_{number}", "object": "balance_transaction", "amount": 1000, "currency": "usd", "fee": 59,
        "net": 941, "created": 1772445600 + number, "available_on": 1772582400, "type": "charge",
        "reporting_category": "charge", "source": f"ch_{number}", "exchange_rate": None, "description": None,
        "fee_details": [{"amount": 59, "currency": "usd", "type": "stripe_fee"}], "status": "available",
    }  # fmt: skip
    return usual | values


def page(items: Sequence[Mapping[str, Any]]) -> str:
    """A list page of the API."""
    return json.dumps({"object": "list", "has_more": False, "url": "/v1/balance_transactions", "data": list(items)})
