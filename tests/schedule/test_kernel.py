"""A kernel sees no secret that it does not need, and nothing of the account's own Jupyter set-up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recon.schedule import kernel

BASE = {"AWS_SECRET_ACCESS_KEY": "x", "DB_PASSWORD": "y", "JUPYTER_PATH": "/mine", "IPYTHONDIR": "/mine", "LANG": "C"}


@pytest.mark.parametrize(
    "values, kept",
    [
        ({"engine": "duckdb", "lake": "runs/lake"}, False),
        ({}, False),
        ({"engine": "athena"}, True),
        ({"engine": "duckdb", "lake": "s3://bucket/lake"}, True),
    ],
)
def test_only_a_run_on_aws_sees_its_credentials(tmp_path: Path, values: dict[str, object], kept: bool) -> None:
    seen = kernel.environment(tmp_path, values, BASE)
    assert ("AWS_SECRET_ACCESS_KEY" in seen) == kept
    assert "DB_PASSWORD" not in seen
    assert "JUPYTER_PATH" not in seen
    assert seen["IPYTHONDIR"].startswith(str(tmp_path))
    assert seen["LANG"] == "C"


@pytest.mark.parametrize("engine, kept", [("trino", True), ("athena", False), ("duckdb", False)])
def test_only_a_run_on_trino_sees_its_password(tmp_path: Path, engine: str, kept: bool) -> None:
    seen = kernel.environment(tmp_path, {"engine": engine}, {"RECON_TRINO_PASSWORD": "x", "RECON_TRINO_USER": "me"})
    assert ("RECON_TRINO_PASSWORD" in seen) == kept
    assert seen["RECON_TRINO_USER"] == "me"


def test_the_kernel_is_this_interpreter_wherever_it_is_started(tmp_path: Path) -> None:
    manager = kernel.manager(tmp_path, {})()
    command = manager.format_kernel_cmd()
    assert command[:3] == [sys.executable, "-m", "ipykernel_launcher"]
    assert "--HistoryManager.enabled=False" in command
    assert Path(manager.connection_file).parent == tmp_path


def test_a_long_path_falls_back_to_loopback(tmp_path: Path) -> None:
    manager = kernel.manager(tmp_path / ("x" * 120), {})()
    assert (manager.transport, manager.ip) == ("tcp", "127.0.0.1")
