"""What the database itself refuses, asked by hand as the application role and as the owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import errors

from pipeline.ledger.postings import hold
from pipeline.ledger.statuses import TRANSITIONS, Status
from pipeline.schemas.ulid import UlidFactory
from tests.ledger.harness import CURRENCY, FULL_LIFE, Bench, at, new_payment

if TYPE_CHECKING:
    from infra.local import postgres as local

Hand = psycopg.Connection[tuple[Any, ...]]
IDS = UlidFactory()
BY_NAME = "payment_id, merchant_id, step, sequence, entry_count, event_at, recorded_at"
REFUSED = (errors.CheckViolation, errors.InsufficientPrivilege, errors.ForeignKeyViolation, errors.UniqueViolation)


@pytest.fixture
def hand(postgres: local.Database) -> Iterator[Hand]:
    """A session of the application role."""
    with psycopg.connect(postgres.app_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(postgres: local.Database) -> Iterator[Hand]:
    """A session of the tables' owner."""
    with psycopg.connect(postgres.owner_dsn, autocommit=True) as connection:
        yield connection


def _journal(hand: Hand, payment_id: int, entries: int, step: str = "BY_HAND") -> str:
    journal_id = IDS.new(at())
    hand.execute(f"INSERT INTO journals (journal_id, {BY_NAME}) VALUES (%s, %s, 'm', %s, 1, %s, %s, %s)",
                 (journal_id, payment_id, step, entries, at(), at()))
    return journal_id


def _entry(hand: Hand, journal_id: str, line: int, entries: int, side: str, amount: int, currency: str = "EUR") -> None:
    hand.execute("INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, direction, "
                 "amount_minor, currency) VALUES (%s, %s, %s, %s, 'platform_fee', %s, %s, %s)",
                 (IDS.new(at()), journal_id, line, entries, side, amount, currency))


def _post(hand: Hand, payment_id: int, *lines: tuple[str, int, str], declared: int | None = None,
          check_after: int = 0) -> str:
    """A journal by hand in one transaction; its constraints are checked early once `check_after` lines are written."""
    entries = len(lines) if declared is None else declared
    with hand.transaction():
        journal_id = _journal(hand, payment_id, entries)
        for number, (side, amount, currency) in enumerate(lines, 1):
            _entry(hand, journal_id, number, entries, side, amount, currency)
            if number == check_after:
                hand.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return journal_id


def _append(hand: Hand, journal_id: str, first: int, declared: int) -> None:
    """A balanced pair more, in a transaction of its own."""
    with hand.transaction():
        _entry(hand, journal_id, first, declared, "D", 5)
        _entry(hand, journal_id, first + 1, declared, "C", 5)


def _count(hand: Hand, payment_id: int) -> int:
    row = hand.execute("SELECT count(*) FROM journals WHERE payment_id = %s AND step = 'BY_HAND'",
                       (payment_id,)).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.property(56)
def test_the_databases_transitions_are_the_codes(hand: Hand) -> None:
    there = set(hand.execute("SELECT from_status, to_status FROM status_transitions").fetchall())
    assert there == {(old.value, new.value) for old, allowed in TRANSITIONS.items() for new in allowed}
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.property(56)
@pytest.mark.parametrize(("names", "wrong"), [
    ((), "CAPTURED"), ((), "RESERVED"), (("reject",), "VALIDATED"), (("validate",), "AUTHORIZED"),
    (("validate", "reserve", "voiding", "void"), "CAPTURED"), (FULL_LIFE, "VOIDING"), (FULL_LIFE, "RECEIVED"),
    (FULL_LIFE, "NONSENSE"), (FULL_LIFE, "COMMITTED")])
def test_an_illegal_transition_is_refused(real: Bench, hand: Hand, names: tuple[str, ...], wrong: str) -> None:
    payment = real.driven(*names)
    with pytest.raises(errors.CheckViolation, match="cannot go from"):
        hand.execute("UPDATE payments SET status = %s, version = version + 1 WHERE payment_id = %s",
                     (wrong, payment.payment_id))
    assert real.ledger.payment(payment.payment_id) == payment


