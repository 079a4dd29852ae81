"""A small lake of payments' lives, written move by move, for tests of how long they took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table

DAY = datetime(2026, 3, 5, tzinfo=UTC)
MORNING = DAY + timedelta(hours=9)
ACCOUNTS = {"stripe": "acct_1", "adyen": "ShopEU"}

Moves = Sequence[tuple[str, int]]
"""Statuses with the milliseconds since the payment's id."""

COMMITTED: Moves = (("RECEIVED", 20), ("VALIDATED", 30), ("RESERVED", 45), ("AUTHORIZING", 50), ("AUTHORIZED", 250),
                    ("CAPTURING", 260), ("CAPTURED", 400), ("COMMITTED", 440))


class Lives:
    """Collects rows and writes them as a lake, one object for each hour of a table."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._ids: dict[int, dict[str, Any]] = {}
        self._counter = 0

    def payment(self, payment_id: int, moves: Moves = COMMITTED, *, gateway: str = "stripe", at: datetime = MORNING,
                capture_mode: str = "automatic", copies: int = 1) -> None:
        """A payment whose id was made at `at`; every transition is delivered `copies` times."""
        known: dict[str, Any] = {
            "payment_id": payment_id, "merchant_id": "m1", "gateway": gateway,
            "trace_id": f"1-{payment_id:08x}-{0:024x}"}
        self._ids[payment_id] = known | {"id_at": at}
        for version, (status, ms) in enumerate(moves, 1):
            moved = at + timedelta(milliseconds=ms)
            row = known | {
                "version": version, "status": status, "amount_minor": 1_000, "currency": "EUR",
                "gateway_account": ACCOUNTS[gateway], "gateway_ref": f"ref_{payment_id}", "capture_mode": capture_mode,
                "id_at": at, "event_at": moved, "recorded_at": moved}
            self.rows["payment_states"] += [row] * copies

    def event(self, payment_id: int, step: str, outcome: str, ms: int, *, us: int | None = None, attempt: int = 1,
              code: str | None = None, copies: int = 1) -> None:
        """An event of a payment, `ms` after its id."""
        self._counter += 1
        known = {name: value for name, value in self._ids[payment_id].items() if name != "id_at"}
        at = self._ids[payment_id]["id_at"] + timedelta(milliseconds=ms)
        row = known | {"event_id": f"E{self._counter:06d}", "seq": self._counter, "step": step, "outcome": outcome,
                       "attempt": attempt, "duration_us": us, "error_code": code, "event_at": at, "recorded_at": at}
        self.rows["payment_events"] += [row] * copies

    def line(self, payment_id: int, *, gateway: str = "stripe", paid: datetime | None = None,
             received: datetime = DAY + timedelta(days=4), by_id: bool = True, booked: datetime | None = None) -> None:
        """A settlement line of a payment's charge; without `by_id` it only says the gateway's reference."""
        at = MORNING + timedelta(seconds=1)
        number = len(self.rows["settlement_lines"])
        self.rows["settlement_lines"].append({
            "line_id": f"L{number}", "file_id": f"F{received:%d}", "line_no": number, "gateway": gateway,
            "gateway_account": ACCOUNTS[gateway], "report_type": "any", "native_id": f"N{payment_id}", "kind": "charge",
            "raw_type": "charge", "payment_ref": str(payment_id) if by_id else None,
            "gateway_ref": f"ref_{payment_id}", "gross_minor": 1_000, "gross_currency": "EUR", "occurred_at": at,
            "paid_out_at": paid, "booked_at": booked, "received_at": received, "recorded_at": received})

    def write(self, root: Path) -> Path:
        """The lake's folder."""
        for name in ("payment_states", "payment_events", "settlement_lines"):
            shape = table(name)
            places: dict[Path, list[dict[str, Any]]] = defaultdict(list)
            (root / name).mkdir(parents=True, exist_ok=True)
            for row in self.rows[name]:
                at = row.get("event_at") or row["occurred_at"]
                inside = {"dt": f"{at:%Y-%m-%d}", "hr": f"{at:%H}", "gateway": row["gateway"]}
                parts = [f"{column.name}={inside[column.name]}" for column in shape.partitions]
                places[root.joinpath(name, *parts)].append(row)
            for folder, rows in places.items():
                folder.mkdir(parents=True, exist_ok=True)
                naive = [{key: value.replace(tzinfo=None) if isinstance(value, datetime) else value
                          for key, value in row.items()} for row in rows]
                pq.write_table(pa.Table.from_pylist(naive, schema=arrow_schema(shape)), folder / "0.parquet")
        return root


def mixed(root: Path) -> Path:
    """A lake with something for every question: both gateways, two hours, what went wrong, and what never ended."""
    lives = Lives()
    for number in range(1, 24):
        gateway = "adyen" if number % 3 == 0 else "stripe"
        moves = tuple((status, ms + number * number) for status, ms in COMMITTED)
        lives.payment(number, moves, gateway=gateway, at=MORNING + timedelta(minutes=5 * number), copies=1 + number % 2)
        lives.event(number, "authorize", "started", 50 + number)
        lives.event(number, "authorize", "succeeded", 250 + number * number, us=150_000 + number, copies=1 + number % 3)
        lives.event(number, "capture", "succeeded", 400 + number * number, us=90_000 - number)
        if number % 4:
            lives.line(number, gateway=gateway, paid=DAY + timedelta(days=number % 3), by_id=number % 5 != 0)
    _trouble(lives)
    return lives.write(root / "lake")


def _trouble(lives: Lives) -> None:
    lives.payment(30, (("RECEIVED", 20), ("VALIDATED", 30), ("RESERVED", 45), ("AUTHORIZING", 50), ("IN_DOUBT", 12_050),
                       ("VOIDING", 22_100), ("VOIDED", 22_900)))
    lives.event(30, "authorize", "started", 50)
    lives.event(30, "authorize", "in_doubt", 12_050, us=12_000_000, code="timeout")
    lives.event(30, "authorize", "recovered", 15_000)
    lives.event(30, "recovery", "started", 22_080, code="IN_DOUBT")
    lives.event(30, "void", "started", 22_100)
    lives.event(30, "void", "in_doubt", 22_200, us=60_000, code="http_500")
    lives.event(30, "void", "compensated", 22_800, us=40_000, attempt=2, code="interrupted")
    lives.event(30, "reserve", "compensated", 22_850)
    lives.event(30, "recovery", "recovered", 23_000)
    lives.payment(31, (("RECEIVED", 20), ("VALIDATED", 30), ("RESERVED", 45), ("AUTHORIZING", 50), ("DECLINED", 300)),
                  gateway="adyen")
    lives.event(31, "authorize", "failed", 300, us=200_000, code="card_declined")
    lives.payment(32, (*COMMITTED[:5], ("CAPTURING", 60_000), ("CAPTURED", 60_100), ("COMMITTED", 60_140)),
                  capture_mode="manual")
    lives.payment(33, (("RECEIVED", 20), ("VALIDATED", 30)), at=MORNING + timedelta(hours=1))
    # Not of the window: it entered before, and one after.
    lives.payment(34, at=MORNING - timedelta(hours=2))
    lives.payment(35, at=MORNING + timedelta(hours=9))
    # A second file tells of the same line, later.
    lives.line(1, paid=DAY + timedelta(days=7), received=DAY + timedelta(days=8))
