"""A world's lake that was put on S3 and pulled from there is the same lake."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from infra.local.guard import applied
from infra.local.lake import upload
from infra.local.stack import Stack
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile
from recon.pull.pull import pull
from recon.pull.remote import TABLES, Window
from recon.store.s3 import S3Store
from recon.worlds.build import WorldSpec, build_world
from tests.pull.bucket import LANDED, Bucket

WHOLE = Window(date(2020, 1, 1), date(2040, 1, 1))
LISTED = ["table", "path", "digest", "rows", "landed_at"]
LONG_AFTER = "2200-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of a world, its settlement files ingested."""
    world = tmp_path_factory.mktemp("world") / "world"
    build_world(WorldSpec(3, 150, 15), world)
    ingest([world / "feeds"], world / "lake", ReadOptions(), lambda: LANDED, lambda *_: None)
    return world / "lake"


def _others(original: Path, lake: Path) -> None:
    """Brings what a pull does not: the settlement files' tables and the reference tables."""
    for folder in original.iterdir():
        if folder.is_dir() and folder.name not in (*TABLES, "lake_files"):
            shutil.copytree(folder, lake / folder.name)


def _run(lake: Path, as_of: date, known_at: str | None) -> RunResult:
    return reconcile(Request.parse(window="T+7", as_of=as_of.isoformat(), lake=str(lake), known_at=known_at))


def _busiest(original: Path) -> date:
    """The T+7 run that has most to find."""
    truth = pq.ParquetFile(original.parent / "truth" / "divergences.parquet").read(columns=["window", "as_of"])
    [(found, _)] = Counter(row["as_of"] for row in truth.to_pylist() if row["window"] == "T+7").most_common(1)
    return date.fromisoformat(str(found)[:10])


def test_with_its_own_landings_every_byte_of_a_run_is_the_same(original: Path, tmp_path: Path) -> None:
    bucket, listing = Bucket(), pq.ParquetFile(original / "lake_files" / "part-0.parquet").read()
    for row in listing.to_pylist():
        bucket.put(row["path"], (original / row["path"]).read_bytes(), row["landed_at"].replace(tzinfo=UTC))
    done = pull(bucket, tmp_path, WHOLE)
    assert len(done.fetched) == done.found == listing.num_rows
    pulled = pq.ParquetFile(tmp_path / "lake_files" / "part-0.parquet").read()
    assert pulled.select(LISTED).equals(listing.select(LISTED))
    _others(original, tmp_path)
    first, second = (_run(lake, _busiest(original), None) for lake in (original, tmp_path))
    assert first.divergences.num_rows > 0
    assert second.divergences.equals(first.divergences)
    assert second.run_id == first.run_id


def test_through_a_bucket_what_is_known_at_last_is_the_same(stack: Stack, original: Path, tmp_path: Path) -> None:
    aws = stack.environment()
    upload(original, "pulled-world", "deep/lake", aws=aws)
    with applied(aws):
        done = pull(S3Store("s3://pulled-world/deep/lake/"), tmp_path, WHOLE)
        again = pull(S3Store("s3://pulled-world/deep/lake"), tmp_path, WHOLE)
    assert len(done.fetched) == done.found == again.unchanged > 100
    assert (again.fetched, again.gone, done.refused) == ([], [], [])
    _others(original, tmp_path)
    # They landed on S3 just now: only who knows all of it knows the same, but for since when.
    first, second = (_run(lake, _busiest(original), LONG_AFTER) for lake in (original, tmp_path))
    assert first.divergences.num_rows > 0
    apart = ["run_id", "first_seen_at"]
    assert second.divergences.drop_columns(apart).equals(first.divergences.drop_columns(apart))
    assert second.matches.equals(first.matches)