@pytest.mark.property(55, 56)
@pytest.mark.parametrize("setting", [
    "status = 'VALIDATED'", "version = version + 1", "status = 'VALIDATED', version = version + 2",
    "status = 'VALIDATED', version = version - 1", "fence = fence - 1", "execution = NULL", "captured_minor = -1",
    "saga = 'dance'", "fraud_score = 1001", "authorized_minor = 0"])
def test_version_fence_and_lease_move_by_the_rules(real: Bench, hand: Hand, setting: str) -> None:
    payment = real.opened()
    with pytest.raises(errors.CheckViolation):
        hand.execute(f"UPDATE payments SET {setting} WHERE payment_id = {payment.payment_id}".encode())
    assert real.ledger.payment(payment.payment_id) == payment


@pytest.mark.parametrize(("column", "value"), [("status", "CAPTURED"), ("version", 2), ("fence", 7)])
def test_a_payment_begins_at_the_beginning(hand: Hand, column: str, value: object) -> None:
    row: dict[str, object] = {
        "payment_id": new_payment().payment_id, "merchant_id": "m", "amount_minor": 1, "currency": "EUR",
        "status": "RECEIVED", "version": 1, "fence": 1, "gateway": "stripe", "gateway_account": "a",
        "capture_mode": "manual", "method_token": "t", "idempotency_hash": "h", "trace_id": "t", "metadata": "{}",
        "saga": "pay", "saga_hash": "h", "saga_sequence": 1, "captured_minor": 0, "refunded_minor": 0, "event_seq": 0,
        "last_change": "", "created_at": at(), "updated_at": at()}
    row[column] = value
    with pytest.raises(errors.CheckViolation):
        hand.execute(f"INSERT INTO payments ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})".encode(),
                     list(row.values()))


@pytest.mark.property(53)
@pytest.mark.parametrize("table", ["journals", "ledger_entries"])
def test_journals_and_entries_are_never_changed(hand: Hand, owner: Hand, table: str) -> None:
    for statement in (f"UPDATE {table} SET journal_id = journal_id", f"DELETE FROM {table}",
                      f"DELETE FROM {table} WHERE false", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            hand.execute(statement.encode())
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement.encode())


@pytest.mark.property(52)
@pytest.mark.parametrize("entries", [
    [("D", 5, "EUR"), ("C", 4, "EUR")], [("D", 5, "EUR"), ("D", 5, "EUR")], [("D", 5, "EUR"), ("C", 5, "USD")],
    [("D", 5, "EUR"), ("C", 4, "EUR"), ("C", 1, "USD")]])
def test_an_unbalanced_journal_does_not_commit(real: Bench, hand: Hand, entries: list[tuple[str, int, str]]) -> None:
    payment = real.opened()
    with pytest.raises(errors.CheckViolation, match="debits and credits"):
        _post(hand, payment.payment_id, *entries)
    assert _count(hand, payment.payment_id) == 0


@pytest.mark.property(52, 60)
def test_a_balanced_journal_of_two_currencies_commits(real: Bench, hand: Hand) -> None:
    payment = real.opened()
    _post(hand, payment.payment_id, ("D", 5, "JPY"), ("C", 5, "JPY"), ("D", 7, "KWD"), ("C", 7, "KWD"))
    assert _count(hand, payment.payment_id) == 1


@pytest.mark.property(52)
@pytest.mark.parametrize(("declared", "written"), [(3, 2), (2, 0), (4, 2)])
def test_a_journal_that_lacks_entries_does_not_commit(real: Bench, hand: Hand, declared: int, written: int) -> None:
    payment = real.opened()
    pair = [("D", 5, "EUR"), ("C", 5, "EUR")][:written]
    with pytest.raises(errors.CheckViolation, match="entries"):
        _post(hand, payment.payment_id, *pair, declared=declared)
    assert _count(hand, payment.payment_id) == 0


@pytest.mark.property(52)
def test_a_committed_journal_takes_no_more_entries(real: Bench, hand: Hand) -> None:
    payment = real.opened()
    journal_id = _post(hand, payment.payment_id, ("D", 5, "EUR"), ("C", 5, "EUR"))
    for line, entries in ((3, 2), (3, 4), (1, 2)):
        with pytest.raises(REFUSED):
            _append(hand, journal_id, line, entries)


