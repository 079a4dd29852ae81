"""Connections that go away and servers that die: every posting is there once, and the caller is told the truth."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.errors import Retryable
from pipeline.ledger.accounts import Accounts
from pipeline.ledger.connection import Database, dsn
from pipeline.ledger.migrate import migrate
from pipeline.ledger.port import Conflict
from pipeline.ledger.postgres import PostgresLedger
from tests.ledger.conftest import Books
from tests.ledger.cut import CutAtCommit
from tests.ledger.harness import CURRENCY, FULL_LIFE, LEASE, LIMIT, Bench, at, change, clock, fresh_id, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local

CUTS = ("before", "after", "between")


@pytest.fixture
def line(postgres: local.Database) -> Iterator[CutAtCommit]:
    """A way to the module's database that can be cut."""
    with CutAtCommit(postgres.app_dsn) as made:
        yield made


@pytest.fixture
def cut_off(line: CutAtCommit) -> Iterator[PostgresLedger]:
    """A ledger that works over it."""
    database = Database(line.dsn)
    yield PostgresLedger(database, clock=clock)
    database.close()


@pytest.mark.property(59)
@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("name", FULL_LIFE)
def test_a_change_whose_commit_was_cut_takes_place_once(real: Bench, line: CutAtCommit, cut_off: PostgresLedger,
                                                        how: str, name: str) -> None:
    payment = real.driven(*FULL_LIFE[:FULL_LIFE.index(name)])
    whole = real.driven(*FULL_LIFE[:FULL_LIFE.index(name) + 1])
    line.how = how
    after = cut_off.apply(change(payment, name))
    assert not line.armed
    assert after == real.ledger.payment(payment.payment_id)
    assert after.version == payment.version + 1
    assert [row.kind for row in real.outbox(payment.payment_id)] == [row.kind for row in real.outbox(whole.payment_id)]


@pytest.mark.property(14, 59)
@pytest.mark.parametrize("how", CUTS)
def test_a_payment_whose_opening_was_cut_enters_once(real: Bench, line: CutAtCommit, cut_off: PostgresLedger,
                                                     how: str) -> None:
    line.how = how
    payment = cut_off.open(new_payment(), execution="mine", at=at(), lease_until=at() + LEASE)
    assert not line.armed
    assert (payment.execution, payment) == ("mine", real.ledger.payment(payment.payment_id))
    assert len(real.outbox(payment.payment_id)) == 1


@pytest.mark.property(59)
@pytest.mark.parametrize("how", CUTS)
def test_a_claim_that_was_cut_gives_one_fence(real: Bench, line: CutAtCommit, cut_off: PostgresLedger,
                                              how: str) -> None:
    payment = real.driven(*FULL_LIFE)
    line.how = how
    claimed = cut_off.claim(payment.payment_id, execution="mine", at=at(), lease_until=at() + LEASE, saga="cancel",
                            saga_hash="h2")
    assert not line.armed
    assert claimed is not None
    assert (claimed.fence, claimed.saga_sequence, claimed.saga_hash) == (2, 2, "h2")
    assert claimed == real.ledger.payment(payment.payment_id)


@pytest.mark.property(59)
def test_a_commit_in_doubt_that_another_has_written_over_is_read_again(real: Bench, line: CutAtCommit,
                                                                      cut_off: PostgresLedger) -> None:
    payment = real.opened()
    line.how = "between"

    def take_over() -> None:
        claimed = real.ledger.claim(payment.payment_id, execution="sweep", at=at(900), lease_until=at(990))
        assert claimed is not None

    line.then = take_over
    with pytest.raises(Conflict):
        cut_off.apply(change(payment, "validate"))
    there = real.ledger.payment(payment.payment_id)
    assert there is not None
    assert there.fence == 2


@pytest.mark.property(59)
def test_limits_whose_commit_was_cut_are_set_once(real: Bench, line: CutAtCommit) -> None:
    database, merchant = Database(line.dsn), f"cut-{fresh_id()}"
    for how in CUTS:
        line.how = how
        Accounts(database).onboard(merchant, {CURRENCY: 700, "JPY": 5}, at=at())
        balance = real.books.balance(merchant, CURRENCY)
        assert balance is not None
        assert (balance.limit_minor, balance.available_minor) == (700, 700)
    database.close()


def test_a_connection_that_died_between_calls_is_made_anew(real: Bench, postgres: local.Database) -> None:
    database = Database(postgres.app_dsn, application_name="mortal")
    ledger, payment = PostgresLedger(database, clock=clock), real.opened()
    for name in FULL_LIFE:
        ledger.payment(payment.payment_id)
        with psycopg.connect(postgres.app_dsn, autocommit=True) as other:
            ended = other.execute("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
                                  "WHERE application_name = 'mortal'").fetchall()
        assert ended == [(True,)]
        payment = ledger.apply(change(payment, name))
    assert len(real.outbox(payment.payment_id)) == 18
    database.close()


