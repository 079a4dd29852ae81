"""From the outbox in PostgreSQL to full-size records in a client's hands, against selecting and deleting the rows."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.ratio import Ratio, alternate
from infra.local.postgres import Database as Place
from infra.local.postgres import Postgres
from pipeline.lake.firehose import Sending, Timing, routes
from pipeline.ledger.connection import Database
from pipeline.ledger.migrate import migrate
from pipeline.ledger.outbox import Outbox
from pipeline.ledger.rows import line
from pipeline.notify.relay import ROUND, relay
from pipeline.schemas.ledger import LEDGER_ENTRIES
from pipeline.schemas.ulid import encode
from pipeline.times import iso_ms

BAR = 6.0
ENTRIES_PER_SECOND = 5_000
_ROWS, _ROWS_SMALL = 40_000, 4_000
_AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
_STREAM = "ledger_entries"
_CHARGED_KIB = 5
"""Firehose rounds every record up to this."""


class Counting:
    """Takes every record, keeps none."""

    def __init__(self) -> None:
        self.records = self.bytes = self.lines = self.charged_kib = 0

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]) -> dict[str, Any]:
        """See boto3."""
        for record in Records:
            size = len(record["Data"])
            self.records += 1
            self.bytes += size
            self.lines += record["Data"].count(b"\n")
            self.charged_kib += -(-size // (_CHARGED_KIB * 1024)) * _CHARGED_KIB
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}] * len(Records)}


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Seconds for all entries that wait, over three hours; the yardstick reads and deletes them in rounds as large."""
    server = Postgres.start(scratch / "postgres")
    try:
        place = server.database()
        migrate(place.owner_dsn, place.app_password)
        rows = _entries(_ROWS_SMALL if small else _ROWS)
        counting = Counting()
        ours, plain = _least(place, rows, counting)
    finally:
        server.stop()
    facts = {"entries": len(rows), "entries_per_second": round(len(rows) / ours), "round": ROUND,
             "records": counting.records, "bytes_per_record": counting.bytes // counting.records,
             "entries_per_record": counting.lines // counting.records,
             "charged": round(counting.charged_kib * 1024 / counting.bytes, 3)}
    yield Ratio("relay to records", ours, plain, bar=BAR, facts=facts)
    yield Ratio(f"relay of {ENTRIES_PER_SECOND:,} entries against a second", ours * ENTRIES_PER_SECOND / len(rows), 1.0,
                bar=1.0, facts=facts)


def _least(place: Place, rows: list[tuple[Any, ...]], counting: Counting) -> tuple[float, float]:
    database = Database(place.app_dsn)
    timing = Timing(time.monotonic, time.sleep, random.random)
    ways = routes(counting, {_STREAM: _STREAM}, Sending(timing, lambda *_, **__: None))
    with psycopg.connect(place.app_dsn, autocommit=True) as connection:
        best = [float("inf"), float("inf")]
        for _ in range(3):
            for number, work in enumerate((partial(_ours, database, ways), partial(_plain, connection))):
                _fill(place, rows)
                best[number] = min(best[number], alternate(work, rounds=1)[0])
    database.close()
    assert counting.lines == 3 * len(rows), "not every entry arrived once"
    return best[0], best[1]


def _ours(database: Database, ways: dict[str, Any]) -> None:
    relay(Outbox(database), ways, lambda: datetime.now(UTC))


def _plain(connection: psycopg.Connection) -> None:
    while rows := connection.execute("SELECT outbox_id, payment_id, kind, body, created_at FROM outbox "
                                     "ORDER BY outbox_id LIMIT %s", [ROUND]).fetchall():
        connection.execute("DELETE FROM outbox WHERE outbox_id = ANY (%s)", [[row[0] for row in rows]])


def _fill(place: Place, rows: list[tuple[Any, ...]]) -> None:
    """The outbox with these rows, as vacuumed as it is in between rounds of a day."""
    with psycopg.connect(place.owner_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE outbox")
        with connection.cursor().copy("COPY outbox (outbox_id, payment_id, kind, body, created_at) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute("VACUUM ANALYZE outbox")


def _entries(count: int) -> list[tuple[Any, ...]]:
    """Rows as the ledger writes them, over three hours."""
    made = []
    for number in range(count):
        at = _AT + timedelta(seconds=number * 3 * 3600 // count)
        payment_id = 3 * 10**17 + number // 4
        row: dict[str, str | int | None] = {
            "entry_id": encode(number), "journal_id": encode(number // 4), "payment_id": payment_id,
            "merchant_id": "merchant_a", "step": "CAPTURE", "sequence": 1, "account": "gateway_clearing:stripe",
            "direction": "D", "amount_minor": 1_999, "currency": "EUR", "journal_entry_count": 4, "gateway": "stripe",
            "gateway_account": "acct_1NqjWvLkdIwHu7ix", "gateway_ref": f"pi_{number // 4:024d}",
            "operation_ref": f"ch_{number // 4:024d}", "hold_expires_at": iso_ms(at), "payment_version": 5,
            "trace_id": f"1-65f2e4a0-{number // 4:024x}", "event_at": iso_ms(at), "recorded_at": iso_ms(at)}
        assert row.keys() == {column.name for column in LEDGER_ENTRIES.columns}
        made.append((encode(number), payment_id, "ledger_entry", line(row), at))
    return made
