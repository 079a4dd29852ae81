"""A ledger of each test's own, since what is said counts all of a database, and the writer of its control totals."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.ledger.connection import Database
from pipeline.ledger.control import LedgerControl
from tests.ledger.control.book import Hand
from tests.ledger.harness import Bench

if TYPE_CHECKING:
    from infra.local import postgres as local


@pytest.fixture
def own(postgres_server: local.Postgres, request: pytest.FixtureRequest) -> Iterator[local.Database]:
    """A migrated database of the test's own."""
    from pipeline.ledger.migrate import migrate

    made = postgres_server.database(f"control_{zlib.crc32(request.node.nodeid.encode()):08x}")
    migrate(made.owner_dsn, made.app_password)
    yield made
    postgres_server.drop(made)


@pytest.fixture
def database(own: local.Database) -> Iterator[Database]:
    """A connection to it as the application role."""
    made = Database(own.app_dsn)
    yield made
    made.close()


@pytest.fixture
def writer(database: Database) -> LedgerControl:
    """The writer, which waits for half a second: the server's own housekeeping may be open for a moment."""
    return LedgerControl(database, sleep=lambda _: time.sleep(0.005))


@pytest.fixture
def hand(own: local.Database) -> Iterator[Hand]:
    """A session of the application role."""
    with psycopg.connect(own.app_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def payment_id(real: Bench) -> int:
    """A payment to post journals to."""
    return real.opened().payment_id
