"""What ingest writes is what the lake contract declares."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.feeds import land
from tests.feeds.offering import offer, stored
from tests.feeds.stripe_files import row, write

ACCOUNT: dict[str, Any] = {"gateway_account": "acct_1"}


def test_files_have_the_declared_schema_and_place(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    path = write(tmp_path / "a.csv", [row(1), row(2, created_utc="2026-03-03 23:59:59")])
    outcome = offer(path, lake, **ACCOUNT)
    name = outcome.row["file_id"]
    assert name == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (lake / "raw" / name).read_bytes() == path.read_bytes()
    found = {str(file.relative_to(lake).parent) for file in lake.rglob("*.parquet")}
    days = {f"settlement_lines/gateway=stripe/dt=2026-03-0{day}" for day in (2, 3)}
    assert found == {"feed_files", "batches"} | days
    for file in lake.rglob("*.parquet"):
        declared = arrow_schema(table(file.relative_to(lake).parts[0]))
        assert pq.read_schema(file).equals(declared)
        assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "SNAPPY"


def test_a_line_id_is_made_of_gateway_account_and_native_id(tmp_path: Path) -> None:
    offer(write(tmp_path / "a.csv", [row(1)]), tmp_path / "lake", **ACCOUNT)
    (file,) = (tmp_path / "lake" / "settlement_lines").rglob("*.parquet")
    wanted = hashlib.sha256(b"stripe\nacct_1\ntxn_1").hexdigest()
    assert pq.ParquetFile(file).read()["line_id"].to_pylist() == [wanted]


def test_a_long_file_is_written_day_by_day_to_the_same_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(n, created_utc=f"2026-03-0{1 + n % 4} 10:00:{n:02d}") for n in range(40)]
    path = write(tmp_path / "a.csv", rows)
    offer(path, tmp_path / "whole", **ACCOUNT)
    monkeypatch.setattr(land, "_AT_ONCE", 5)
    offer(path, tmp_path / "streamed", **ACCOUNT)
    assert stored(tmp_path / "streamed", "settlement_lines") == stored(tmp_path / "whole", "settlement_lines")


def test_when_it_was_received_and_what_it_covers_is_kept(tmp_path: Path) -> None:
    start, end = datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 2, 23, tzinfo=UTC)
    at = datetime(2026, 3, 3, 4, 5, 6, 789_999, tzinfo=UTC)
    outcome = offer(write(tmp_path / "a.csv", [row(1)]), tmp_path / "lake", received_at=at, covers_from=start,
                    covers_until=end, **ACCOUNT)  # fmt: skip
    assert outcome.row["received_at"] == datetime(2026, 3, 3, 4, 5, 6, 789_000)
    (known,) = stored(tmp_path / "lake", "feed_files")
    assert (known["covers_from"], known["covers_until"]) == ("2026-03-01 23:00:00.000", "2026-03-02 23:00:00.000")
    assert (known["time_zone"], known["layout"]) == ("UTC", "requested-zone times with UTC twins")
