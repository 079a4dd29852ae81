"""Redis as the local stack runs it, and where its program comes from."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
import redis

from infra.local.errors import LocalRefused
from infra.local.redis import Redis, install


def test_two_run_at_once_on_loopback_and_leave_nothing(tmp_path: Path) -> None:
    first, second = Redis.start(tmp_path / "first"), Redis.start(tmp_path / "second")
    family = [*first.server.tree(), *second.server.tree()]
    try:
        redis.Redis.from_url(first.url).set("x", 1)
        assert redis.Redis.from_url(second.url).get("x") is None
        assert first.server.listening() == {("127.0.0.1", first.port)}
    finally:
        for running in (first, second):
            running.stop()
            running.stop()
    assert [process for process in family if process.is_running()] == []
    assert list(tmp_path.iterdir()) == []


def test_after_a_crash_it_is_back_at_its_address_and_empty(tmp_path: Path) -> None:
    running = Redis.start(tmp_path / "run")
    try:
        client = redis.Redis.from_url(running.url)
        client.set("x", 1)
        running.kill()
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(running.url).get("x")
        running.restart()
        assert redis.Redis.from_url(running.url).get("x") is None
    finally:
        running.stop()


def test_a_server_of_the_system_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey = tmp_path / "valkey-server"
    valkey.write_text("#!/bin/sh\n")
    valkey.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(install, "SYSTEM", ("no-such-server", "valkey-server"))
    assert install.program() == valkey


def test_where_there_is_none_the_message_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "PLATFORMS", {})
    with pytest.raises(LocalRefused, match="apt-get install redis-server"):
        install.install(tmp_path / "redis")


def test_other_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert "--require-hashes" in command
        assert str(install.LOCK) in command
        return subprocess.CompletedProcess(command, 1, "THESE PACKAGES DO NOT MATCH THE HASHES")

    monkeypatch.setattr(subprocess, "run", fails)
    monkeypatch.setattr(install, "PLATFORMS", {(platform.system(), platform.machine()): "any"})
    with pytest.raises(LocalRefused, match=r"could not be fetched(?s:.*)DO NOT MATCH"):
        install.install(tmp_path / "redis")
    assert not (tmp_path / "redis").exists()
