"""The deployed lake as a test meets it: its objects, its rows as readers see them, a Firehose that fails on the way."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.rows import dict_row

from infra.local.guard import client
from infra.local.stack import Stack
from pipeline.lake.kinds import KINDS, TABLES
from pipeline.schemas.columns import Table
from pipeline.schemas.render import arrow_schema

Row = dict[str, Any]

ENTRIES: LiteralString = """
SELECT e.entry_id, e.journal_id, j.payment_id, j.merchant_id, j.step, j.sequence, e.account, e.direction,
       e.amount_minor, e.currency, j.entry_count AS journal_entry_count, p.gateway, p.gateway_account, j.gateway_ref,
       j.operation_ref, date_trunc('milliseconds', j.hold_expires_at) AS hold_expires_at, j.payment_version, j.trace_id,
       date_trunc('milliseconds', j.event_at) AS event_at, date_trunc('milliseconds', j.recorded_at) AS recorded_at
FROM ledger_entries AS e
JOIN journals AS j USING (journal_id)
JOIN payments AS p ON p.payment_id = j.payment_id
WHERE j.payment_id = ANY(%s)
"""


class Lake:
    """The bucket of a stack's lake."""

    def __init__(self, stack: Stack) -> None:
        assert stack.pipeline is not None
        self.settings = stack.environment()
        self.s3 = client("s3", self.settings)
        self.bucket = self.settings["PAYMENTS_LAKE"].removeprefix("s3://")
        self.dsn = stack.pipeline.database.app_dsn

    def objects(self, prefix: str = "") -> list[str]:
        """Objects below `prefix`."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def rows(self, table: Table, payments: Collection[int] | None = None) -> list[Row]:
        """Every row of these payments (None: of all), duplicates too, with dt and hr of its folder.

        Each file must have the declared columns with their types: times in any unit, in UTC without a zone.
        """
        found: list[Row] = []
        for key in self.objects(f"{table.name}/"):
            _, dt, hr, _ = key.split("/")
            read = pq.ParquetFile(io.BytesIO(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()))
            assert [_kind(field) for field in read.schema_arrow] == [_kind(field) for field in arrow_schema(table)], key
            assert read.metadata.row_group(0).column(0).compression == "SNAPPY", key
            found += [row | {"dt": dt.removeprefix("dt="), "hr": hr.removeprefix("hr=")}
                      for row in read.read().to_pylist() if payments is None or row["payment_id"] in payments]
        return found

    def outbox(self, payments: Sequence[int]) -> dict[str, list[Row]]:
        """What still waits of these payments for the lake: rows by table, as readers must see them."""
        waiting: dict[str, list[Row]] = {name: [] for name in TABLES}
        with psycopg.connect(self.dsn) as connection:
            for kind, body in connection.execute("SELECT kind, body FROM outbox WHERE payment_id = ANY(%s)",
                                                 [list(payments)]):
                if kind in KINDS:
                    waiting[KINDS[kind].name].append(_timed(KINDS[kind], json.loads(body)))
        return waiting

    def entries(self, owner_dsn: str, payments: Sequence[int]) -> list[Row]:
        """The entries of these payments as PostgreSQL holds them."""
        with psycopg.connect(owner_dsn, row_factory=dict_row) as connection:
            rows = connection.execute(ENTRIES, [list(payments)]).fetchall()
        return [{name: _plain(value) for name, value in row.items()} for row in rows]

    def logged(self, text: str) -> list[str]:
        """Lines of the lake's functions in which `text` stands."""
        logs, group = client("logs", self.settings), "/payments/payments-lake/functions"
        streams = [stream["logStreamName"] for page in logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group) for stream in page["logStreams"]]
        events = [event["message"] for name in streams
                  for event in logs.get_log_events(logGroupName=group, logStreamName=name)["events"]]
        return [message for message in events if text in message]


def once(table: Table, rows: Sequence[Row]) -> list[Row]:
    """Rows without duplicates, which must be the same in all and lie in one partition."""
    kept: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        assert kept.setdefault(tuple(row[name] for name in table.key), row) == row
    return list(kept.values())


def counted(rows: Sequence[Row]) -> Counter[tuple[tuple[str, Any], ...]]:
    """Rows in no order."""
    return Counter(tuple(sorted(row.items())) for row in rows)


class Failing:
    """The real client, but of what it is given a part is refused, and the answers of some calls are lost."""

    def __init__(self, firehose: Any, seed: int) -> None:
        self._firehose = firehose
        self._chance = random.Random(seed)
        self.refused = self.lost = 0

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:
        """See boto3."""
        passed = [index for index in range(len(Records)) if self._chance.random() > 0.3]
        answers: list[dict[str, str]] = [{"ErrorCode": "ServiceUnavailableException"}] * len(Records)
        self.refused += len(Records) - len(passed)
        if passed:
            told = self._firehose.put_record_batch(
                DeliveryStreamName=DeliveryStreamName, Records=[Records[index] for index in passed])
            for index, answer in zip(passed, told["RequestResponses"], strict=True):
                answers[index] = answer
            if self._chance.random() < 0.3:
                self.lost += 1
                raise ConnectionError("the answer was lost")
        return {"FailedPutCount": len(Records) - len(passed), "RequestResponses": answers}


def _kind(field: pa.Field[Any]) -> tuple[str, str]:
    return field.name, "time" if pa.types.is_timestamp(field.type) and field.type.tz is None else str(field.type)


def _timed(table: Table, row: Row) -> Row:
    """A line with its times as times, and its folders."""
    at = row["hour_start" if table.name == "ledger_control" else "event_at"]
    times = {column.name for column in table.columns if column.type.value == "timestamp"}
    read = {name: datetime.fromisoformat(value[:-1]) if name in times and value else value
            for name, value in row.items()}
    return read | {"dt": at[:10], "hr": at[11:13]}


def _plain(value: Any) -> Any:
    """Times as the lake's: UTC without a zone."""
    if not isinstance(value, datetime):
        return value
    offset = value.utcoffset()
    assert offset is not None
    return value.replace(tzinfo=None) - offset
