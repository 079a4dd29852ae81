"""Whatever is asked in whatever order: the books balance, and the ledger in memory says the same as the database."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from pipeline.errors import PipelineError
from pipeline.ledger.port import (
    Conflict,
    DuplicateEvent,
    DuplicatePosting,
    GatewayEvent,
    LimitReached,
    Payment,
    Tombstoned,
)
from pipeline.ledger.statuses import TRANSITIONS
from tests.ledger.harness import CURRENCY, FULL_LIFE, LEASE, Bench, at, change, clock, fresh_id, new_payment, step
from tests.ledger.memory import MemoryLedger

if TYPE_CHECKING:
    from infra.local import postgres as local

REFUSALS = (PipelineError, Conflict, DuplicateEvent, DuplicatePosting, LimitReached, Tombstoned)
NAMES = (*FULL_LIFE, "reject", "doubt", "decline", "voiding", "void", "reverse_capture", "refund", "charge_back",
         "webhook")
MOVES = st.tuples(st.integers(0, 2), st.one_of(st.none(), st.sampled_from(NAMES)), st.integers(0, 6_000),
                  st.integers(1, 3), st.sampled_from(("plain", "plain", "plain", "undo", "claim", "old fence")))
"""(which payment, which change or None for the next of a whole life, amount or 0 for all, sequence, how)."""
_merchants = itertools.count(1)


def attempt(bench: Bench, payment_id: int, name: str | None, amount: int, sequence: int, how: str) -> object:
    """What the move comes to: the payment after it, or the name of the refusal."""
    payment = bench.ledger.payment(payment_id)
    assert payment is not None
    try:
        if how == "claim":
            return bench.ledger.claim(payment_id, execution=f"e{sequence}", at=at(sequence * 100),
                                      lease_until=at(sequence * 100 + 90))
        name = name or FULL_LIFE[min(payment.version, len(FULL_LIFE)) - 1]
        more: dict[str, Any] = {"begins": [step(payment, "capture", "intended", "undo")]} if how == "undo" else {}
        if name == "webhook":
            more["gateway_event"] = GatewayEvent("stripe", f"{payment_id}-{sequence}", "any")
        made = change(payment, name, amount=amount or None, fee=amount % 97, sequence=sequence, **more)
        if how == "old fence":
            made = change(Payment(**{f: getattr(payment, f) for f in payment.__slots__} | {"fence": payment.fence - 1}),
                          name, amount=amount or None)
        return bench.ledger.apply(made)
    except REFUSALS as refused:
        return type(refused).__name__


def books(connection: psycopg.Connection[dict[str, Any]], payment_ids: list[int]) -> list[tuple[Any, ...]]:
    """(payment, step, sequence, account, direction, amount) of every entry of the payments."""
    rows = connection.execute(
        "SELECT j.payment_id, j.step, j.sequence, e.account, e.direction, e.amount_minor FROM journals AS j "
        "JOIN ledger_entries AS e USING (journal_id) WHERE j.payment_id = ANY (%s) "
        "ORDER BY j.payment_id, j.step, j.sequence, e.line_no", (payment_ids,)).fetchall()
    return [tuple(row.values()) for row in rows]


@pytest.mark.property(51, 54, 57, 61)
@settings(suppress_health_check=[*HealthCheck])
@given(moves=st.lists(MOVES, max_size=25))
def test_both_ledgers_say_the_same_and_balance_whatever_is_asked(real: Bench, postgres: local.Database,
                                                                 moves: list[tuple[int, str | None, int, int, str]],
                                                                 ) -> None:
    memory = MemoryLedger(clock=clock)
    twin = Bench(memory, memory)
    merchant, limit = f"law-{next(_merchants)}", 6_000
    payment_ids = [fresh_id() for _ in range(3)]
    for bench in (real, twin):
        bench.books.onboard(merchant, {CURRENCY: limit}, at=at())
        for payment_id in payment_ids:
            bench.ledger.open(new_payment(payment_id, merchant), execution="e0", at=at(), lease_until=at() + LEASE)
    for which, name, amount, sequence, how in moves:
        said = [attempt(bench, payment_ids[which], name, amount, sequence, how) for bench in (real, twin)]
        assert said[0] == said[1]
    with psycopg.connect(postgres.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
        written = books(connection, payment_ids)
    for payment_id in payment_ids:
        assert real.ledger.payment(payment_id) == twin.ledger.payment(payment_id)
        assert real.ledger.journal(payment_id) == twin.ledger.journal(payment_id)
        assert real.ledger.open_hold_minor(payment_id) == twin.ledger.open_hold_minor(payment_id)
        assert told(real, payment_id) == told(twin, payment_id)
    check_books(real, merchant, limit, payment_ids, written)
    assert real.books.balance(merchant, CURRENCY) == twin.books.balance(merchant, CURRENCY)


def told(bench: Bench, payment_id: int) -> list[tuple[str, dict[str, Any]]]:
    """The outbox of a payment without the labels."""
    labels = ("entry_id", "journal_id", "event_id")
    return [(row.kind, {name: value for name, value in json.loads(row.body).items() if name not in labels})
            for row in bench.outbox(payment_id)]


def check_books(bench: Bench, merchant: str, limit: int, payment_ids: list[int],
                written: list[tuple[Any, ...]]) -> None:
    """Everything balances, balances follow from entries, and what is told is what is written."""
    journals: Counter[tuple[Any, ...]] = Counter()
    accounts: dict[str, int] = defaultdict(int)
    for payment_id, name, sequence, account, direction, amount in written:
        signed = amount if direction == "D" else -amount
        journals[payment_id, name, sequence] += signed
        accounts[account] += signed
    assert set(journals.values()) <= {0}
    assert sum(accounts.values()) == 0
    balance = bench.books.balance(merchant, CURRENCY)
    assert balance is not None
    assert balance.available_minor == limit - accounts[f"authorization_hold:{merchant}"] >= 0
    for payment_id in payment_ids:
        payment = bench.ledger.payment(payment_id)
        assert payment is not None
        lines = [(kind, body) for kind, body in told(bench, payment_id)]
        states = [body for kind, body in lines if kind == "payment_state"]
        assert [body["version"] for body in states] == list(range(1, payment.version + 1))
        assert states[-1]["status"] == payment.status
        assert all(after["status"] in TRANSITIONS[before["status"]] for before, after in itertools.pairwise(states))
        entries = [body for kind, body in lines if kind == "ledger_entry"]
        assert Counter((b["step"], b["account"], b["direction"], b["amount_minor"]) for b in entries) == Counter(
            (row[1], *row[3:]) for row in written if row[0] == payment_id)
        assert ("CAPTURED" in {body["status"] for body in states}) == ("CAPTURE" in {b["step"] for b in entries})


@pytest.mark.property(51, 61)
def test_the_whole_database_balances(real: Bench, postgres: local.Database) -> None:
    real.driven(*FULL_LIFE, merchant_id="whole")
    with psycopg.connect(postgres.owner_dsn) as connection:
        crooked = connection.execute(
            "SELECT journal_id, currency FROM ledger_entries GROUP BY 1, 2 HAVING sum(CASE direction WHEN 'D' THEN "
            "amount_minor ELSE -amount_minor END) <> 0").fetchall()
        wrong = connection.execute(
            "SELECT b.account FROM balances AS b LEFT JOIN LATERAL (SELECT sum(CASE direction WHEN 'D' THEN "
            "amount_minor ELSE -amount_minor END) AS held FROM ledger_entries AS e WHERE e.account = b.account "
            "AND e.currency = b.currency) AS h ON true "
            "WHERE b.limit_minor - b.available_minor <> coalesce(h.held, 0)").fetchall()
    assert (crooked, wrong) == ([], [])


@pytest.mark.property(54)
def test_no_observer_sees_a_status_without_its_entries(real: Bench, postgres: local.Database) -> None:
    payment = real.driven(*FULL_LIFE[:5])
    seen = set()
    with psycopg.connect(postgres.app_dsn, autocommit=True) as watching:
        def look() -> None:
            row = watching.execute(
                "SELECT p.status, (SELECT count(*) FROM journals AS j WHERE j.payment_id = p.payment_id AND "
                "j.step = 'CAPTURE') FROM payments AS p WHERE p.payment_id = %s", (payment.payment_id,)).fetchone()
            assert row is not None
            seen.add(tuple(row))

        class Watched(type(real.ledger)):  # type: ignore[misc]
            """Looks between any two statements of the transaction."""

            def _write(self, connection: Any, *rest: Any) -> Payment:
                class Looking:
                    def execute(self, *query: Any) -> Any:
                        look()
                        done = connection.execute(*query)
                        look()
                        return done
                written: Payment = super()._write(Looking(), *rest)
                return written

        real.ledger.__class__ = Watched
        real.ledger.apply(change(payment, "capture"))
        look()
    assert seen == {("CAPTURING", 0), ("CAPTURED", 1)}
