"""`recon run` on a lake in a bucket, as a user starts it: on every engine the same answer as DuckDB's on the folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.guard import child_environment, client
from infra.local.lake import declare, upload
from infra.local.stack import SCRATCH_BUCKET, SCRATCH_DATABASE, Stack
from tests.differential import handmade

ROOT = Path(__file__).resolve().parents[2]
BUCKET, DATABASE = "runs-on-s3", "runs_on_s3"
LEDGER = "ledger_entries/"


@dataclass
class Desk:
    """A folder where runs are started with a stack's settings, and a small lake, as folder and as address."""

    folder: Path
    stack: Stack
    prefix: str
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        handmade.rare_cases(self.folder)
        self.settings = self.stack.environment()
        upload(self.folder / "lake", BUCKET, self.prefix, aws=self.settings)
        declare(BUCKET, self.prefix, DATABASE, aws=self.settings)
        self.settings |= {"RECON_ATHENA_DATABASE": DATABASE, "RECON_TRINO_LAKE": f"lake.{DATABASE}"}

    @property
    def address(self) -> str:
        """The lake on S3."""
        return f"s3://{BUCKET}/{self.prefix}"

    def recon(self, engine: str, out: str, *more: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`recon run` on the address, or for `folder` by DuckDB on the folder."""
        lake = ["--lake", self.address, "--engine", engine] if engine != "folder" else ["--lake", "lake"]
        words = ["run", "--window", "T+7", "--as-of", handmade.AS_OF, *lake, "--out", out, *more]
        return subprocess.run([sys.executable, "-m", "recon.cli.app", *words], cwd=self.folder, check=False,
                              env=child_environment(self.settings | {"PYTHONPATH": str(ROOT)} | settings),
                              capture_output=True, text=True, timeout=300)  # fmt: skip

    @cached_property
    def on_folder(self) -> tuple[pa.Table, dict[str, Any], str]:
        """What DuckDB makes of the folder."""
        return self.done("folder", "local")

    @cached_property
    def on_athena(self) -> tuple[pa.Table, dict[str, Any], str]:
        """What Athena makes of the bucket."""
        return self.done("athena", "athena")

    def done(self, engine: str, out: str, *more: str, **settings: str) -> tuple[pa.Table, dict[str, Any], str]:
        """Divergences but for their run, summary, and what was said, of a run that must end well."""
        run = self.recon(engine, out, *more, **settings)
        assert run.returncode == 0, run.stderr
        rows = pq.read_table(self.folder / out / "divergences.parquet").drop_columns(["run_id"])
        return rows, json.loads((self.folder / out / "summary.json").read_text(encoding="utf-8")), run.stdout

    def refused(self, engine: str, *more: str, **settings: str) -> str:
        """What a run that must be refused says; it may have left no result."""
        shutil.rmtree(self.folder / "refused.failed", ignore_errors=True)
        run = self.recon(engine, "refused", *more, **settings)
        assert run.returncode == 2, run.stderr
        assert run.stderr.startswith("refused: ")
        assert "Traceback" not in run.stderr
        assert not (self.folder / "refused").exists()
        return run.stderr

    def left(self) -> list[str]:
        """Objects and tables of runs that are still in the places for scratch."""
        objects = client("s3", self.settings).list_objects_v2(Bucket=SCRATCH_BUCKET).get("Contents", [])
        tables = client("glue", self.settings).get_tables(DatabaseName=SCRATCH_DATABASE)["TableList"]
        return [item["Key"] for item in objects if "/r" in item["Key"]] + [item["Name"] for item in tables]


@pytest.fixture(scope="module")
def desk(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk on the stack."""
    return Desk(tmp_path_factory.mktemp("desk"), stack, "desk/lake")


def test_athena_answers_as_duckdb_does_and_says_what_it_read(desk: Desk) -> None:
    expected, local, said = desk.on_folder
    assert local["scan"] is None
    assert "read:" not in said
    rows, summary, said = desk.on_athena
    assert rows.equals(expected)
    assert rows.num_rows > 0
    assert summary["classes"] == local["classes"]
    scan = summary["scan"]
    assert 0 < scan["estimated_bytes"] < scan["budget_bytes"] == 100_000_000_000
    assert scan["scanned_bytes"] > 0
    assert "read: " in said
    assert "kB as athena counts" in said
    assert "budget 100.0 GB" in said
    assert desk.left() == []


def test_a_manifest_repeats_a_run_on_another_engine_and_names_an_object_that_changed(desk: Desk) -> None:
    rows, first, _ = desk.on_athena
    s3 = client("s3", desk.settings)
    # What has come since is not among what the run read.
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{desk.prefix}/{LEDGER}")["Contents"]
    key = listed[0]["Key"]
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.copy_object(Bucket=BUCKET, CopySource={"Bucket": BUCKET, "Key": key},
                   Key=f"{desk.prefix}/{LEDGER}dt=2026-03-10/hr=09/later.parquet")  # fmt: skip
    try:
        s3.upload_file(str(desk.folder / "athena" / "manifest.json"), BUCKET, f"{desk.prefix}-runs/manifest.json")
        kept = f"s3://{BUCKET}/{desk.prefix}-runs/manifest.json"
        again, second, _ = desk.done("duckdb", "again", "--manifest", kept)
        assert again.equals(rows)
        assert second["run_id"] == first["run_id"]
        s3.put_object(Bucket=BUCKET, Key=key, Body=body + b"x")
        said = desk.refused("duckdb", "--manifest", "athena/manifest.json")
        assert key.removeprefix(f"{desk.prefix}/") in said
        assert "changed since" in said
        s3.delete_object(Bucket=BUCKET, Key=key)
        assert "which the lake has not" in desk.refused("duckdb", "--manifest", "athena/manifest.json")
    finally:
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        s3.delete_object(Bucket=BUCKET, Key=f"{desk.prefix}/{LEDGER}dt=2026-03-10/hr=09/later.parquet")


@pytest.mark.parametrize("settings, said", [
    ({"RECON_ATHENA_WORKGROUP": "nowhere"}, "refused: Athena has no workgroup nowhere; create it"),
    ({"RECON_ATHENA_DATABASE": "nowhere"}, "refused: the Glue catalog has no table nowhere.ledger_entries; check"),
    ({"RECON_ATHENA_SCRATCH": "s3://no-such-place/x/"}, "refused: RECON_ATHENA_SCRATCH is s3://no-such-place/x: no"),
    ({"AWS_ENDPOINT_URL": "https://s3.example.com"}, "AWS_ENDPOINT_URL leads away from this machine"),
])  # fmt: skip
def test_what_stands_in_the_way_is_said_before_a_kernel_starts(
    desk: Desk, settings: dict[str, str], said: str
) -> None:
    assert said in desk.refused("athena", **settings)
    assert not (desk.folder / "refused.failed").exists(), "no notebook was begun"


def test_more_than_the_budget_is_not_read(desk: Desk) -> None:
    s3 = client("s3", desk.settings)
    first = next((desk.folder / "lake" / LEDGER / "dt=2026-03-10").rglob("*.parquet"))
    key = f"{desk.prefix}/{first.relative_to(desk.folder / 'lake').as_posix()}"
    large = pq.read_table(first, partitioning=None).replace_schema_metadata({"room": "x" * 700_000})
    pq.write_table(large, desk.folder / "large.parquet")
    s3.upload_file(str(desk.folder / "large.parquet"), BUCKET, key)
    try:
        said = desk.refused("athena", RECON_BYTES_BUDGET="1MB")
    finally:
        s3.upload_file(str(first), BUCKET, key)
    assert re.search(r"T\+7 as of 2026-03-17 would read about [\d.]+ MB with engine athena, and the budget "
                     r"is 1\.0 MB; set RECON_BYTES_BUDGET to more", said)  # fmt: skip
    assert desk.left() == []


@pytest.mark.trino
@pytest.mark.parametrize("engine", ["trino", pytest.param("athena", marks=pytest.mark.nightly)])
def test_trino_and_athena_on_it_answer_as_duckdb_does(engine: str, trino_stack: Stack, tmp_path: Path) -> None:
    desk = Desk(tmp_path, trino_stack, f"{engine}/lake")
    expected, _, _ = desk.on_folder
    rows, summary, said = desk.done(engine, engine)
    assert rows.equals(expected)
    assert summary["scan"]["scanned_bytes"] > 0
    assert f"as {engine} counts" in said


@pytest.mark.trino
def test_what_is_wrong_with_a_trino_is_said(trino_stack: Stack, tmp_path: Path) -> None:
    desk = Desk(tmp_path, trino_stack, "wrong/lake")
    assert "does not answer: Connection refused; check" in desk.refused("trino", RECON_TRINO_URL="http://127.0.0.1:1")
    nobody = desk.refused("trino", RECON_TRINO_URL=trino_stack.emulator.endpoint)
    assert "does not take the query (error 40" in nobody
    assert "RECON_TRINO_SCRATCH names a Hive catalog" in desk.refused("trino", RECON_TRINO_SCRATCH="nowhere.recon")
    assert "no table lake.nowhere.ledger_entries" in desk.refused("trino", RECON_TRINO_LAKE="lake.nowhere")
    assert desk.left() == []
