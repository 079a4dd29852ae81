"""A small lake, written fact by fact, for tests that need to say exactly what the ledger and the gateway said."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from tests.factories.lake_control import DAY, control_rows

ACCOUNT = "acct_1"
_SIGN = {"CAPTURE": "D", "REFUND_REVERSAL": "D", "CHARGEBACK_REVERSAL": "D"}


class LakeBuilder:
    """Collects facts and writes them as a lake. Every method returns what names the fact in a divergence."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.lost: set[str] = set()
        self.objects: list[dict[str, Any]] = []
        self._counter = 0
        self.feed("file-1", DAY - timedelta(days=30), DAY + timedelta(days=30))
        self.expect()

    def movement(
        self,
        payment_id: int,
        amount_minor: int,
        *,
        step: str = "CAPTURE",
        operation_ref: str | None = "auto",
        gateway_ref: str | None = "auto",
        currency: str = "EUR",
        at: datetime = DAY + timedelta(hours=9),
        sequence: int = 1,
        gateway: str = "stripe",
        account: str = ACCOUNT,
        lost: bool = False,
        copies: int = 1,
    ) -> str:
        """A journal of two entries; returns the journal id. `lost`: control knows it and the lake does not."""
        self._counter += 1
        journal_id = f"J{self._counter:06d}"
        direction = _SIGN.get(step, "C")
        other = "C" if direction == "D" else "D"
        common: dict[str, Any] = {
            "journal_id": journal_id,
            "payment_id": payment_id,
            "merchant_id": "m1",
            "step": step,
            "sequence": sequence,
            "amount_minor": abs(amount_minor),
            "currency": currency,
            "journal_entry_count": 2,
            "gateway": gateway,
            "gateway_account": account,
            "event_at": at,
            "recorded_at": at,
            "trace_id": f"trace-{payment_id}",
            "gateway_ref": f"pi_{payment_id}" if gateway_ref == "auto" else gateway_ref,
            "operation_ref": f"op_{step}_{payment_id}_{sequence}" if operation_ref == "auto" else operation_ref,
        }
        for side, name in ((direction, f"gateway_clearing:{gateway}"), (other, "merchant_pending:m1")):
            entry = common | {"entry_id": f"E{journal_id}{side}", "account": name, "direction": side}
            self.rows["ledger_entries"] += [entry] * copies
            if lost:
                self.lost.add(entry["entry_id"])
        return journal_id

    def state(self, payment_id: int, status: str, *, at: datetime = DAY, **more: Any) -> None:
        """One committed transition of a payment."""
        self.rows["payment_states"].append(
            {
                "payment_id": payment_id,
                "merchant_id": "m1",
                "version": 1,
                "status": status,
                "gateway": "stripe",
                "gateway_account": ACCOUNT,
                "gateway_ref": f"pi_{payment_id}",
                "event_at": at,
                "recorded_at": at,
            }
            | more
        )

    def line(
        self,
        native_id: str,
        amount_minor: int,
        *,
        kind: str = "charge",
        payment_id: int | None = None,
        operation_ref: str | None = None,
        gateway_ref: str | None = "auto",
        payment_ref: str | None = "auto",
        charge_ref: str | None = None,
        currency: str = "EUR",
        at: datetime = DAY + timedelta(hours=9, seconds=2),
        file_id: str = "file-1",
        gateway: str = "stripe",
        account: str = ACCOUNT,
        raw_type: str | None = None,
    ) -> str:
        """A line of a settlement file; returns its subject."""
        known = payment_id is not None
        self.rows["settlement_lines"].append(
            {
                "line_id": f"{gateway}/{account}/{native_id}",
                "file_id": file_id,
                "line_no": len(self.rows["settlement_lines"]) + 2,
                "gateway": gateway,
                "gateway_account": account,
                "report_type": "payout_reconciliation",
                "native_id": native_id,
                "kind": kind,
                "raw_type": raw_type or kind,
                "operation_ref": operation_ref,
                "charge_ref": charge_ref,
                "gateway_ref": (f"pi_{payment_id}" if known else None) if gateway_ref == "auto" else gateway_ref,
                "payment_ref": (str(payment_id) if known else None) if payment_ref == "auto" else payment_ref,
                "gross_minor": amount_minor,
                "gross_currency": currency,
                "settled_gross_minor": amount_minor,
                "fee_minor": 0,
                "net_minor": amount_minor,
                "net_currency": currency,
                "occurred_at": at,
                "received_at": at,
                "recorded_at": at,
            }
        )
        return f"line:{gateway}:{native_id}"

    def pair(
        self, payment_id: int, amount_minor: int, *, step: str = "CAPTURE", kind: str = "charge", **line: Any
    ) -> str:
        """A movement and the line that answers it; returns the journal id."""
        journal = self.movement(payment_id, amount_minor, step=step)
        self.line(
            f"txn_{step}_{payment_id}",
            line.pop("line_minor", amount_minor),
            kind=kind,
            payment_id=payment_id,
            operation_ref=f"op_{step}_{payment_id}_1",
            **line,
        )
        return journal

    def feed(
        self,
        file_id: str,
        covers_from: datetime | None,
        covers_until: datetime | None,
        *,
        status: str = "accepted",
        received_at: datetime = DAY + timedelta(days=1),
        report_type: str = "payout_reconciliation",
        role: str = "settlement",
        gateway: str = "stripe",
        account: str = ACCOUNT,
        **more: Any,
    ) -> None:
        """One offer of a settlement file."""
        self.rows["feed_files"].append(
            {
                "file_id": file_id,
                "content_id": f"content of {file_id}",
                "name": f"{file_id}.csv",
                "gateway": gateway,
                "gateway_account": account,
                "report_type": report_type,
                "role": role,
                "covers_from": covers_from,
                "covers_until": covers_until,
                "received_at": received_at,
                "rows": 1,
                "status": status,
                "provides": json.dumps(["operation_ref", "gateway_ref", "payment_ref", "gross_currency"]),
                "faults": "[]",
                "recorded_at": received_at,
            }
            | more
        )

    def expect(self, **more: Any) -> None:
        """A daily report due at 06:00 of the first open day after, plus 12 hours; every day is open."""
        self.rows["feed_expectations"].append(
            {
                "gateway": "stripe",
                "gateway_account": ACCOUNT,
                "report_type": "payout_reconciliation",
                "cadence": "daily",
                "time_zone": "UTC",
                "cut_off": "06:00",
                "lag_business_days": 1,
                "grace_hours": 12,
                "calendar": "ALL",
            }
            | more
        )

    def batch(self, batch_id: str, currency: str = "EUR", **more: Any) -> None:
        """What a file says of a batch."""
        self.rows["batches"].append(
            {
                "gateway": "stripe",
                "gateway_account": ACCOUNT,
                "batch_id": batch_id,
                "currency": currency,
                "file_id": "file-1",
                "report_type": "payout_reconciliation",
                "role": "settlement",
                "carry_in_minor": 0,
                "carry_out_minor": 0,
                "received_at": DAY + timedelta(days=1),
                "recorded_at": DAY + timedelta(days=1),
            }
            | more
        )

    def write(self, root: Path, *, with_control: bool = True) -> Path:
        """Write everything below `root`, with control totals and lake_files, and return it."""
        days = [DAY.date() + timedelta(days=offset) for offset in range(-40, 60)]
        self.rows["business_days"] = [{"calendar": "ALL", "day": day, "open": True} for day in days]
        control = control_rows(self.rows["ledger_entries"]) if with_control else []
        kept = [row for row in self.rows["ledger_entries"] if row["entry_id"] not in self.lost]
        for name, rows in (self.rows | {"ledger_entries": kept, "ledger_control": control}).items():
            self._write_table(root, name, rows)
        (root / "ledger_entries").mkdir(parents=True, exist_ok=True)
        self._write_table(
            root,
            "lake_files",
            [
                {
                    "table": o["table"],
                    "path": o["path"],
                    "digest": o["digest"],
                    "rows": o["rows"],
                    "landed_at": o["landed_at"],
                }
                for o in self.objects
            ],
        )
        return root

    def _write_table(self, root: Path, name: str, rows: list[dict[str, Any]]) -> None:
        shape = table(name)
        by_object: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            by_object[_object(name, row)].append(row)
        for folder, members in sorted(by_object.items()):
            path = root / name / folder
            path.parent.mkdir(parents=True, exist_ok=True)
            plain = [{c.name: _plain(row.get(c.name)) for c in shape.columns} for row in members]
            pq.write_table(pa.Table.from_pylist(plain, schema=arrow_schema(shape)), path)
            if name in ("ledger_entries", "payment_states", "ledger_control"):
                landed = max(row.get("landed_at") or row["recorded_at"] for row in members) + timedelta(minutes=5)
                self.objects.append(
                    {
                        "table": name,
                        "path": path.relative_to(root).as_posix(),
                        "rows": len(members),
                        "landed_at": landed,
                        "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
                    }
                )


def _object(name: str, row: dict[str, Any]) -> str:
    """Path of the row's object below its table: by hour, or by the file that brought it, as the writers do."""
    if name in ("ledger_entries", "payment_states"):
        return f"dt={row['event_at']:%Y-%m-%d}/hr={row['event_at']:%H}/part-0.parquet"
    if name == "ledger_control":
        hour = f"{row['event_at']:%H}" if row["event_at"].date() == DAY.date() else "00"
        return f"dt={row['event_at']:%Y-%m-%d}/hr={hour}/part-0.parquet"
    if name in ("settlement_lines", "status_lines"):
        return f"gateway={row['gateway']}/dt={row['occurred_at']:%Y-%m-%d}/{row['file_id']}.parquet"
    if name == "feed_files":
        return f"{row['recorded_at']:%Y%m%dT%H%M%S}-{row['file_id']}.parquet"
    return f"{row['file_id']}.parquet" if name == "batches" else "part-0.parquet"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
