"""Holds a function inside its step for real, so that it can be killed there: by the gateway, a lock, or a stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from tests.integration.site import Site


def workers(site: Site, function: str) -> list[psutil.Process]:
    """The emulator's processes of a function of the template."""
    found = []
    for process in psutil.Process(site.stack.emulator.server.pid).children(recursive=True):
        try:
            name = process.environ().get("AWS_LAMBDA_FUNCTION_NAME")
        except psutil.Error:
            continue
        if name == site.pipeline.deployment.function(function):
            found.append(process)
    return found


def kill(site: Site, function: str) -> None:
    """SIGKILL to all processes of a function, wherever they are."""
    killed = workers(site, function)
    assert killed, f"no process of {function} runs"
    for process in killed:
        process.kill()


@contextmanager
def stopped(site: Site, function: str) -> Iterator[None]:
    """Whatever calls the function is not answered: its processes are stopped before their first instruction."""
    held = workers(site, function)
    for process in held:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in held:
            if process.is_running():
                process.send_signal(signal.SIGCONT)


class Lock:
    """Rows that this test's own connection has, in a transaction that never commits."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection

    def stops(self, words: str) -> bool:
        """Whether a statement with these words waits for the lock."""
        query: LiteralString = ("SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)) "
                                "AND query LIKE '%%' || %s || '%%'")
        # What a transaction saw of the others once, it sees until its end.
        self._connection.execute("SELECT pg_stat_clear_snapshot()")
        return self._connection.execute(query, (words,)).fetchone() is not None

    def release(self) -> None:
        """Nobody waits any more; nothing was changed."""
        self._connection.rollback()


@contextmanager
def locked(site: Site, statement: LiteralString, *values: object) -> Iterator[Lock]:
    """Takes locks by a statement, as one who may do everything and whom no foreign key binds to other rows."""
    dsn = make_conninfo(site.pipeline.postgres.admin_dsn, dbname=site.pipeline.database.name)
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement, values)
        lock = Lock(connection)
        try:
            yield lock
        finally:
            lock.release()


ENTERING: LiteralString = "LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE"
LIMIT: LiteralString = "SELECT 1 FROM balances WHERE account = %s AND currency = %s FOR UPDATE"
PAYMENT: LiteralString = "SELECT 1 FROM payments WHERE payment_id = %s FOR UPDATE"
# Whoever writes the same key waits to learn whether this row stays.
JOURNAL: LiteralString = (
    "INSERT INTO journals (journal_id, payment_id, merchant_id, step, sequence, entry_count, event_at, recorded_at) "
    "VALUES ('0' || left(upper(md5(random()::text)), 25), %s, 'nobody', %s, 1, 2, now(), now())")
SAGA_JOURNAL: LiteralString = (
    "INSERT INTO saga_journal VALUES (%s, %s, 1, %s, 99, 'intended', 1, 1, '{}', now(), now())")
