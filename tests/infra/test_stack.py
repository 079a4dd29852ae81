"""The parts as one stack: settings that work, nothing beyond loopback, nothing left."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pyathena
import pytest

from infra.local.errors import LocalRefused
from infra.local.guard import applied, client
from infra.local.stack import SCRATCH_BUCKET, SCRATCH_DATABASE, WORKGROUP, Stack
from recon.settings import athena_from_environment


def test_it_needs_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(LocalRefused, match="is not empty"):
        Stack.start(tmp_path)
    assert (tmp_path / "mine").read_text() == "kept"


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    with Stack.start(tmp_path / "run") as running:
        family = [process for part in (running.emulator, running.athena) for process in part.server.tree()]
        listening = running.emulator.server.listening() | running.athena.server.listening()
        assert {address for address, _ in listening} == {"127.0.0.1"}
        assert len(listening) == len(running.addresses()) == 2
        assert running.ended() is None
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert list(tmp_path.iterdir()) == []
    running.stop()


def test_a_stack_that_cannot_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise LocalRefused("no room")

    monkeypatch.setattr("infra.local.stack.Athena.start", fails)
    before = {process.pid for process in psutil.process_iter()}
    with pytest.raises(LocalRefused, match="no room"):
        Stack.start(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
    new = [process for process in psutil.process_iter() if process.pid not in before]
    assert not any("aws_server" in " ".join(process.cmdline()) and str(tmp_path) in str(process.environ())
                   for process in new if process.is_running() and process.ppid() == os.getpid())  # fmt: skip


def test_readers_find_their_places(stack: Stack) -> None:
    settings = stack.environment()
    assert athena_from_environment(settings).workgroup == WORKGROUP
    names = {item["Name"] for item in client("glue", settings).get_databases()["DatabaseList"]}
    assert {"payments_lake", SCRATCH_DATABASE} <= names
    assert SCRATCH_BUCKET in {item["Name"] for item in client("s3", settings).list_buckets()["Buckets"]}
    group = client("athena", settings).get_work_group(WorkGroup=WORKGROUP)["WorkGroup"]
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] > 0


def test_athenas_driver_and_arrow_reach_it_by_its_settings_alone(stack: Stack) -> None:
    with applied(stack.environment()):
        cursor = pyathena.connect(work_group=WORKGROUP).cursor()
        assert cursor.execute("SELECT 40 + 2 AS answer").fetchall() == [(42,)]
        body = io.BytesIO()
        pq.write_table(pa.table({"x": [1]}), body)
        client("s3").put_object(Bucket=SCRATCH_BUCKET, Key="settings/x.parquet", Body=body.getvalue())
        files, path = fs.FileSystem.from_uri(f"s3://{SCRATCH_BUCKET}/settings/x.parquet")
        with files.open_input_file(path) as file:
            assert pq.read_table(file).to_pydict() == {"x": [1]}
