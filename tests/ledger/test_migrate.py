"""Migrations apply once, in order, whole, whoever runs them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.errors import Misused
from pipeline.ledger.migrate import Migration, migrate, migrations

if TYPE_CHECKING:
    from infra.local import postgres as local

PASSWORD = "a 'quoted\" password"


@pytest.fixture
def empty(postgres_server: local.Postgres, request: pytest.FixtureRequest) -> Iterator[local.Database]:
    """A database without anything in it, whose application role goes on with its own password."""
    made = postgres_server.database(f"empty_{abs(hash(request.node.name)) % 10**8}")
    yield made
    postgres_server.drop(made)


def _tables(database: local.Database) -> set[str]:
    with psycopg.connect(database.owner_dsn) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                                  "'public'::regnamespace").fetchall()
    return {row[0] for row in rows}


def test_all_apply_once_however_many_migrate_at_once(empty: local.Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(empty.owner_dsn, empty.app_password), range(4)))
    assert sorted(name for names in applied for name in names) == [m.name for m in migrations()]
    assert migrate(empty.owner_dsn, empty.app_password) == []
    assert {"payments", "operations", "journals", "ledger_entries", "balances", "saga_journal", "outbox",
            "gateway_events", "status_transitions", "control_revisions", "control_runs",
            "schema_migrations"} == _tables(empty)


def test_a_changed_or_vanished_or_late_migration_is_refused(empty: local.Database) -> None:
    one, two, *_ = migrations()
    migrate(empty.owner_dsn, empty.app_password)
    changed = [replace(one, text=one.text + "\n"), *migrations()[1:]]
    late = [Migration("0001_before", "SELECT 1"), *migrations()]
    for wanted, word in ((changed, "changed"), (migrations()[1:], "not among"), (late, "comes before")):
        with pytest.raises(Misused, match=word):
            migrate(empty.owner_dsn, empty.app_password, wanted=wanted)
    assert two.checksum != one.checksum


def test_a_migration_that_fails_leaves_nothing(empty: local.Database) -> None:
    good = Migration("0001_good", "CREATE TABLE a (x int); INSERT INTO a VALUES (1)")
    bad = Migration("0002_bad", "CREATE TABLE b (x int); SELECT no_such_function()")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        migrate(empty.owner_dsn, empty.app_password, wanted=[good, bad])
    assert _tables(empty) == {"a", "schema_migrations"}
    mended = Migration("0002_bad", "CREATE TABLE b (x int)")
    wrong = Migration("0003_c", "DROP ROLE nobody_here")
    with pytest.raises(psycopg.errors.UndefinedObject):
        migrate(empty.owner_dsn, empty.app_password, wanted=[good, mended, wrong])
    assert _tables(empty) == {"a", "b", "schema_migrations"}


def test_the_password_works_and_is_in_no_log(postgres_server: local.Postgres, empty: local.Database) -> None:
    postgres_server.log_statements("all")
    try:
        migrate(empty.owner_dsn, PASSWORD)
        with psycopg.connect(replace(empty, app_password=PASSWORD).app_dsn) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("payments_app",)
    finally:
        migrate(empty.owner_dsn, empty.app_password)
        postgres_server.log_statements("none")
    log = (postgres_server.folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
    assert "ALTER ROLE" in log
    assert "quoted" not in log
    assert empty.app_password not in log


def test_names_say_their_order() -> None:
    names = [migration.name for migration in migrations()]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
