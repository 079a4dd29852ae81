"""What the server is really sent: nothing that pins a session of RDS Proxy, nothing left open."""

from __future__ import annotations

import re
import select
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

from pipeline.ledger.connection import Connection, Database
from pipeline.ledger.port import Event
from tests.ledger.harness import CURRENCY, FULL_LIFE, LEASE, Bench, at, change, fresh_id, new_payment
from tests.ledger.test_statements import PINNING

if TYPE_CHECKING:
    from infra.local import postgres as local

_SENT = re.compile(r" LOG:  (?:statement|execute (?P<name>\S+)): (?P<text>.*)", re.DOTALL)
_ALONE = ("BEGIN", "COMMIT", "ROLLBACK")


@pytest.fixture
def sent(postgres_server: local.Postgres, postgres: local.Database) -> Iterator[list[tuple[str, str]]]:
    """(name of the prepared statement, text) of all that this module's database was sent, once the test asks for it."""
    log = postgres_server.folder / "postgres.log"
    postgres_server.log_statements("all")
    _wait_until_logged(postgres)
    start = log.stat().st_size
    found: list[tuple[str, str]] = []
    yield _Later(found, lambda: _read(log.read_bytes()[start:].decode("utf-8", "replace"), postgres))
    postgres_server.log_statements("none")


class _Later(list[tuple[str, str]]):
    """Reads the log when it is iterated."""

    def __init__(self, found: list[tuple[str, str]], read: object) -> None:
        super().__init__(found)
        self._read = read

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._read())  # type: ignore[operator]


def _wait_until_logged(postgres: local.Database) -> None:
    """New sessions see the setting as soon as the server has read it."""
    for _ in range(200):
        with psycopg.connect(postgres.app_dsn, autocommit=True) as asking:
            if asking.execute("SELECT current_setting('log_statement'), pg_sleep(0.02)").fetchall()[0][0] == "all":
                return
    raise AssertionError("the server does not log")


def _read(log: str, postgres: local.Database) -> list[tuple[str, str]]:
    """Messages of the log that are statements of the application role; a message may have many lines."""
    found = []
    for message in re.split(r"^(?=\d{4}-\d\d-\d\d )", log, flags=re.MULTILINE):
        hit = _SENT.search(message)
        if hit and f"{postgres.app}@{postgres.name} " in message:
            found.append((hit["name"] or "simple", hit["text"].strip()))
    return found


def _everything(bench: Bench, database: Database) -> None:
    """Every call of ledger, limits and outbox, more than once, so that a driver that prepares would do so."""
    for _ in range(7):
        payment = bench.driven(*FULL_LIFE, merchant_id=f"wire-{fresh_id()}", metadata={"note": "x" * 2_000})
        payment = bench.ledger.apply(change(payment, "refund", amount=5, events=[Event("refund", "succeeded")] * 20))
        bench.ledger.apply(change(payment, "webhook", sequence=payment.payment_id))
        bench.ledger.open(new_payment(payment.payment_id), execution="twin", at=at(), lease_until=at() + LEASE)
        bench.ledger.claim(payment.payment_id, execution="c", at=at(), lease_until=at() + LEASE)
        bench.ledger.payment_of_merchant(payment.payment_id, payment.merchant_id)
        bench.ledger.operation(payment.payment_id, "capture")
        bench.ledger.journal(payment.payment_id)
        bench.ledger.open_hold_minor(payment.payment_id)
        bench.ledger.unfinished(at=at(), limit=5)
        bench.ledger.expiring(before=at(), limit=5)
        bench.ledger.seen("stripe", "x")
        bench.ledger.remember("stripe", f"y{payment.payment_id}", kind="k", at=at())
        bench.books.balance(payment.merchant_id, CURRENCY)
        rows = bench.books.take(at=at(), taken_until=at(1), limit=3)
        bench.books.give_back([row.outbox_id for row in rows[1:]], taken_until=at(1))
        bench.books.delivered([row.outbox_id for row in rows[:1]])
    database.read("outbox_lag", {})


@pytest.mark.property(62)
def test_nothing_that_is_sent_pins_a_session(real: Bench, database: Database, sent: list[tuple[str, str]]) -> None:
    _everything(real, database)
    statements = list(sent)
    assert len(statements) > 300
    texts = {text for _, text in statements}
    assert {name for name, _ in statements} <= {"<unnamed>", "simple"}
    assert [text for text in texts if PINNING.search(text)] == []
    assert max(map(len, texts)) < 16_000
    assert [text for text in texts if text not in _ALONE and text.split()[0] not in
            ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")] == []


@pytest.mark.property(62)
def test_the_check_sees_what_a_preparing_driver_sends(postgres: local.Database, sent: list[tuple[str, str]]) -> None:
    with psycopg.connect(postgres.app_dsn, autocommit=True) as careless:
        for _ in range(8):
            careless.execute("SELECT %s::int", (1,))
    assert {name for name, _ in sent} > {"<unnamed>"}


@pytest.mark.property(62)
def test_a_session_begins_without_settings_of_its_own(postgres: local.Database, real: Bench) -> None:
    database = Database(postgres.app_dsn, application_name="plain")
    database.read("outbox_lag", {})
    with psycopg.connect(postgres.app_dsn, autocommit=True) as plain:
        wanted = plain.execute("SELECT name, setting FROM pg_settings WHERE source = 'client' AND name <> "
                               "'application_name' ORDER BY 1").fetchall()
    there = database.transact(lambda connection: connection.execute(
        "SELECT name, setting FROM pg_settings WHERE source = 'client' AND name <> 'application_name' ORDER BY 1",
    ).fetchall())
    assert [tuple(row.values()) for row in there] == wanted
    assert {name for name, _ in wanted} <= {"client_encoding"}
    database.close()


@pytest.mark.property(63)
def test_no_call_leaves_a_transaction_open(real: Bench, database: Database, postgres: local.Database) -> None:
    _everything(real, database)
    with psycopg.connect(postgres.app_dsn, autocommit=True) as looking:
        states = looking.execute("SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                                 "pg_backend_pid() AND application_name = 'payments'").fetchall()
    assert states
    assert set(states) == {("idle",)}


def frozen_once(database: Database) -> list[str]:
    """Work that is frozen in its transaction until the server has ended the session, the first time that it runs."""
    runs: list[str] = []

    def work(connection: Connection) -> list[str]:
        connection.execute("SELECT 1")
        runs.append("second" if runs else "first")
        if len(runs) == 1:
            assert select.select([connection.fileno()], [], [], 30)[0]
        connection.execute("SELECT 1")
        return runs

    try:
        return database.transact(work)
    finally:
        database.close()


@pytest.mark.property(63)
def test_who_stays_idle_in_a_transaction_is_ended(real: Bench, postgres: local.Database) -> None:
    payment = real.opened()
    role = f'ALTER ROLE payments_app IN DATABASE "{postgres.name}" SET idle_in_transaction_session_timeout = '
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as owner:
        owner.execute(f"{role}'100ms'".encode())
        try:
            with psycopg.connect(postgres.app_dsn) as idle:
                idle.execute("SELECT * FROM payments WHERE payment_id = %s FOR UPDATE", (payment.payment_id,))
                assert select.select([idle.fileno()], [], [], 30)[0]
                with pytest.raises(errors.IdleInTransactionSessionTimeout):
                    idle.execute("SELECT 1")
            assert frozen_once(Database(postgres.app_dsn))[:2] == ["first", "second"]
        finally:
            owner.execute(f"{role}'5s'".encode())
    assert real.ledger.apply(change(payment, "validate")).version == 2
