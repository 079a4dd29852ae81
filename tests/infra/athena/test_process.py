"""The server as a process: loopback only, two at once, nothing left behind."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from infra.local.athena import Athena
from infra.local.errors import LocalRefused
from infra.local.processes import answers
from tests.infra.athena.harness import Stack


def test_only_loopback_and_two_at_once(plain: Stack, aws: dict[str, str], tmp_path: Path) -> None:
    other = Athena.start(tmp_path / "second", aws=aws)
    try:
        assert other.endpoint != plain.athena.endpoint
        assert {address for address, _ in other.server.listening()} == {"127.0.0.1"}
        other.fault("throttled")
        assert plain.athena.faults() == []
    finally:
        other.stop()
    other.stop()
    assert not (tmp_path / "second").exists()
    assert answers(f"{other.endpoint}/_local/health") is None


def test_it_ends_when_asked_while_a_query_runs(aws: dict[str, str], tmp_path: Path) -> None:
    running = Athena.start(tmp_path / "athena", aws=aws)
    stack = Stack(running, aws)
    running.fault("slow", seconds=600)
    stack.running(stack.start("SELECT 1"))
    process = psutil.Process(running.server.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    running.stop()


def test_it_starts_nowhere_but_on_a_local_stack(tmp_path: Path, aws: dict[str, str]) -> None:
    with pytest.raises(LocalRefused, match=r"127\.0\.0\.1"):
        Athena.start(tmp_path / "athena", aws={**aws, "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com"})
    with pytest.raises(LocalRefused, match="Trino"):
        Athena.start(tmp_path / "athena", aws=aws, trino="http://trino.example:8080")
