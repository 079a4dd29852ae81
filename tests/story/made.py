"""A small story made by hand: a gateway simulator on a clock of its own, and the ledger that it should lead to."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.gateways.settlement.settle import settled
from infra.local.story.books import entries_of, facts_of
from infra.local.story.due import Expectation, expectations, open_days
from infra.local.story.facts import BUCKETS, HOUR, Entry, Facts, hour_of
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from tests.infra.gateways.driving import SECRETS, Driver

ACCOUNTS = {"stripe": SECRETS.stripe_account, "adyen": SECRETS.adyen_account}
EXPECTED: list[Expectation] = expectations(ACCOUNTS)
_INWARD = ("CAPTURE", "CHARGEBACK_REVERSAL", "REFUND_REVERSAL")


class Shop:
    """Payments at both gateways, each with the journals that the pipeline would have posted."""

    def __init__(self, at: str) -> None:
        self.driver = Driver(at=at)
        self.simulator = self.driver.simulator
        self.ledger: dict[str, list[dict[str, Any]]] = {"movements": [], "entries": [], "given_up": [], "payments": []}
        self.of: dict[int, tuple[str, str, str]] = {}
        self._journals = 0

    def now(self) -> datetime:
        """The gateways' present."""
        return datetime.fromtimestamp(self.simulator.now() / 1000, UTC)

    def pay(self, vendor: str, payment_id: int, amount: int = 10_000, currency: str = "EUR", *,
            capture: int = -1) -> None:
        """A captured payment: its hold, its capture, what it owes the merchant."""
        ref = self.driver.pay(vendor, payment_id, amount, currency, capture=capture)
        self.of[payment_id] = vendor, ref, currency
        taken = amount if capture == -1 else capture
        self._post(payment_id, "RESERVE", [("authorization_hold:m", "authorization_contra:m", amount)])
        self._post(payment_id, "CAPTURE", [("authorization_contra:m", "authorization_hold:m", amount),
                                           (f"gateway_clearing:{vendor}", "merchant_pending:m", taken)],
                   self._done(payment_id, "capture"), taken)
        self._post(payment_id, "COMMIT", [("merchant_pending:m", "merchant_payable:m", taken)])

    def void(self, vendor: str, payment_id: int, amount: int = 10_000, currency: str = "EUR") -> None:
        """A payment that was authorised and given back."""
        ref = self.driver.pay(vendor, payment_id, amount, currency, capture=None)
        self.of[payment_id] = vendor, ref, currency
        if vendor == "stripe":
            self.driver.stripe("POST", f"payment_intents/{ref}/cancel", key=f"{payment_id}:void")
        else:
            self.driver.adyen(f"payments/{ref}/cancels", {}, key=f"{payment_id}:void")
        self._post(payment_id, "RESERVE", [("authorization_hold:m", "authorization_contra:m", amount)])
        self._post(payment_id, "RELEASE", [("authorization_contra:m", "authorization_hold:m", amount)])
        self.ledger["given_up"].append({"payment_id": payment_id, "given_up_at": self.now()})

    def befall(self, kind: str, payment_id: int) -> None:
        """Something that happens to a payment later, and is posted."""
        vendor = self.of[payment_id][0]
        done = self.simulator.happen(kind, str(payment_id), vendor=vendor)
        step = {"capture_failed": "CAPTURE_REVERSAL"}.get(kind, kind.upper())
        accounts = (f"gateway_clearing:{vendor}", "merchant_payable:m")
        debit, credit = accounts if step in _INWARD else accounts[::-1]
        amount = next(row["amount_minor"] for row in self.simulator.report() if row["number"] == done["number"])
        self._post(payment_id, step, [(debit, credit, amount)], done["ref"], amount if step in _INWARD else -amount)

    def defect(self, kind: str, payment_id: int | None = None, *, vendor: str = "", label: str = "",
               **more: Any) -> None:
        """What the settlement will say wrongly."""
        named = {"payment_id": payment_id} if payment_id else {}
        self.simulator.defect({"kind": kind, "label": label or kind,
                               "vendor": vendor or self.of[payment_id or 0][0], **named, **more})

    def settle(self, folder: Path, until: str) -> list[dict[str, Any]]:
        """Settlement files, those of quiet days too."""
        since = int(hour_of(self.now()).replace(hour=0).timestamp() * 1000)
        return self.simulator.settle(folder, int(datetime.fromisoformat(until).timestamp() * 1000), since)

    def entries(self) -> list[Entry]:
        """Every entry of the ledger."""
        return entries_of(self.ledger)

    def facts(self, delivered: Sequence[dict[str, Any]], **more: Any) -> Facts:
        """All facts; everything is counted by control."""
        counted = {hour_of(entry.at): hour_of(entry.at) + HOUR for entry in self.entries()}
        return facts_of(self.ledger, self.simulator.report(), settled(self.simulator.store), delivered,
                        **{"controlled_until": counted, **more})

    def _done(self, payment_id: int, kind: str) -> str:
        return str(next(row["operation_ref"] for row in reversed(self.simulator.report())
                        if (row["payment_id"], row["kind"]) == (str(payment_id), kind)))

    def _post(self, payment_id: int, step: str, legs: Sequence[tuple[str, str, int]], ref: str | None = None,
              moved: int = 0) -> None:
        vendor, _, currency = self.of[payment_id]
        self._journals += 1
        journal = f"{self._journals:026d}"
        common = {"journal_id": journal, "payment_id": payment_id, "step": step, "event_at": self.now(),
                  "currency": currency}
        sides = [(account, side, amount) for debit, credit, amount in legs
                 for account, side in ((debit, "D"), (credit, "C"))]
        for number, (account, side, amount) in enumerate(sides):
            self.ledger["entries"].append({**common, "entry_id": f"{self._journals:020d}{number:06d}",
                                           "account": account, "direction": side, "amount_minor": amount})
        if moved:
            self.ledger["movements"].append({**common, "sequence": 1, "operation_ref": ref, "gateway": vendor,
                                             "gateway_account": ACCOUNTS[vendor], "amount_minor": moved})


