"""A small story from the first click to the last score, by the command that anyone runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from infra.local.story.provenance import LINKS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "infra.local.cli", "story", "--concurrency", "4", "--seed", "5"]


@pytest.mark.nightly
def test_a_small_story_is_told_to_its_end_and_leaves_its_folder_alone(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = subprocess.run([*COMMAND, "--payments", "40", "--json", "--out", str(out)], cwd=ROOT, capture_output=True,
                          encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["holds"]
    assert len(told["injected"]) >= 10
    windows = {run["name"].partition("_")[0] for run in told["runs"]}
    assert windows == {"hourly", "T7", "T14", "T30"}
    found = {name for run in told["runs"] for name, of in run["score"]["classes"].items() if of}
    assert set(told["injected"]) | {"lake_gap", "duplicate_delivery"} <= found
    assert all(run["score"]["precision"] == run["score"]["recall"] == 1 for run in told["runs"])
    rows = pq.read_table(out / "provenance.parquet").to_pylist()
    assert len(rows) > 40
    assert not [row for row in rows if row["unexplained"]]
    assert set(told["links"]) == set(LINKS)
    assert sorted(path.name for path in out.iterdir()) == [
        "latency", "logs", "provenance.parquet", "runs", "story.json", "world"]
    assert list((out / "latency").glob("*.html"))


@pytest.mark.nightly
def test_a_story_that_is_interrupted_takes_its_stack_along(tmp_path: Path) -> None:
    out = tmp_path / "run"
    plainly = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*COMMAND, "--payments", "60", "--out", str(out)], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", env=plainly) as story:
        assert story.stdout is not None
        assert any("warm-up" in line for line in story.stdout)
        children = psutil.Process(story.pid).children(recursive=True)
        assert children
        story.send_signal(signal.SIGTERM)
        story.stdout.read()
        assert story.wait() == 130
    deadline = time.monotonic() + 20
    while (left := [child for child in children if child.is_running()]) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []
    assert [path.name for path in out.iterdir()] == ["logs"]
