"""The two ledgers that one contract suite runs over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pipeline.ledger.accounts import Accounts
from pipeline.ledger.connection import Database
from pipeline.ledger.outbox import Outbox
from pipeline.ledger.postgres import PostgresLedger
from tests.ledger.harness import Bench, clock
from tests.ledger.memory import MemoryLedger

if TYPE_CHECKING:
    from infra.local import postgres as local


class Books(Accounts, Outbox):
    """Limits and outbox of one database."""


@pytest.fixture
def database(postgres: local.Database) -> Iterator[Database]:
    """A connection to the module's database, as the application role."""
    made = Database(postgres.app_dsn)
    yield made
    made.close()


@pytest.fixture
def real(database: Database) -> Bench:
    """The ledger on PostgreSQL."""
    return Bench(PostgresLedger(database, clock=clock), Books(database))


@pytest.fixture(params=("memory", "postgres"))
def bench(request: pytest.FixtureRequest) -> Bench:
    """Either ledger."""
    if request.param == "memory":
        memory = MemoryLedger(clock=clock)
        return Bench(memory, memory)
    found: Bench = request.getfixturevalue("real")
    return found