def test_a_connection_that_slept_is_asked_and_an_old_one_replaced(real: Bench, database: Database,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    payment = real.opened()
    first = database._ready()
    for slept, same in ((1.0, True), (60.0, True), (2_000.0, False)):
        monkeypatch.setattr(database, "_used_at", database._used_at - slept)
        assert real.ledger.payment(payment.payment_id) == payment
        assert (database._ready() is first) is same
    second = database._ready()
    second.pgconn.finish()
    assert real.ledger.payment(payment.payment_id) == payment


def test_a_database_that_cannot_be_reached_is_retryable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = Database(dsn(host="127.0.0.1", port=port, name="x", user="u", password="hidden-secret"))
    with pytest.raises(Retryable, match="cannot be reached") as refused:
        PostgresLedger(database, clock=clock).payment(1)
    assert "hidden-secret" not in str(refused.value)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[local.Postgres, local.Database]]:
    """A server of this module's own, to be killed."""
    from infra.local.postgres import Postgres

    server = Postgres.start(tmp_path_factory.mktemp("mortal") / "postgres")
    database = server.database()
    migrate(database.owner_dsn, database.app_password)
    yield server, database
    server.stop()


def _whole(database: local.Database, payment_id: int) -> tuple[str, list[str]]:
    """The status and the steps of the journals, as the server has them on disk."""
    with psycopg.connect(database.app_dsn) as connection:
        status = connection.execute("SELECT status FROM payments WHERE payment_id = %s", (payment_id,)).fetchone()
        steps = connection.execute("SELECT step FROM journals WHERE payment_id = %s ORDER BY journal_id",
                                   (payment_id,)).fetchall()
        crooked = connection.execute("SELECT 1 FROM ledger_entries GROUP BY journal_id, currency HAVING sum(CASE "
                                     "direction WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0").fetchall()
    assert crooked == []
    return str(status[0]) if status else "", [row[0] for row in steps]


@pytest.mark.property(51, 59, 64)
@pytest.mark.parametrize("how", CUTS)
def test_a_server_killed_at_commit_has_the_posting_once(mortal: tuple[local.Postgres, local.Database],
                                                        how: str) -> None:
    server, place = mortal
    direct, through = Database(place.app_dsn), None
    bench = Bench(PostgresLedger(direct, clock=clock), Books(direct))
    payment = bench.driven(*FULL_LIFE[:5], merchant_id=f"killed-{how}")
    direct.close()
    with CutAtCommit(place.app_dsn) as line:
        through = Database(line.dsn)
        ledger = PostgresLedger(through, clock=clock)
        assert ledger.payment(payment.payment_id) == payment
        up_again = threading.Event()

        def die() -> None:
            server.kill()
            server.restart()
            up_again.set()

        line.how, line.then = how, die
        try:
            ledger.apply(change(payment, "capture"))
        except Retryable:
            assert up_again.wait(30)
            with suppress(Conflict):
                ledger.apply(change(payment, "capture"))
        assert up_again.wait(30)
        through.close()
    assert _whole(place, payment.payment_id) == ("CAPTURED", ["RESERVE", "CAPTURE"])
    after = Database(place.app_dsn)
    balance = Accounts(after).balance(payment.merchant_id, CURRENCY)
    after.close()
    assert balance is not None
    assert balance.available_minor == LIMIT


@pytest.mark.property(51, 64)
def test_a_server_killed_in_the_middle_of_a_transaction_forgets_it_whole(mortal: tuple[local.Postgres, local.Database],
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    server, place = mortal
    database = Database(place.app_dsn)
    bench = Bench(PostgresLedger(database, clock=clock), Books(database))
    payment = bench.driven(*FULL_LIFE[:5], merchant_id="middle")
    kills = iter([True])

    def hold_then_die(*arguments: object) -> None:
        if next(kills, False):
            server.kill()
        original(*arguments)  # type: ignore[arg-type]

    from pipeline.ledger import postgres as module

    original = module._hold
    monkeypatch.setattr(module, "_hold", hold_then_die)
    with pytest.raises(Retryable):
        bench.ledger.apply(change(payment, "capture"))
    server.restart()
    assert _whole(place, payment.payment_id) == ("CAPTURING", ["RESERVE"])
    assert bench.ledger.apply(change(payment, "capture")).status == "CAPTURED"
    assert _whole(place, payment.payment_id) == ("CAPTURED", ["RESERVE", "CAPTURE"])
    database.close()