def write_lake(shop: Shop, lake: Path, *, without: Iterable[Entry] = (), twice: Iterable[Entry] = ()) -> None:
    """What the pipeline would have delivered, less some entries, some twice; and control totals of all of it."""
    gone, again = ({entry.entry_id for entry in some} for some in (without, twice))
    refs = {row["journal_id"]: row["operation_ref"] for row in shop.ledger["movements"]}
    counts: dict[str, int] = defaultdict(int)
    for row in shop.ledger["entries"]:
        counts[row["journal_id"]] += 1
    rows = [_entry(shop, row, refs.get(row["journal_id"]), counts[row["journal_id"]])
            for row in shop.ledger["entries"] if row["entry_id"] not in gone]
    _write(lake, "ledger_entries", "event_at", rows)
    _write(lake, "ledger_entries", "event_at", [row for row in rows if row["entry_id"] in again], "again")
    _write(lake, "payment_states", "event_at", [
        {"payment_id": row["payment_id"], "version": 9, "status": "VOIDED", "gateway": shop.of[row["payment_id"]][0],
         "event_at": _naive(row["given_up_at"]), "recorded_at": _naive(row["given_up_at"])}
        for row in shop.ledger["given_up"]])
    _write(lake, "ledger_control", "hour_start", _control(shop.entries()))
    reference(lake, shop.now())


def reference(lake: Path, at: datetime) -> None:
    """feed_expectations and business_days."""
    for name, found in (("feed_expectations", [one.row() for one in EXPECTED]),
                        ("business_days", open_days(at.date() - timedelta(days=30), at.date() + timedelta(days=120)))):
        (lake / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(found, arrow_schema(table(name))), lake / name / "part-0.parquet")


def take_in(files: Path, lake: Path) -> None:
    """The settlement files into the lake; each must be plainly accepted."""
    outcomes = ingest([files], lake, ReadOptions(), now=lambda: datetime(2026, 5, 1, tzinfo=UTC))
    assert {str(outcome.row["status"]) for outcome in outcomes} == {"accepted"}


def _entry(shop: Shop, row: dict[str, Any], ref: str | None, count: int) -> dict[str, Any]:
    vendor, gateway_ref, currency = shop.of[row["payment_id"]]
    return {"entry_id": row["entry_id"], "journal_id": row["journal_id"], "payment_id": row["payment_id"],
            "merchant_id": "m", "step": row["step"], "sequence": 1, "account": row["account"],
            "direction": row["direction"], "amount_minor": row["amount_minor"], "currency": currency,
            "journal_entry_count": count, "gateway": vendor, "gateway_account": ACCOUNTS[vendor],
            "gateway_ref": gateway_ref, "operation_ref": ref, "event_at": _naive(row["event_at"]),
            "recorded_at": _naive(row["event_at"])}


def _control(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    found: dict[tuple[datetime, str, str, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        found[hour_of(entry.at), entry.currency, entry.step, entry.payment_id % BUCKETS].append(entry)
    return [{"hour_start": _naive(hour), "covers_until": _naive(hour + HOUR), "currency": currency, "step": step,
             "bucket": bucket, "entry_count": len(of), "debit_minor": sum(e.amount for e in of if e.direction == "D"),
             "digest": hashlib.sha256(b"").hexdigest(), "recorded_at": _naive(hour + HOUR)}
            for (hour, currency, step, bucket), of in found.items()]


def _write(lake: Path, name: str, column: str, rows: Sequence[dict[str, Any]], part: str = "part-0") -> None:
    by_hour: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_hour[row[column].replace(minute=0, second=0, microsecond=0)].append(row)
    for hour, of in by_hour.items():
        folder = lake / name / f"dt={hour:%Y-%m-%d}" / f"hr={hour:%H}"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(of, arrow_schema(table(name))), folder / f"{part}.parquet")
        listed = lake / "lake_files" / f"{name}-{part}-{hour:%Y%m%d%H}.parquet"
        listed.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{
            "table": name, "path": str((folder / f"{part}.parquet").relative_to(lake)), "rows": len(of), "digest": None,
            "landed_at": hour + timedelta(minutes=59)}], arrow_schema(table("lake_files"))), listed)


def _naive(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at.replace(tzinfo=None, microsecond=at.microsecond // 1000 * 1000)
