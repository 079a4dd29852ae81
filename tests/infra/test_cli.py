"""The pipeline command as a person types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.guard import client
from infra.local.state import read, running

ROOT = Path(__file__).resolve().parents[2]


def pipeline(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command over `folder`, run to its end."""
    return subprocess.run([sys.executable, "-m", "infra.local.cli", *words, "--folder", str(folder)], cwd=ROOT,
                          capture_output=True, text=True, check=False, timeout=120)  # fmt: skip


def foreground(folder: Path) -> subprocess.Popen[str]:
    """`pipeline up` that stays, once it is up."""
    command = [sys.executable, "-m", "infra.local.cli", "up", "--no-trino", "--no-pipeline", "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while read(folder) is None and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert read(folder) is not None, process.communicate(timeout=30)
    return process


def servers(folder: Path) -> list[psutil.Process]:
    """Processes that keep their things below `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.environ().get("S3_DATA_DIR", "") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a stack, which is down at the end whatever happened."""
    yield tmp_path / "stack"
    pipeline(tmp_path / "stack", "down")


def test_up_status_down(folder: Path) -> None:
    up = pipeline(folder, "up", "--no-trino", "--no-pipeline", "--detach")
    assert up.returncode == 0, up.stderr
    assert f". {folder}/env" in up.stdout
    said = json.loads(pipeline(folder, "status", "--json").stdout)
    assert said["running"] is True
    assert set(said["addresses"]) == {"emulator", "athena"}
    assert all(address in up.stdout for address in said["addresses"].values())

    again = pipeline(folder, "up", "--no-trino", "--no-pipeline", "--detach")
    assert (again.returncode, "already" in again.stderr) == (2, True)
    here = pipeline(folder, "up", "--no-trino", "--no-pipeline")
    assert (here.returncode, "already" in here.stderr) == (2, True)
    assert json.loads(pipeline(folder, "status", "--json").stdout) == said

    assert pipeline(folder, "down").returncode == 0
    assert not folder.exists()
    assert servers(folder) == []
    assert pipeline(folder, "down").returncode == 0
    assert json.loads(pipeline(folder, "status", "--json").stdout)["running"] is False


def test_a_lake_is_put_on_the_stack(folder: Path, tmp_path: Path) -> None:
    def put(source: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return pipeline(folder, "lake", str(source), "--prefix", "mine/", *more)

    none = put(tmp_path)
    assert (none.returncode, "nothing runs in" in none.stderr) == (2, True)
    assert pipeline(folder, "up", "--no-trino", "--no-pipeline", "--detach").returncode == 0
    for name in ("one", "two"):
        (tmp_path / name / "batches").mkdir(parents=True)
        (tmp_path / name / "batches" / f"{name}.parquet").write_text(name)
    for wrong, said in (
        (put(tmp_path / "nowhere"), "no lake at"),
        (put(tmp_path), "one folder per table"),
        (put(tmp_path / "one", "--bucket", "No"), "--bucket is 'No'"),
        (put(tmp_path / "one", "--database", "a-b"), "--database is 'a-b'"),
    ):
        assert (wrong.returncode, said in wrong.stderr) == (2, True), wrong.stderr

    assert put(tmp_path / "one").stdout == "--lake s3://lake/mine\n"
    other = put(tmp_path / "two", "--database", "other_lake")
    assert "export RECON_ATHENA_DATABASE=other_lake RECON_TRINO_LAKE=lake.other_lake" in other.stdout, other.stderr
    state = read(folder)
    assert state is not None
    held = client("s3", state.environment).list_objects_v2(Bucket="lake")["Contents"]
    assert [item["Key"] for item in held] == ["mine/batches/two.parquet"], "the place holds what the folder holds"
    table = client("glue", state.environment).get_table(DatabaseName="other_lake", Name="batches")["Table"]
    assert table["StorageDescriptor"]["Location"] == "s3://lake/mine/batches"


def test_the_settings_replace_the_callers_own(folder: Path) -> None:
    assert pipeline(folder, "up", "--no-trino", "--no-pipeline", "--detach").returncode == 0
    caller = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_S3": "https://elsewhere.example"}
    program = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    script = f". {folder}/env && env | grep ^AWS_ | cut -d= -f1 | sort && {sys.executable} -c \"{program}\""
    done = subprocess.run(["sh", "-ec", script], env={**os.environ, **caller}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    state = read(folder)
    assert state is not None
    assert done.stdout.split() == [*sorted(n for n in state.environment if n.startswith("AWS_")), "recon-scratch"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sent: sent.name)
def test_a_stop_signal_ends_everything(folder: Path, sent: signal.Signals) -> None:
    process = foreground(folder)
    assert servers(folder)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert servers(folder) == []
    assert not folder.exists()


def test_killed_it_takes_its_servers_along_and_up_works_again(folder: Path) -> None:
    process = foreground(folder)
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while servers(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert servers(folder) == []
    assert not running(folder)
    up = pipeline(folder, "up", "--no-trino", "--no-pipeline", "--detach")
    assert up.returncode == 0, up.stderr


def test_a_server_that_dies_ends_the_stack_with_its_log(folder: Path) -> None:
    process = foreground(folder)
    for server in servers(folder):
        server.kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "has ended" in said
    assert not running(folder)
    ended = json.loads(pipeline(folder, "status", "--json").stdout)
    assert ended["running"] is False
    assert ended["ended"]["reason"].startswith("the AWS emulator has ended; its log")
    assert "the AWS emulator has ended" in pipeline(folder, "status").stdout
    assert "removed" in pipeline(folder, "down").stderr
    assert not folder.exists()


def test_a_folder_with_other_things_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("kept")
    up = pipeline(folder, "up", "--no-trino", "--no-pipeline")
    assert (up.returncode, "thesis.txt" in up.stderr) == (2, True)
    assert (folder / "thesis.txt").read_text() == "kept"


def test_schedules_without_the_pipeline_whose_lake_they_reconcile_are_refused(folder: Path) -> None:
    refused = pipeline(folder, "up", "--schedules", "--no-pipeline", "--detach")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--schedules reconciles the pipeline's lake" in refused.stderr
    assert not folder.exists()
