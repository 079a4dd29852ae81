"""What was known of the gateways' files at `known_at`: which count, what they cover, which replace which."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

REPORT_RANK = {
    "payout_reconciliation": 1,
    "settlement_details": 2,
    "balance_change_from_activity": 3,
    "legacy_export": 4,
    "balance_transactions": 5,
}
"""Which report fills what the latest version of a line lacks: best first."""

NOT_SETTLEMENT = frozenset({"payouts", "payout_summary", "payment_accounting", "aggregate_settlement"})
"""Reports whose absence never makes a line late."""

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One offer of one settlement file, as feed_files tells it; instants are aware UTC."""

    file_id: str
    content_id: str | None
    name: str
    gateway: str | None
    gateway_account: str | None
    report_type: str | None
    role: str | None
    batch_id: str | None
    covers: Interval | None
    received_at: datetime
    rows: int
    status: str
    supersedes: str | None
    faults: tuple[Mapping[str, Any], ...]
    provides: frozenset[str]
    source_path: str

    @property
    def account(self) -> tuple[str, str]:
        """Gateway and account."""
        return (self.gateway or "", self.gateway_account or "")


class FeedBook:
    """Files known at one instant. `current` are those whose lines count: accepted or incomplete, not superseded."""

    def __init__(self, files: Sequence[FeedFile]) -> None:
        self.files = sorted(files, key=lambda f: (f.received_at, f.file_id, f.status))
        # Files of quiet days are the same bytes, and each speaks for its own day.
        kept = {(f.file_id, None if f.rows else (f.batch_id, f.covers)): f
                for f in self.files if f.status in ("accepted", "incomplete")}
        replaced = [f for f in kept.values() if f.supersedes]
        self.current = [f for f in kept.values() if not any(_replaces(later, f) for later in replaced)]
        self._covered: dict[tuple[tuple[str, str], str | None, bool], list[Interval]] = {}

    @classmethod
    def read(cls, rows: pa.Table) -> FeedBook:
        """From rows of feed_files."""
        return cls([_feed_file(row) for row in rows.to_pylist()])

    def known_at(self, known_at: datetime) -> FeedBook:
        """The book of what had been received before `known_at`."""
        return FeedBook([f for f in self.files if f.received_at < known_at])

    def of_objects(self, paths: Collection[str]) -> FeedBook:
        """The book of the offers that these objects of feed_files tell of."""
        return FeedBook([f for f in self.files if f.source_path in paths])

    def objects_after(self, known_at: datetime) -> tuple[set[str], set[str]]:
        """What of the lake only later files wrote: their feed_files objects, and the ids first seen in them."""
        known = {f.file_id for f in self.files if f.received_at < known_at}
        later = [f for f in self.files if f.received_at >= known_at]
        return {f.source_path for f in later}, {f.file_id for f in later} - known

    def by_id(self) -> dict[str, FeedFile]:
        """Files by id, the kept offer of each."""
        return {f.file_id: f for f in self.files if f.status in ("accepted", "incomplete")}

    def coverage(
        self, account: tuple[str, str], *, report_type: str | None = None, incomplete: bool = False
    ) -> list[Interval]:
        """Merged intervals that current files of the account cover: settlement files, or those of one report.

        With `incomplete` also those whose controls failed.
        """
        key = (account, report_type, incomplete)
        if key not in self._covered:
            intervals = [
                f.covers
                for f in self.current
                if f.account == account
                and f.covers
                and (f.report_type == report_type if report_type else f.role == "settlement")
                and (incomplete or f.status == "accepted")
            ]
            self._covered[key] = merged(intervals)
        return self._covered[key]

    def accounts(self) -> list[tuple[str, str]]:
        """Accounts with a current settlement file."""
        return sorted({f.account for f in self.current if f.role == "settlement"})

    def known_files(self) -> pa.Table:
        """Settlement files whose lines count: file_id, received_at, recency (later is higher) and fill_order."""
        files = list({f.file_id: f for f in self.current if f.role == "settlement"}.values())
        by_recency = {f.file_id: n for n, f in enumerate(files)}
        by_rank = sorted(files, key=lambda f: (REPORT_RANK.get(f.report_type or "", 9), -by_recency[f.file_id]))
        fill_order = {f.file_id: n for n, f in enumerate(by_rank)}
        return pa.table(
            {
                "file_id": pa.array([f.file_id for f in files], pa.string()),
                "received_at": pa.array([f.received_at.replace(tzinfo=None) for f in files], pa.timestamp("ms")),
                "recency": pa.array([by_recency[f.file_id] for f in files], pa.int64()),
                "fill_order": pa.array([fill_order[f.file_id] for f in files], pa.int64()),
            }
        )

    def coverage_table(self) -> pa.Table:
        """Accepted coverage of settlement files, disjoint: gateway, gateway_account, from_at, until_at."""
        rows = [(*account, *interval) for account in self.accounts() for interval in self.coverage(account)]
        return interval_table(rows, ("from_at", "until_at"))


def _replaces(later: FeedFile, file: FeedFile) -> bool:
    """Whether `later` supersedes `file`, and not another quiet day of the same bytes."""
    same = file.rows or later.covers == file.covers or (later.batch_id or "") == file.batch_id
    return later.supersedes == file.file_id and bool(same)


def interval_table(rows: Sequence[tuple[Any, ...]], times: Sequence[str]) -> pa.Table:
    """Rows of (gateway, gateway_account, *instants) as a table with naive UTC instants named `times`."""
    columns: dict[str, pa.Array[Any]] = {
        "gateway": pa.array([row[0] for row in rows], pa.string()),
        "gateway_account": pa.array([row[1] for row in rows], pa.string()),
    }
    for index, name in enumerate(times, start=2):
        columns[name] = pa.array([row[index].replace(tzinfo=None) for row in rows], pa.timestamp("ms"))
    return pa.table(columns)


def merged(intervals: Sequence[Interval]) -> list[Interval]:
    """The same instants as disjoint intervals in order; touching ones become one."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def holds(intervals: Sequence[Interval], part: Interval) -> bool:
    """Whether one of the disjoint `intervals` holds all of `part`."""
    return any(start <= part[0] and part[1] <= end for start, end in intervals)


def intersects(one: Interval, other: Interval) -> bool:
    """Whether two half-open intervals share an instant; an empty one at an instant inside the other does."""
    if one[0] == one[1]:
        return other[0] <= one[0] < other[1]
    return one[0] < other[1] and other[0] < one[1]


def _feed_file(row: Mapping[str, Any]) -> FeedFile:
    start, end = row["covers_from"], row["covers_until"]
    return FeedFile(
        file_id=row["file_id"],
        content_id=row["content_id"],
        name=row["name"],
        gateway=row["gateway"],
        gateway_account=row["gateway_account"],
        report_type=row["report_type"],
        role=row["role"],
        batch_id=row["batch_id"],
        covers=(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)) if start and end else None,
        received_at=row["received_at"].replace(tzinfo=UTC),
        rows=row["rows"] or 0,
        status=row["status"],
        supersedes=row["supersedes_file_id"],
        faults=tuple(json.loads(row["faults"] or "[]")),
        provides=frozenset(json.loads(row["provides"] or "[]")),
        source_path=row["source_path"],
    )
