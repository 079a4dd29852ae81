"""The ledger as PostgreSQL holds it, read as its owner: the questions of sql/, each a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row

from infra.local.errors import LocalRefused

Row = dict[str, Any]
CONNECT_S = 5
QUESTIONS = ("payments", "operations", "movements", "unbalanced", "incomplete", "trial_balance", "balances",
             "open_holds")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The answers to all questions at one moment; rows as the SQL files name their columns."""

    payments: list[Row]
    operations: list[Row]
    movements: list[Row]
    unbalanced: list[Row]
    incomplete: list[Row]
    trial_balance: list[Row]
    balances: list[Row]
    open_holds: list[Row]


def read(dsn: str) -> Ledger:
    """The whole ledger in one snapshot. Raises LocalRefused where PostgreSQL cannot be asked."""
    with _connected(dsn) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Ledger(**{name: _rows(connection, name) for name in QUESTIONS})


def unfinished(dsn: str, at: datetime) -> list[Row]:
    """Payments whose saga is not over, soonest to be recovered first; lease_s is what is left of the lease at `at`.

    Raises LocalRefused.
    """
    with _connected(dsn) as connection:
        return _rows(connection, "unfinished", at=at)


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection[Row]]:
    try:
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_S) as connection:
            yield connection
    except psycopg.OperationalError as error:
        # Its first line names host and port, never the password.
        raise LocalRefused(f"the stack's PostgreSQL does not answer: {str(error).splitlines()[0]}; see "
                           "`pipeline status`") from None


def _rows(connection: psycopg.Connection[Row], name: str, **parameters: object) -> list[Row]:
    text = files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    # Without parameters a percent sign stands for itself.
    return connection.execute(text.encode(), parameters or None).fetchall()
