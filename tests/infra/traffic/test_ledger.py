"""The questions asked of the real database: of a ledger that is right, and of one that was tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from infra.local.errors import LocalRefused
from infra.local.postgres import Database as Place
from infra.local.traffic import ledger
from infra.local.traffic.checks import ledger_balanced, nothing_open
from pipeline.ledger.accounts import Accounts
from pipeline.ledger.connection import Database
from pipeline.ledger.port import Change, NewPayment, Operation, Posting
from pipeline.ledger.postgres import PostgresLedger
from pipeline.ledger.statuses import Status

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST = 5_000


@pytest.fixture(scope="module")
def place(postgres: Place) -> Iterator[Place]:
    """A merchant with one payment captured and one reserved, its lease long over."""
    database = Database(postgres.app_dsn)
    Accounts(database).onboard("merchant_a", {"EUR": 100_000}, at=AT)
    held = PostgresLedger(database, clock=lambda: AT)
    for number in (FIRST, FIRST + 1):
        payment = held.open(NewPayment(number, "merchant_a", 1234, "EUR", "adyen", "Shop", "automatic", "pm_card_visa",
                                       f"{number}", "trace", f"run-{number}"), execution="e", at=AT,
                            lease_until=AT + timedelta(seconds=90))
        steps: list[tuple[Status, tuple[Posting, ...], tuple[Operation, ...]]] = [
            (Status.VALIDATED, (), ()), (Status.RESERVED, (Posting("RESERVE", 1, 1234),), ())]
        if number == FIRST:
            pending = Operation(number, "authorize", 1, 1234, "succeeded", str(number), "PSP", first_sent_at=AT)
            captured = Operation(number, "capture", 1, 1234, "succeeded", f"{number}:capture", "CAP", first_sent_at=AT)
            steps += [(Status.AUTHORIZING, (), (pending,)), (Status.AUTHORIZED, (), ()),
                      (Status.CAPTURING, (), ()), (Status.CAPTURED, (Posting("CAPTURE", 1, 1234, "CAP"),), (captured,)),
                      (Status.COMMITTED, (Posting("COMMIT", 1, 1234, fee_minor=12),), ())]
        for status, postings, operations in steps:
            payment = held.apply(Change(number, payment.fence, payment.version, AT, status, postings=postings,
                                        operations=operations, release_lease=status is Status.COMMITTED))
    yield postgres
    database.close()


def test_every_question_is_answered(place: Place) -> None:
    found = ledger.read(place.owner_dsn)
    assert {item.name for item in fields(ledger.Ledger)} == set(ledger.QUESTIONS)
    assert [(row["payment_id"], row["status"], row["leased"], row["takeovers"]) for row in found.payments] == [
        (FIRST, "COMMITTED", False, 0), (FIRST + 1, "RESERVED", True, 0)]
    assert [(row["kind"], row["gateway_key"]) for row in found.operations] == [
        ("authorize", str(FIRST)), ("capture", f"{FIRST}:capture")]
    assert [(row["step"], row["amount_minor"], row["direction"], row["operation_ref"]) for row in found.movements] == [
        ("CAPTURE", 1234, "D", "CAP")]
    assert [(row["payment_id"], row["held_minor"]) for row in found.open_holds] == [(FIRST + 1, 1234)]
    assert [(row["stored_minor"], row["rebuilt_minor"]) for row in found.balances] == [(1234, 1234)]
    assert ledger_balanced(found).holds
    assert [fault.where for fault in nothing_open(found).faults] == [str(FIRST + 1)]


def test_unfinished_payments_are_listed_with_what_is_left_of_their_lease(place: Place) -> None:
    rows = ledger.unfinished(place.owner_dsn, datetime.now(UTC))
    assert [(row["payment_id"], row["status"], row["lease_s"]) for row in rows] == [(FIRST + 1, "RESERVED", 0.0)]


def test_tampering_is_found(place: Place) -> None:
    with psycopg.connect(place.owner_dsn) as connection:
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        connection.execute("UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE account = 'platform_fee'")
        connection.execute("DELETE FROM ledger_entries WHERE account = 'authorization_hold:merchant_a' AND journal_id "
                           "IN (SELECT journal_id FROM journals WHERE payment_id = %s)", (FIRST + 1,))
        connection.commit()
    whys = [f"{fault.where} {fault.why}" for fault in ledger_balanced(ledger.read(place.owner_dsn)).faults]
    assert any("is off by -1 EUR" in why for why in whys)
    assert any("has 1 of 2 entries" in why for why in whys)
    assert any(why.startswith("EUR debits") for why in whys)
    assert "authorization_hold:merchant_a EUR stored 1234, by its entries 0" in whys


def test_a_database_that_is_gone_is_refused_without_its_password(place: Place) -> None:
    gone = place.owner_dsn.replace(f"port={place.port}", "port=9")
    with pytest.raises(LocalRefused, match="does not answer") as refused:
        ledger.read(gone)
    assert place.owner_password not in str(refused.value)
