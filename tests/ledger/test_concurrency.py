"""Many writers at once on one database: one wins, the others are told, nothing is held twice, nobody waits forever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.errors import Retryable, Superseded
from pipeline.ledger.connection import Database
from pipeline.ledger.outbox import Outbox
from pipeline.ledger.port import Conflict, LimitReached, Payment
from pipeline.ledger.postgres import PostgresLedger
from pipeline.ledger.postings import hold
from tests.ledger.harness import CURRENCY, FULL_LIFE, LEASE, Bench, at, change, clock, fresh_id, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local

WRITERS = 8
Work = Callable[[PostgresLedger, int], object]


@pytest.fixture
def together(postgres: local.Database) -> Iterator[Callable[[Work], list[object]]]:
    """Runs work on as many ledgers as there are writers, each with a connection of its own, all let go at once."""
    with ExitStack() as stack, ThreadPoolExecutor(WRITERS) as pool:
        databases = [Database(postgres.app_dsn) for _ in range(WRITERS)]
        for database in databases:
            database.read("outbox_lag", {})
            stack.callback(database.close)

        def run(work: Work) -> list[object]:
            start = threading.Barrier(WRITERS)

            def one(number: int) -> object:
                ledger = PostgresLedger(databases[number], clock=clock)
                start.wait()
                try:
                    return work(ledger, number)
                except (Conflict, Superseded, LimitReached, Retryable) as refused:
                    return type(refused).__name__

            return list(pool.map(one, range(WRITERS)))

        yield run


@contextmanager
def _session(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn) as connection:
        yield connection
        connection.rollback()


@pytest.mark.property(55)
def test_of_many_transitions_from_one_version_one_takes_place(real: Bench, together: Callable[[Work], list[object]],
                                                              ) -> None:
    names = ("validate", "reject")
    for _ in range(5):
        payment = real.opened()
        ends = together(lambda ledger, number, payment=payment: ledger.apply(  # type: ignore[misc]
            change(payment, names[number % 2])).version)
        assert Counter(ends) == {2: 1, "Conflict": WRITERS - 1}
        assert len(real.outbox(payment.payment_id)) in (2, 3)


@pytest.mark.property(2, 16)
def test_of_many_twins_of_a_payment_one_enters(real: Bench, together: Callable[[Work], list[object]]) -> None:
    for number in range(5):
        same = fresh_id() if number % 2 else None
        merchant, hashed = f"twins-{number}", f"twin-hash-{number}"
        found = together(lambda ledger, writer, same=same, merchant=merchant, hashed=hashed: ledger.open(  # type: ignore[misc]
            new_payment(same, merchant, idempotency_hash=hashed), execution=f"e{writer}", at=at(),
            lease_until=at() + LEASE))
        payments = {payment.payment_id: payment for payment in found if isinstance(payment, Payment)}
        assert len(payments) == 1
        assert len({payment.execution for payment in found if isinstance(payment, Payment)}) == 1
        assert len(real.outbox(next(iter(payments)))) == 1


@pytest.mark.property(38)
def test_of_many_claims_one_gets_the_payment(real: Bench, together: Callable[[Work], list[object]]) -> None:
    late = at() + LEASE
    for _ in range(5):
        payment = real.opened()
        found = together(lambda ledger, number, payment=payment: ledger.claim(  # type: ignore[misc]
            payment.payment_id, execution=f"sweep-{number}", at=late, lease_until=late + LEASE))
        winners = [one for one in found if isinstance(one, Payment)]
        assert [winner.fence for winner in winners] == [2]
        with pytest.raises(Superseded):
            real.ledger.apply(change(payment, "validate"))


@pytest.mark.property(57)
def test_more_is_never_held_than_the_limit(real: Bench, together: Callable[[Work], list[object]]) -> None:
    merchant = "narrow"
    real.books.onboard(merchant, {CURRENCY: 1_000}, at=at())
    payments = [real.driven("validate", merchant_id=merchant, amount_minor=300) for _ in range(WRITERS)]
    ends = together(lambda ledger, number: ledger.apply(change(payments[number], "reserve")).status.value)
    assert Counter(ends) == {"RESERVED": 3, "LimitReached": WRITERS - 3}
    balance = real.books.balance(merchant, CURRENCY)
    held = sum(real.ledger.open_hold_minor(payment.payment_id) for payment in payments)
    assert balance is not None
    assert (held, balance.available_minor) == (900, 100)


@pytest.mark.property(51, 57, 61)
def test_whole_lives_side_by_side_on_one_merchant_end_well(real: Bench, together: Callable[[Work], list[object]],
                                                           ) -> None:
    merchant = "busy"
    real.books.onboard(merchant, {CURRENCY: 10**9}, at=at())

    def live(ledger: PostgresLedger, number: int) -> object:
        bench = Bench(ledger, real.books)
        for round_number in range(3):
            names = FULL_LIFE if (number + round_number) % 2 else ("validate", "reserve", "voiding", "void")
            bench.driven(*names, merchant_id=merchant, amount_minor=100 + number)
        return "lived"

    assert together(live) == ["lived"] * WRITERS
    balance = real.books.balance(merchant, CURRENCY)
    assert balance is not None
    assert balance.available_minor == balance.limit_minor


def test_no_payment_waits_for_another_merchants(real: Bench, postgres: local.Database) -> None:
    one, two = (real.driven("validate", merchant_id=name) for name in ("left", "right"))
    with _session(postgres.app_dsn) as blocking:
        blocking.execute("SELECT * FROM payments WHERE payment_id = %s FOR UPDATE", (one.payment_id,))
        blocking.execute("SELECT * FROM balances WHERE account = %s FOR UPDATE", (hold("left"),))
        for name in FULL_LIFE[1:]:
            two = real.ledger.apply(change(two, name))
        assert two.status == "COMMITTED"


def test_who_waits_too_long_is_told_to_come_again(real: Bench, postgres: local.Database) -> None:
    payment = real.opened()
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as owner:
        owner.execute(f'ALTER ROLE payments_app IN DATABASE "{postgres.name}" SET lock_timeout = \'50ms\''.encode())
        impatient = Database(postgres.app_dsn)
        with _session(postgres.app_dsn) as blocking:
            blocking.execute("SELECT * FROM payments WHERE payment_id = %s FOR UPDATE", (payment.payment_id,))
            with pytest.raises(Retryable, match="busy"):
                PostgresLedger(impatient, clock=clock).apply(change(payment, "validate"))
        impatient.close()
        owner.execute(f'ALTER ROLE payments_app IN DATABASE "{postgres.name}" SET lock_timeout = \'3s\''.encode())
    assert real.ledger.apply(change(payment, "validate")).version == 2


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_what_the_database_asks_to_try_again_is_tried_again(database: Database, sqlstate: str) -> None:
    tries = []

    def work(connection: psycopg.Connection[dict[str, object]]) -> int:
        tries.append(1)
        if len(tries) < 3:
            connection.execute(f"DO $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = '{sqlstate}'; END $$".encode())
        return len(tries)

    assert database.transact(work) == 3
    with pytest.raises(Retryable, match="colliding"):
        database.transact(lambda connection: connection.execute(
            f"DO $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = '{sqlstate}'; END $$".encode()))


@pytest.mark.property(67)
def test_relays_side_by_side_share_the_outbox_without_loss(real: Bench, postgres: local.Database) -> None:
    payments = [real.driven("validate", "reserve") for _ in range(6)]
    wanted = {row.outbox_id for payment in payments for row in real.outbox(payment.payment_id)}

    def relay(number: int) -> list[str]:
        database = Database(postgres.app_dsn)
        outbox, taken = Outbox(database), []
        while rows := outbox.take(at=at(2), taken_until=at(60), limit=3):
            taken += [row.outbox_id for row in rows]
            assert [row.outbox_id for row in rows] == sorted(row.outbox_id for row in rows)
            if number % 2:
                outbox.delivered([row.outbox_id for row in rows])
        database.close()
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [outbox_id for ids in pool.map(relay, range(4)) for outbox_id in ids]
    assert len(taken) == len(set(taken))
    assert wanted <= set(taken)


@pytest.mark.property(67)
def test_rows_of_a_relay_that_died_are_lent_again(real: Bench) -> None:
    payment = real.driven("validate", "reserve")
    first = real.books.outbox_of(payment.payment_id, at=at(), taken_until=at(30))
    assert real.books.outbox_of(payment.payment_id, at=at(29), taken_until=at(60)) == []
    assert real.books.outbox_of(payment.payment_id, at=at(30), taken_until=at(60)) == first
    real.books.give_back([first[0].outbox_id], taken_until=at(30))
    assert real.books.outbox_of(payment.payment_id, at=at(31), taken_until=at(90)) == []
    real.books.give_back([first[0].outbox_id], taken_until=at(60))
    assert real.books.outbox_of(payment.payment_id, at=at(31), taken_until=at(90)) == first[:1]
    real.books.delivered([row.outbox_id for row in first[1:]])
    real.books.delivered([])
    assert real.books.outbox_of(payment.payment_id, at=at(999), taken_until=at(1_000)) == first[:1]


@pytest.mark.property(66)
def test_a_change_that_is_refused_tells_nothing(real: Bench) -> None:
    payment = real.driven("validate", merchant_id="poor", amount_minor=10**9)
    before = real.outbox(payment.payment_id)
    with pytest.raises(LimitReached):
        real.ledger.apply(change(payment, "reserve"))
    assert real.outbox(payment.payment_id) == before
