"""The objects that the pipeline has put into the lake's bucket, read as they lie there; and two faults of delivery."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from infra.local.story.facts import Entry, hour_of

KEYS = {"ledger_entries": ("entry_id",), "payment_states": ("payment_id", "version"), "payment_events": ("event_id",)}
"""What tells two rows of a table apart."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Object:
    """One object: the table it is of, the key of each of its rows, and when each row happened."""

    key: str
    table: str
    rows: tuple[tuple[Any, ...], ...]
    at: tuple[datetime, ...]
    landed_at: datetime


def read(s3: Any, bucket: str, tables: Iterable[str] = tuple(KEYS)) -> list[Object]:
    """The objects of these tables, in order of their keys."""
    listed = [(table, found["Key"], found["LastModified"]) for table in tables
              for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{table}/")
              for found in page.get("Contents", ())]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _object(s3, bucket, *one), listed))


def missing(objects: Sequence[Object], entries: Iterable[Entry]) -> list[Entry]:
    """Entries of the ledger that no object has."""
    there = {row[0] for one in objects if one.table == "ledger_entries" for row in one.rows}
    return [entry for entry in entries if entry.entry_id not in there]


def repeated(objects: Sequence[Object]) -> frozenset[tuple[str, datetime]]:
    """Tables and hours with rows that lie there more than once, of those that a run counts."""
    found = set()
    for table in ("ledger_entries", "payment_states"):
        seen = Counter(pair for one in objects if one.table == table for pair in zip(one.rows, one.at, strict=True))
        found |= {(table, hour_of(at)) for (_, at), count in seen.items() if count > 1}
    return frozenset(found)


def remove(s3: Any, bucket: str, one: Object) -> None:
    """The object is lost."""
    s3.delete_object(Bucket=bucket, Key=one.key)


def deliver_again(s3: Any, bucket: str, one: Object) -> str:
    """The object comes a second time, under a name of its own, which is returned."""
    folder, _, name = one.key.rpartition("/")
    again = f"{folder}/again-{name}"
    s3.put_object(Bucket=bucket, Key=again, Body=s3.get_object(Bucket=bucket, Key=one.key)["Body"].read())
    return again


def _object(s3: Any, bucket: str, table: str, key: str, landed_at: datetime) -> Object:
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    columns = [*KEYS[table], "event_at"]
    rows = pq.read_table(io.BytesIO(body), columns=columns).to_pylist()
    return Object(key, table, tuple(tuple(row[name] for name in KEYS[table]) for row in rows),
                  tuple(_utc(row["event_at"]) for row in rows), landed_at)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
