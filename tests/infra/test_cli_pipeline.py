"""`pipeline up` with the pipeline: twice at once, killed, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.deploy import MERCHANTS
from infra.local.state import State, read, running

ROOT = Path(__file__).resolve().parents[2]


def command(folder: Path, *words: str) -> list[str]:
    """A command over `folder`."""
    return [sys.executable, "-m", "infra.local.cli", *words, "--folder", str(folder)]


def pipeline(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command over `folder`, run to its end."""
    return subprocess.run(command(folder, *words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)


def state_of(folder: Path) -> State:
    """The state of a stack that runs there."""
    found = read(folder)
    assert found is not None
    return found


def alive(state: State) -> list[str]:
    """Parts whose process is there."""
    return [name for name, pid in state.parts.items()
            if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def until(true: Callable[[], bool]) -> None:
    """Waits, at most a minute."""
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert true()


def answer(state: State) -> int:
    """How the API answers who has no key."""
    try:
        with urllib.request.urlopen(f"{state.addresses['api']}/v1/payments/1", timeout=30) as answered:
            return int(answered.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders for stacks, which are down at the end whatever happened."""
    both = (tmp_path / "one", tmp_path / "two")
    yield both
    for folder in both:
        pipeline(folder, "down")


def test_two_take_payments_at_once_and_each_goes_without_a_trace(folders: tuple[Path, Path]) -> None:
    starting = [subprocess.Popen(command(folder, "up", "--no-trino", "--detach"), cwd=ROOT, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True) for folder in folders]  # fmt: skip
    said = [process.communicate(timeout=180) for process in starting]
    assert [process.returncode for process in starting] == [0, 0], said
    assert all("stack payments created" in told and "merchants onboarded" in told for _, told in said)
    first, second = (state_of(folder) for folder in folders)
    assert set(first.parts) == {"emulator", "athena", "postgres", "redis", "gateways", "merchants"}
    assert set(first.addresses.values()).isdisjoint(second.addresses.values())
    assert set(first.keys) == set(MERCHANTS)
    assert [answer(state) for state in (first, second)] == [401, 401]

    shown = json.loads(pipeline(folders[0], "status", "--json").stdout)
    assert (shown["running"], set(shown["alive"].values())) == (True, {True})
    assert shown["keys"] == first.keys
    assert shown["environment"]["PAYMENTS_KEY_MERCHANT_A"] == first.keys["merchant_a"]
    assert shown["took_s"] > 0
    for name in ("env", "state.json"):
        assert stat.S_IMODE((folders[0] / name).stat().st_mode) == 0o600

    # The owner of one is killed: its parts go, the other stack stays.
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not alive(first) and not running(folders[0]))
    assert set(alive(second)) == set(second.parts)
    assert "removed" in pipeline(folders[0], "down").stderr
    assert not folders[0].exists()

    # One part of the other crashes: the stack ends and `status` says which part and why.
    os.kill(second.parts["redis"], signal.SIGKILL)
    until(lambda: not running(folders[1]))
    ended = json.loads(pipeline(folders[1], "status", "--json").stdout)
    assert ended["running"] is False
    assert ended["ended"]["reason"].startswith("Redis has ended; its log")
    assert alive(second) == []
    pipeline(folders[1], "down")
    assert not folders[1].exists()