@pytest.mark.property(52)
def test_checking_early_opens_no_way_to_add_afterwards(real: Bench, hand: Hand) -> None:
    payment = real.opened()
    with pytest.raises(REFUSED):
        _post(hand, payment.payment_id, ("D", 5, "EUR"), ("C", 5, "EUR"), ("D", 5, "EUR"), declared=2, check_after=2)
    assert _count(hand, payment.payment_id) == 0


@pytest.mark.property(52)
def test_the_writing_transaction_cannot_be_forged(real: Bench, hand: Hand) -> None:
    payment = real.opened()
    with pytest.raises(errors.InsufficientPrivilege):
        hand.execute(f"INSERT INTO journals (journal_id, {BY_NAME}, created_xid) VALUES (%s, %s, 'm', 'S', 1, 2, %s, "
                     "%s, '5')", (IDS.new(at()), payment.payment_id, at(), at()))
    with pytest.raises(errors.InsufficientPrivilege):
        hand.execute("INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, direction, "
                     "amount_minor, currency, created_xid) VALUES (%s, %s, 1, 2, 'a', 'D', 1, 'EUR', '5')",
                     (IDS.new(at()), IDS.new(at())))


@pytest.mark.property(60)
@pytest.mark.parametrize(("side", "amount", "currency"), [("D", 0, "EUR"), ("D", -5, "EUR"), ("X", 5, "EUR"),
                                                          ("D", 5, "euro")])
def test_an_entry_is_a_positive_amount_of_a_currency_on_a_side(real: Bench, hand: Hand, side: str, amount: int,
                                                               currency: str) -> None:
    payment = real.opened()
    with pytest.raises(errors.CheckViolation):
        _post(hand, payment.payment_id, (side, amount, currency), ("C", 5, "EUR"))


@pytest.mark.property(57)
def test_what_may_be_held_stays_between_nothing_and_the_limit(real: Bench, hand: Hand) -> None:
    payment = real.driven("validate", "reserve")
    for setting in ("available_minor = -1", "available_minor = limit_minor + 1", "limit_minor = -1"):
        with pytest.raises(errors.CheckViolation):
            hand.execute(f"UPDATE balances SET {setting} WHERE account = %s AND currency = %s".encode(),
                         (hold(payment.merchant_id), CURRENCY))


@pytest.mark.parametrize("statement", [
    "CREATE TABLE mine (a int)", "CREATE TEMPORARY TABLE mine (a int)", "DROP TABLE outbox", "DELETE FROM payments",
    "TRUNCATE payments CASCADE", "DELETE FROM saga_journal", "DELETE FROM operations", "DELETE FROM gateway_events",
    "DELETE FROM balances", "INSERT INTO status_transitions VALUES ('VOIDED', 'CAPTURED')",
    "DELETE FROM schema_migrations", "SELECT * FROM schema_migrations", "UPDATE payments SET amount_minor = 1",
    "UPDATE payments SET merchant_id = 'x'", "UPDATE payments SET payment_id = 1", "UPDATE outbox SET body = ''",
    "UPDATE operations SET gateway_key = 'x'", "ALTER TABLE journals DISABLE TRIGGER ALL",
    "SET session_replication_role = replica", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"])
def test_the_application_role_has_no_more_rights_than_it_needs(hand: Hand, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        hand.execute(statement.encode())


@pytest.mark.property(63)
def test_the_role_brings_its_own_limits(hand: Hand) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
    settings = [row[0] for name in names for row in hand.execute(f"SHOW {name}".encode()).fetchall()]
    assert settings == ["5s", "3s", "5s", "UTC"]


@pytest.mark.parametrize("wrong", ["8" + "0" * 25, "0" * 25 + "U", "x"])
def test_labels_are_ulids(real: Bench, hand: Hand, wrong: str) -> None:
    payment = real.opened()
    with pytest.raises(errors.CheckViolation):
        hand.execute("INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at) VALUES (%s, %s, "
                     "'payment_state', '{}', %s)", (wrong, payment.payment_id, at()))
