"""Journals by hand at any instant, and what the control totals must say of them, counted plainly."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from pipeline.schemas.ulid import UlidFactory
from pipeline.times import iso_ms
from tests.ledger.harness import T0

HOUR = timedelta(hours=1)
NOON = T0.replace(minute=0, second=0, microsecond=0)
IDS = UlidFactory()
Hand = psycopg.Connection[tuple[Any, ...]]
Key = tuple[datetime, str, str, int]
Counted = tuple[int, int, str]
_sequences = itertools.count(1)


def post(hand: Hand, payment_id: int, event_at: datetime, *, step: str = "CAPTURE", currency: str = "EUR",
         amounts: Sequence[int] = (5,)) -> None:
    """One journal of balanced pairs, in a transaction of its own or in the one that is open."""
    with hand.transaction():
        journal_id = IDS.new(event_at)
        hand.execute("INSERT INTO journals (journal_id, payment_id, merchant_id, step, sequence, entry_count, "
                     "event_at, recorded_at) VALUES (%s, %s, 'm', %s, %s, %s, %s, %s)",
                     (journal_id, payment_id, step, next(_sequences), 2 * len(amounts), event_at, event_at))
        sides = [(side, amount) for amount in amounts for side in "DC"]
        for line, (side, amount) in enumerate(sides, 1):
            hand.execute("INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, direction, "
                         "amount_minor, currency) VALUES (%s, %s, %s, %s, 'platform_fee', %s, %s, %s)",
                         (IDS.new(event_at), journal_id, line, len(sides), side, amount, currency))


@contextmanager
def left_open(dsn: str) -> Iterator[Hand]:
    """A session in a transaction that only its user ends."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT 1")
        yield connection
        connection.rollback()


def emptied(owner_dsn: str) -> None:
    """Forgets all journals and what was said of them, which only the owner can."""
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("ALTER TABLE journals DISABLE TRIGGER append_only")
        owner.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        owner.execute("TRUNCATE journals, ledger_entries, control_revisions, control_runs, outbox")
        owner.execute("ALTER TABLE journals ENABLE TRIGGER append_only")
        owner.execute("ALTER TABLE ledger_entries ENABLE TRIGGER append_only")


def recounted(hand: Hand, covered: dict[datetime, datetime]) -> dict[Key, Counted]:
    """entry_count, debit_minor and digest per key, of the hours that are covered and as far as they are."""
    entries: dict[Key, list[tuple[str, int]]] = defaultdict(list)
    for entry_id, payment_id, step, currency, direction, amount, event_at in hand.execute(
            "SELECT entry_id, payment_id, step, currency, direction, amount_minor, event_at "
            "FROM ledger_entries JOIN journals USING (journal_id)"):
        hour = event_at.replace(minute=0, second=0, microsecond=0)
        if hour in covered and event_at < covered[hour]:
            entries[hour, currency, step, payment_id % 256].append((entry_id, amount if direction == "D" else 0))
    return {key: (len(found), sum(debit for _, debit in found),
                  hashlib.sha256("\n".join(sorted(one for one, _ in found)).encode()).hexdigest())
            for key, found in entries.items()}


def said(hand: Hand) -> list[tuple[Key, Counted, datetime, datetime]]:
    """Every revision: key, figures, covers_until, recorded_at, in the order of recording."""
    rows = hand.execute("SELECT hour_start, currency, step, bucket, entry_count, debit_minor, digest, covers_until, "
                        "recorded_at FROM control_revisions ORDER BY recorded_at").fetchall()
    return [((row[0], row[1], row[2], row[3]), (row[4], row[5], row[6]), row[7], row[8]) for row in rows]


def latest(hand: Hand) -> tuple[dict[Key, Counted], dict[datetime, datetime]]:
    """As a reader sees it: the latest figures per key but those of nothing, and how far each hour is covered."""
    figures: dict[Key, Counted] = {}
    covered: dict[datetime, datetime] = {}
    for key, counted, covers_until, _ in said(hand):
        figures[key] = counted
        covered[key[0]] = max(covers_until, covered.get(key[0], covers_until))
    return {key: counted for key, counted in figures.items() if key[1] != "XXX"}, covered


def agrees(hand: Hand) -> bool:
    """Whether a reader's picture is the recount's."""
    figures, covered = latest(hand)
    return figures == recounted(hand, covered)


def outbox(hand: Hand) -> list[dict[str, object]]:
    """What waits for the lake, in the order of its ids; each row is in the partition of its hour."""
    rows = hand.execute("SELECT body, created_at FROM outbox WHERE kind = 'ledger_control' "
                        "ORDER BY outbox_id").fetchall()
    bodies = [json.loads(row[0]) for row in rows]
    assert [iso_ms(row[1]) for row in rows] == [body["hour_start"] for body in bodies]
    return bodies
