"""From each payment that was asked for to everything that came of it: which links there are, and which must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
LINKS = ("http_status", "payment", "trace", "execution", "book", "journal", "lake_object", "settlement", "webhook")
ALWAYS = frozenset({"http_status", "payment", "trace", "execution", "webhook"})
NEEDED: Mapping[str, frozenset[str]] = {
    "REJECTED": ALWAYS,
    "DECLINED": ALWAYS | {"journal", "lake_object"},
    # Whether a gateway ever heard of one that was given back is what nobody knew at the time.
    "VOIDED": ALWAYS | {"journal", "lake_object"},
    "AUTHORIZED": (ALWAYS - {"webhook"}) | {"book", "journal", "lake_object"},
}
CAPTURED = ALWAYS | {"book", "journal", "lake_object", "settlement"}
"""Of every other ending: money moved."""
EXCUSES = {"lake_object": frozenset({"lake_gap"}),
           "settlement": frozenset({"missing_at_gateway", "chargeback_missing_at_gateway"})}
"""Which injected divergence explains that a link is missing."""
_PAIR = pa.struct([("id", pa.string()), ("object", pa.string())])
_PLACE = pa.struct([("native_id", pa.string()), ("file", pa.string()), ("line_no", pa.int64())])
_TEXTS, _NUMBERS = pa.list_(pa.string()), pa.list_(pa.int64())
SCHEMA = pa.schema([
    ("reference", pa.string()), ("merchant_id", pa.string()), ("kind", pa.string()), ("http_statuses", _NUMBERS),
    ("payment_id", pa.int64()), ("status", pa.string()), ("gateway", pa.string()), ("gateway_ref", pa.string()),
    ("trace_id", pa.string()), ("executions", _TEXTS), ("book_operations", _NUMBERS), ("book_refs", _TEXTS),
    ("journal_ids", _TEXTS), ("entries", pa.list_(_PAIR)), ("settlement", pa.list_(_PLACE)), ("webhooks", _TEXTS),
    ("injected", _TEXTS), ("missing", _TEXTS), ("unexplained", _TEXTS)])


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment that was asked for: the merchant's reference, and every status that its key was answered with."""

    reference: str
    merchant_id: str
    kind: str
    http_statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """What there is to be linked, by payment id: executions, rows of the book, entries with their object (None: it has
    none), lines with file and number, movements that must have a line, events that the merchant received (None: nobody
    listens), and the labels of what was injected."""

    payments: Mapping[str, Row]
    executions: Mapping[int, Sequence[str]]
    book: Mapping[int, Sequence[Row]]
    entries: Mapping[int, Sequence[tuple[str, str | None]]]
    lines: Mapping[int, Sequence[Row]]
    unsettled: Mapping[int, int]
    webhooks: Mapping[int, Sequence[str]] | None
    injected: Mapping[int, Sequence[str]]


def linked(asked: Sequence[Asked], trail: Trail) -> list[Row]:
    """A row per payment that was asked for, with the links that are missing and those that nothing explains."""
    return [_linked(one, trail) for one in asked]


def counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """By link how many payments have it, how many lack it for a reason, and how many for none."""
    found: dict[str, Counter[str]] = {name: Counter() for name in LINKS}
    for row in rows:
        for name in LINKS:
            if name in row["unexplained"]:
                found[name]["unexplained"] += 1
            elif name in row["missing"]:
                found[name]["injected"] += 1
            elif name in row["links"]:
                found[name]["linked"] += 1
    return {name: {what: of[what] for what in ("linked", "injected", "unexplained")} for name, of in found.items()}


def write(rows: Sequence[Row], path: Path) -> None:
    """provenance.parquet."""
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), path)


def _linked(asked: Asked, trail: Trail) -> Row:
    payment = trail.payments.get(asked.reference)
    number = int(payment["payment_id"]) if payment else 0
    entries, lines, book = trail.entries.get(number, ()), trail.lines.get(number, ()), trail.book.get(number, ())
    webhooks = () if trail.webhooks is None else trail.webhooks.get(number, ())
    there = {
        "http_status": any(status > 0 for status in asked.http_statuses),
        "payment": payment is not None,
        "trace": bool(payment and payment["trace_id"]),
        "execution": bool(trail.executions.get(number)),
        "book": bool(book),
        "journal": bool(payment and payment["journals"]),
        "lake_object": bool(entries) and all(found for _, found in entries),
        "settlement": bool(lines) and not trail.unsettled.get(number),
        "webhook": bool(webhooks),
    }
    needed = ALWAYS if payment is None else NEEDED.get(str(payment["status"]), CAPTURED)
    if trail.unsettled.get(number) or lines:
        needed = needed | {"settlement"}
    if trail.webhooks is None:
        needed = needed - {"webhook"}
    injected = sorted(trail.injected.get(number, ()))
    missing = [name for name in LINKS if name in needed and not there[name]]
    own: Row = {} if payment is None else dict(payment)
    return {
        **asdict(asked), "http_statuses": list(asked.http_statuses), "payment_id": number or None,
        "status": own.get("status"), "gateway": own.get("gateway"), "gateway_ref": own.get("gateway_ref"),
        "trace_id": own.get("trace_id"), "executions": list(trail.executions.get(number, ())),
        "book_operations": [row["number"] for row in book], "book_refs": [row["operation_ref"] for row in book],
        "journal_ids": list(own.get("journals", ())),
        "entries": [{"id": entry, "object": found} for entry, found in entries], "settlement": list(lines),
        "webhooks": list(webhooks), "injected": injected, "missing": missing,
        "unexplained": [name for name in missing if not EXCUSES.get(name, frozenset()) & set(injected)],
        "links": [name for name, has in there.items() if has],
    }


def by_payment(pairs: Sequence[tuple[int, Any]]) -> dict[int, list[Any]]:
    """Second members by their payments."""
    found: dict[int, list[Any]] = defaultdict(list)
    for payment, what in pairs:
        found[payment].append(what)
    return dict(found)
