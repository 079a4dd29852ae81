"""Files that the lake already knows, and what a new one is to them: a duplicate, a restatement or news."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_SPOKEN_FOR = ("batch_id", "covers_from", "covers_until")
READ = ("accepted", "incomplete")


@dataclass(slots=True)
class Known:
    """Every feed_files row of the lake as a dict (instants naive UTC, as in Parquet), oldest first."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """A file that has just been recorded."""
        self.rows.append(row)

    def last_recorded(self) -> datetime | None:
        """When the latest row was written; None in a new lake."""
        return max((row["recorded_at"] for row in self.rows), default=None)

    def duplicate_of(self, new: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The known file that `new` repeats: same bytes or same lines, and nothing new about what it covers.

        A file without rows says only that a batch or an interval was quiet, so it repeats another one when both name
        the same batch and the same interval.
        """
        for row in self._kin(new):
            if not new["rows"]:
                if not row["rows"] and all(row[name] == new[name] for name in _SPOKEN_FOR):
                    return row
            elif row["file_id"] == new["file_id"] or (row["content_id"] == new["content_id"] and _within(new, row)):
                return row
        return None

    def restated_by(self, new: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The known file of the same scope that `new` supersedes. An incomplete file supersedes nothing."""
        scope = scope_of(new)
        if new["status"] != "accepted" or scope is None:
            return None
        kin = [row for row in self._kin(new) if scope_of(row) == scope and row["received_at"] <= new["received_at"]]
        gone = {row["supersedes_file_id"] for row in self.rows}
        standing = [row for row in kin if row["file_id"] not in gone]
        return max(standing, key=lambda row: (row["received_at"], row["recorded_at"]), default=None)

    def _kin(self, new: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        same = ("gateway", "gateway_account", "report_type")
        return [row for row in self.rows if row["status"] in READ and all(row[name] == new[name] for name in same)]


def load(lake: Path) -> Known:
    """The lake's feed_files; empty for a lake that has none."""
    rows: list[Mapping[str, Any]] = []
    for path in sorted((lake / "feed_files").glob("*.parquet")):
        rows += pq.ParquetFile(path).read().to_pylist()
    return Known(sorted(rows, key=lambda row: row["recorded_at"]))


def scope_of(row: Mapping[str, Any]) -> str | None:
    """What a file speaks for: its batches, else the interval it covers, else its one payout, else unknown (None)."""
    said = json.loads(row["control_totals"] or "{}").get("scope")
    if said is not None and not said.startswith("payout "):
        return str(said)
    if row["covers_from"] is not None and row["covers_until"] is not None:
        return f"{row['covers_from']} to {row['covers_until']}"
    return None if said is None else str(said)


def naive(instant: datetime | None) -> datetime | None:
    """An aware instant as the lake writes it: UTC without a zone, whole milliseconds."""
    if instant is None:
        return None
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _within(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    if new["covers_from"] is None or new["covers_until"] is None:
        return True
    if old["covers_from"] is None or old["covers_until"] is None:
        return False
    return bool(old["covers_from"] <= new["covers_from"] and new["covers_until"] <= old["covers_until"])
