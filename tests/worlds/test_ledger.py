"""The ledger of a world obeys the ledger's laws."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.ids import minted_at


def _rows(world: Path, table: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted((world / "lake" / table).glob("dt=*/hr=*/*.parquet")):
        day, hour = path.parts[-3][3:], path.parts[-2][3:]
        for row in pq.ParquetFile(path).read().to_pylist():
            at = row.get("event_at") or row["hour_start"]
            assert (at.date(), at.hour) == (date.fromisoformat(day), int(hour))
            found.append(row | {"source": str(path)})
    return found


def test_journals_balance_and_are_whole(world: Path) -> None:
    entries = {row["entry_id"]: row for row in _rows(world, "ledger_entries")}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    for row in entries.values():
        assert row["amount_minor"] > 0
        sums[row["journal_id"], row["currency"]] += row["amount_minor"] * (1 if row["direction"] == "D" else -1)
        counts[row["journal_id"]] += 1
    assert set(sums.values()) == {0}
    assert all(counts[row["journal_id"]] == row["journal_entry_count"] for row in entries.values())


def test_capture_releases_the_hold_and_moves_clearing(world: Path) -> None:
    legs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in _rows(world, "ledger_entries"):
        if row["step"] == "CAPTURE" and row["sequence"] == 1:
            legs[row["journal_id"]].append((row["direction"], row["account"].split(":")[0]))
    assert legs
    wanted = [
        ("C", "authorization_hold"),
        ("C", "merchant_pending"),
        ("D", "authorization_contra"),
        ("D", "gateway_clearing"),
    ]
    assert all(sorted(set(found)) == wanted for found in legs.values())


def test_control_equals_the_lake_but_for_what_was_lost(world: Path) -> None:
    counted: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    debits: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in {row["entry_id"]: row for row in _rows(world, "ledger_entries")}.values():
        hour = row["event_at"].replace(minute=0, second=0, microsecond=0)
        key = (hour, row["currency"], row["step"], row["payment_id"] % 256)
        counted[key].append(row["entry_id"])
        debits[key] += row["amount_minor"] if row["direction"] == "D" else 0
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(_rows(world, "ledger_control"), key=lambda row: row["recorded_at"]):
        latest[row["hour_start"], row["currency"], row["step"], row["bucket"]] = row
    assert {key[0] for key in latest} == _every_hour(latest)
    short = set()
    for key, row in latest.items():
        ids = sorted(counted.pop(key, []))
        if len(ids) == row["entry_count"]:
            assert row["debit_minor"] == debits[key]
            assert row["digest"] == hashlib.sha256("\n".join(ids).encode()).hexdigest()
        else:
            short.add(key[0])
    assert not counted
    gaps = pq.read_table(world / "truth" / "divergences.parquet").filter(pa.compute.field("class") == "lake_gap")
    told = {str(subject).split(":ledger_entries:")[1][:13] for subject in gaps["subject_id"].to_pylist()}
    assert {hour.isoformat()[:13] for hour in short} <= told


def test_ids_are_time_ordered_and_states_are_consecutive(world: Path) -> None:
    entries = sorted(_rows(world, "ledger_entries"), key=lambda row: row["event_at"])
    prefixes = [row["entry_id"][:10] for row in entries]
    assert prefixes == sorted(prefixes)
    versions: dict[int, list[int]] = defaultdict(list)
    for row in sorted(_rows(world, "payment_states"), key=lambda row: (row["event_at"], row["version"])):
        versions[row["payment_id"]].append(row["version"])
        assert minted_at(row["payment_id"]).replace(tzinfo=None) == row["id_at"]
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


def _every_hour(latest: dict[tuple[Any, ...], Any]) -> set[Any]:
    first = min(key[0] for key in latest)
    last = max(key[0] for key in latest)
    hours = int((last - first).total_seconds()) // 3600 + 1
    step = pa.scalar(3_600_000, pa.duration("ms")).as_py()
    return {first + n * step for n in range(hours)}
