"""Makes the bundled lake anew: a small world, its settlement files ingested, cut down to the days of one T+7 run.

Run from the repository's root: `python notebooks/sample/make.py`, then `python -m recon.schedule.refresh` for the
outputs of the notebook. The cut lake must give the same divergences as the whole one, or nothing is replaced.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recon.match.request import Request
from recon.match.run import reconcile

HERE = Path(__file__).resolve().parent
SEED, PAYMENTS, DAYS = 1, 1000, 12
KEPT = {"ledger_entries": (-1, 3), "ledger_control": (-1, 2), "payment_states": (-1, 3)}
"""Days kept of each table, from and until, counted from the cohort's day."""


def main() -> None:
    """Replace notebooks/sample/lake."""
    with tempfile.TemporaryDirectory() as scratch:
        world, made = Path(scratch, "world"), Path(scratch, "lake")
        _recon("world", "--seed", SEED, "--payments", PAYMENTS, "--days", DAYS, "--out", world)
        _recon("ingest", world / "feeds", "--lake", world / "lake")
        run = _richest(world)
        _copy_pipeline_tables(world / "lake", made, date.fromisoformat(run["cohort_from"][:10]))
        _copy_other_tables(world / "lake", made, datetime.fromisoformat(run["known_at"]))
        if _found(made, run) != _found(world / "lake", run):
            sys.exit("the cut lake tells something else than the whole one; keep more days")
        shutil.rmtree(HERE / "lake", ignore_errors=True)
        shutil.copytree(made, HERE / "lake")
    size = sum(path.stat().st_size for path in (HERE / "lake").rglob("*.parquet"))
    sys.stdout.write(f"as_of {run['as_of'][:10]}: {size:,} bytes\n")


def _recon(*words: object) -> None:
    command = [sys.executable, "-m", "recon.cli.app", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _richest(world: Path) -> dict[str, str]:
    """The world's T+7 run with the most classes to find."""
    runs = json.loads((world / "world.json").read_text(encoding="utf-8"))["runs"]
    truth = pq.read_table(world / "truth" / "divergences.parquet", columns=["window", "as_of", "class"]).to_pylist()
    found = {(row["window"], f"{row['as_of']:%Y-%m-%d}", row["class"]) for row in truth}
    weekly = [run for run in runs if run["window"] == "T+7"]
    return max(weekly, key=lambda run: sum(key[:2] == ("T+7", run["as_of"][:10]) for key in found))


def _found(lake: Path, run: dict[str, str]) -> list[dict[str, Any]]:
    """What the run says of a lake, apart from ids that depend on the bytes of its files."""
    request = Request.parse(window="T+7", as_of=run["as_of"][:10], known_at=run["known_at"], lake=str(lake))
    told = reconcile(request).divergences.drop_columns(["run_id", "evidence", "first_seen_at"])
    rows: list[dict[str, Any]] = told.to_pylist()
    return rows


def _copy_pipeline_tables(source: Path, made: Path, cohort: date) -> None:
    """The objects of the days kept, and lake_files to match."""
    [listing] = (source / "lake_files").glob("*.parquet")
    kept = []
    for entry in pq.read_table(listing).to_pylist():
        if entry["table"] in KEPT:
            first, until = (cohort + timedelta(days=days) for days in KEPT[entry["table"]])
            if first <= date.fromisoformat(entry["path"].partition("/dt=")[2][:10]) < until:
                digest = _write(source / entry["path"], made / entry["path"])
                kept.append({**entry, "digest": digest})
    path = made / "lake_files" / listing.name
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(kept, schema=pq.read_schema(listing)), path, compression="zstd")


def _copy_other_tables(source: Path, made: Path, known_at: datetime) -> None:
    """Reference tables, and what the files that were known had in them."""
    known = set()
    for path in sorted((source / "feed_files").glob("*.parquet")):
        [row] = pq.ParquetFile(path).read(columns=["file_id", "received_at"]).to_pylist()
        if row["received_at"].replace(tzinfo=UTC) < known_at:
            known.add(row["file_id"])
            _write(path, made / path.relative_to(source))
    for table in ("batches", "settlement_lines", "status_lines", "business_days", "feed_expectations"):
        for path in sorted((source / table).rglob("*.parquet")):
            if table in ("business_days", "feed_expectations") or path.stem in known:
                _write(path, made / path.relative_to(source))


def _write(source: Path, path: Path) -> str:
    """Copy a file with the least overhead that Parquet allows, since most hold a handful of rows; its new SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pq.ParquetFile(source).read().replace_schema_metadata(None), path, compression="zstd", compression_level=19,
        use_dictionary=False, write_statistics=False, store_schema=False,
    )  # fmt: skip
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
