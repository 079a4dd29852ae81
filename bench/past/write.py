"""A past as a lake: a worker per day writes its objects, then the listing and the reference tables are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.past.ledger import control_table, draw_entries, entries_table, states_table
from bench.past.lines import in_file, lines_table
from bench.past.payments import draw_payments
from bench.past.plan import ADYEN, STRIPE, Account, Past, day_of
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.worlds.clock import DAY, HOUR, MINUTE, SECOND, landing, moment
from recon.worlds.frame import START

Row = dict[str, Any]

_LEDGER_LANDS = {"ledger_entries": 0, "payment_states": 3 * MINUTE, "ledger_control": 12 * MINUTE}
_PROVIDES = ("batch_id", "charge_ref", "gateway_ref", "operation_ref", "payment_ref")


def write_past(past: Past, root: Path, *, workers: int, told: Callable[[str], None] = lambda _: None) -> None:
    """Writes every table of the lake below `root`; `told` hears of each day."""
    days = list(past.starts())
    listed: list[Row] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for day, rows in zip(days, pool.map(partial(write_day, past, root), days), strict=True):
            listed += rows
            told(f"{day_of(day)}")
    write_small(root, "lake_files", "part-0", listed)
    write_small(root, "feed_expectations", "part-0", [_expectation(account) for account in (STRIPE, ADYEN)])
    write_small(root, "business_days", "part-0", list(_calendar(past)))


def write_day(past: Past, root: Path, day: int) -> list[Row]:
    """Writes the objects of the day that begins at `day`; what lake_files says of them."""
    listed: list[Row] = []
    of_adyen: list[pa.Table] = []
    for hour in range(day, day + DAY, HOUR):
        rng = np.random.default_rng([past.seed, hour // HOUR])
        payments = draw_payments(rng, hour, past.payments_of(hour))
        entries = draw_entries(rng, payments)
        tables = {
            "ledger_entries": entries_table(rng, payments, entries),
            "payment_states": states_table(payments),
            "ledger_control": control_table(hour, payments, entries),
        }
        for name, rows in tables.items():
            path = f"{name}/dt={day_of(hour)}/hr={moment(hour):%H}/part-0.parquet"
            lands = landing(hour) + _LEDGER_LANDS[name]
            listed.append({"table": name, "path": path, "digest": _write(root / path, rows),
                                   "rows": len(rows), "landed_at": _naive(lands // SECOND * SECOND)})  # fmt: skip
        _report(root, STRIPE, hour, lines_table(rng, payments, STRIPE), None)
        of_adyen.append(lines_table(rng, payments, ADYEN))
    _report(root, ADYEN, day, pa.concat_tables(of_adyen), day // DAY)
    return listed


def write_small(root: Path, name: str, stem: str, rows: list[Row]) -> None:
    """Writes an object of a table without partitions."""
    _write(root / name / f"{stem}.parquet", pa.Table.from_pylist(rows, schema=arrow_schema(table(name))))


def _report(root: Path, account: Account, begins: int, lines: pa.Table, batch: int | None) -> None:
    """Lands the lines as one file, its row and its batches as ingest would."""
    ends = begins + account.every
    received = ends + account.after
    name = f"{account.report}_{moment(begins):%Y%m%dT%H}.csv"
    file_id = hashlib.sha256(f"{account.name}/{name}".encode()).hexdigest()
    rows = in_file(lines, file_id, str(batch) if batch else None, received)
    _write(root / f"settlement_lines/gateway={account.gateway}/dt={day_of(begins)}/{file_id}.parquet", rows)
    told = {"file_id": file_id, "gateway": account.gateway, "gateway_account": account.name,
            "report_type": account.report, "role": "settlement", "received_at": _naive(received),
            "recorded_at": _naive(received)}  # fmt: skip
    if batch:
        write_small(root, "batches", file_id, [
            told | {"batch_id": str(batch), "batch_seq": batch, "currency": currency, "closed_at": _naive(ends),
                    "net_minor": net, "payout_minor": net, "carry_in_minor": 0, "carry_out_minor": 0}
            for currency, net in _net(rows)])  # fmt: skip
    write_small(root, "feed_files", f"{moment(received):%Y%m%dT%H%M%S000}-{file_id[:16]}", [told | {
        "content_id": hashlib.sha256(file_id.encode()).hexdigest(), "name": name, "layout": account.report,
        "time_zone": "UTC", "batch_id": str(batch) if batch else None, "covers_from": _naive(begins),
        "covers_until": _naive(ends), "rows": len(rows), "provides": json.dumps(_PROVIDES), "status": "accepted",
        "faults": "[]"}])  # fmt: skip


def _net(lines: pa.Table) -> Iterator[tuple[str, int]]:
    sums = lines.group_by("net_currency").aggregate([("net_minor", "sum")])
    yield from zip(sums["net_currency"].to_pylist(), sums["net_minor_sum"].to_pylist(), strict=True)


def _expectation(account: Account) -> Row:
    return {"gateway": account.gateway, "gateway_account": account.name, "report_type": account.report,
            "cadence": account.cadence, "time_zone": "UTC", "cut_off": "06:00", "lag_business_days": 0,
            "grace_hours": 6, "calendar": "UTC"}  # fmt: skip


def _calendar(past: Past) -> Iterator[Row]:
    day = day_of(START) - timedelta(days=7)
    while day <= day_of(past.until) + timedelta(days=60):
        yield {"calendar": "UTC", "day": day, "open": True}
        day += timedelta(days=1)


def _write(path: Path, rows: pa.Table) -> str:
    """Writes a Parquet object; its digest."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="snappy")
    content = sink.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _naive(at: int) -> datetime:
    return moment(at).replace(tzinfo=None)
