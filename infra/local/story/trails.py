"""What provenance links: executions, receipts, rows of the book, objects and lines of the pulled lake, by payment."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from infra.local.guard import client
from infra.local.merchants import Client as Merchants
from infra.local.story.facts import Facts
from infra.local.story.provenance import Asked, Row, Trail, by_payment
from infra.local.traffic.books import STEPS
from infra.local.traffic.checks import FINAL
from infra.local.traffic.run import Driven

_OF_PAYMENT = re.compile(r"(?:pay|capture|cancel|unwind)-(\d+)-")
_TAKEN = ("accepted", "duplicate", "stale")
_PATIENCE_S = 60.0


def asked_of(driven: Driven) -> list[Asked]:
    """Every payment that was asked for, the warm-up's too, with all answers to its key."""
    statuses = by_payment_key(driven)
    return [Asked(one.order.reference(driven.summary.run), one.order.merchant, one.order.kind.name,
                  tuple(statuses.get(one.key, ()))) for one in driven.used if one.what == "pay"]


def by_payment_key(driven: Driven) -> dict[str, list[int]]:
    """HTTP statuses by idempotency key, in the order in which they came; a payload that was refused is none of them."""
    found: dict[str, list[int]] = {}
    for exchange in driven.exchanges:
        if exchange.key and exchange.what != "other":
            found.setdefault(exchange.key, []).append(exchange.status)
    return found


def executions(aws: Mapping[str, str], machines: Sequence[str]) -> dict[int, list[str]]:
    """Names of the machines' executions by the payment that each was for.

    The emulator lists those of the Express machine too; on AWS they are in the machine's log group alone.
    """
    found = []
    stepfunctions = client("stepfunctions", aws)
    for machine in machines:
        for page in stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine):
            named = ((_OF_PAYMENT.match(one["name"]), one["name"]) for one in page["executions"])
            found += [(int(match[1]), name) for match, name in named if match]
    return by_payment(sorted(found))


def received(control: str, ledger: Mapping[str, Sequence[Row]]) -> dict[int, list[str]]:
    """Ids of the events that merchants took, by payment. Waits a while for those of payments that have ended."""
    ended = {row["payment_id"] for row in ledger["payments"] if row["status"] in FINAL}
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        found = by_payment([(int(one["payment_id"]), one["event_id"]) for one in Merchants(control).received()
                            if one["verdict"] in _TAKEN and one["payment_id"]])
        if ended <= found.keys() or time.monotonic() > deadline:
            return found
        time.sleep(1.0)


def trail_of(lake: Path, ledger: Mapping[str, Sequence[Row]], book: Sequence[Row], facts: Facts,
             planted: Sequence[Row], ran: Mapping[int, Sequence[str]],
             webhooks: Mapping[int, Sequence[str]] | None) -> Trail:
    """All of it; `lake` is the pulled one, `ran` and `webhooks` as above."""
    objects = _objects(lake)
    entries = by_payment([(row["payment_id"], (row["entry_id"], objects.get(row["entry_id"])))
                          for row in ledger["entries"]])
    places = _places(lake)
    lines = by_payment([(line.payment_id, {"native_id": line.native_id, **places[line.native_id]})
                        for line in facts.lines if line.payment_id and line.native_id in places])
    answered = {(done.payment_id, STEPS[done.kind], done.ref) for line in facts.lines
                if (done := facts.operations.get(line.operation))}
    unsettled = by_payment([(m.payment_id, m.journal_id) for m in facts.movements
                            if (m.payment_id, m.step, m.operation_ref) not in answered])
    injected = by_payment([(int(row["payment_id"]), row["label"]) for row in planted if row["payment_id"]]
                          + sorted({(entry.payment_id, "lake_gap") for entry in facts.missing}))
    of_book = by_payment([(int(row["payment_id"]), row) for row in book if row["payment_id"]])
    payments = {row["reference"]: row for row in ledger["payments"] if row["reference"]}
    return Trail(payments, ran, of_book, entries, lines, {payment: len(of) for payment, of in unsettled.items()},
                 webhooks, injected)


def _objects(lake: Path) -> dict[str, str]:
    """The object that each entry lies in, of those that the lake lists."""
    listed = {str(row["path"]) for path in sorted((lake / "lake_files").glob("*.parquet"))
              for row in pq.ParquetFile(path).read(["path"]).to_pylist()}
    found: dict[str, str] = {}
    for path in sorted((lake / "ledger_entries").rglob("*.parquet")):
        name = path.relative_to(lake).as_posix()
        if name in listed:
            for entry in pq.ParquetFile(path).read(["entry_id"])["entry_id"].to_pylist():
                found.setdefault(str(entry), name)
    return found


def _places(lake: Path) -> dict[str, dict[str, Any]]:
    """File and line number of each settlement line in the lake, by its native id."""
    names = {row["file_id"]: row["name"] for path in sorted((lake / "feed_files").glob("*.parquet"))
             for row in pq.ParquetFile(path).read(["file_id", "name"]).to_pylist()}
    return {row["native_id"]: {"file": names.get(row["file_id"]), "line_no": row["line_no"]}
            for path in sorted((lake / "settlement_lines").rglob("*.parquet"))
            for row in pq.ParquetFile(path).read(["native_id", "file_id", "line_no"]).to_pylist()}
