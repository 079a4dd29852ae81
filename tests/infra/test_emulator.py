"""The emulator lives on loopback and in its folder, and goes without a trace."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from infra.local.emulator import Emulator
from infra.local.errors import LocalRefused
from infra.local.guard import client, local_environment
from infra.local.processes import Server


def test_two_run_at_once_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    first, second = (Emulator.start(tmp_path / name) for name in ("first", "second"))
    try:
        client("s3", local_environment(first.endpoint)).create_bucket(Bucket="one")
        listed = client("s3", local_environment(second.endpoint)).list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in listed] == []
        for running in (first, second):
            assert running.server.listening() == {("127.0.0.1", int(running.endpoint.rsplit(":", 1)[1]))}
    finally:
        family = [process for running in (first, second) for process in running.server.tree()]
        for running in (first, second):
            running.stop()
    assert family
    assert [process for process in family if process.is_running()] == []
    assert list(tmp_path.iterdir()) == []


def test_it_may_be_stopped_twice(tmp_path: Path) -> None:
    running = Emulator.start(tmp_path / "run")
    running.stop()
    running.stop()


def test_it_listens_on_loopback_only_once_its_services_are_in_use(emulator: Emulator, aws: dict[str, str]) -> None:
    client("glue", aws).get_databases()
    client("athena", aws).list_work_groups()
    client("s3", aws).list_buckets()
    assert {address for address, _ in emulator.server.listening()} == {"127.0.0.1"}


def test_a_server_that_ends_while_starting_says_why(tmp_path: Path) -> None:
    server = _python("import sys; print('no disk left'); sys.exit(3)", tmp_path)
    with pytest.raises(LocalRefused, match=r"ended with 3 while starting(?s:.*)no disk left"):
        server.wait(lambda: False, seconds=20)


def test_a_server_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    server = _python("import time; time.sleep(60)", tmp_path)
    with pytest.raises(LocalRefused, match="not ready after"):
        server.wait(lambda: False, seconds=0.1)
    assert not server.running()


def test_children_go_with_their_server_even_when_they_will_not(tmp_path: Path) -> None:
    child = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print('up', flush=True); time.sleep(60)"
    server = _python(
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True); "
        "time.sleep(60)", tmp_path)  # fmt: skip
    server.wait(lambda: "up" in server.log.read_text(), seconds=20)
    family = server.tree()
    assert len(family) == 2
    server.stop(patience=0.5)
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []


def _python(code: str, folder: Path) -> Server:
    return Server("a server", [sys.executable, "-c", code], environment={}, folder=folder, log=folder / "log")


def test_nothing_of_ours_waits_for_input(tmp_path: Path) -> None:
    server = _python("import sys; print(repr(sys.stdin.read()), flush=True)", tmp_path)
    with pytest.raises(LocalRefused, match="ended with 0"):
        server.wait(lambda: False, seconds=20)
    assert "''" in server.log.read_text()
