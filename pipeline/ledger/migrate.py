"""Numbered migrations of the ledger's database, each in one transaction, in order, once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql

from pipeline.errors import Misused

APP_ROLE = "payments_app"
_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"\d{4}_[a-z_]+\.sql")
_LOCK = 7_316_204_118
"""Any number: migrators of one database wait for each other on it."""
_ATTEMPTS = 20

_RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT transaction_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `checksum` is the hex SHA-256 of its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = _FOLDER) -> list[Migration]:
    """The migrations in `folder`, in the order in which they apply."""
    return [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())
            if _NAME.fullmatch(path.name)]


def migrate(owner_dsn: str, app_password: str, *, wanted: list[Migration] | None = None) -> list[str]:
    """Brings the database up to date and sets the password of the role `payments_app`; names of what was applied.

    May be run again and by several at once. Raises Misused where an applied migration has changed or is gone.
    """
    wanted = migrations() if wanted is None else wanted
    with psycopg.connect(owner_dsn, autocommit=True, prepare_threshold=None, application_name="migrate") as connection:
        applied = [migration.name for migration in wanted if _applied(connection, migration, wanted)]
        _set_password(connection, app_password)
    return applied


def _applied(connection: psycopg.Connection, migration: Migration, wanted: list[Migration]) -> bool:
    """Applies `migration` unless it is recorded; whether it did."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_RECORDS)
        rows: list[tuple[str, str]] = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall()
        recorded = dict(rows)
        _check(recorded, wanted)
        if migration.name in recorded:
            return False
        connection.execute(migration.text.encode())
        connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
                           (migration.name, migration.checksum))
    return True


def _check(recorded: dict[str, str], wanted: list[Migration]) -> None:
    """Raises Misused where what was applied is not what is there."""
    known = {migration.name: migration.checksum for migration in wanted}
    for name, checksum in sorted(recorded.items()):
        if name not in known:
            raise Misused(f"the migration {name} was applied to this database and is not among the files")
        if known[name] != checksum:
            raise Misused(f"the migration {name} has changed since it was applied: write a new one instead")
    if recorded and (late := [name for name in known if name < max(recorded) and name not in recorded]):
        raise Misused(f"the migration {late[0]} comes before {max(recorded)}, which was applied already")


def _set_password(connection: psycopg.Connection, password: str) -> None:
    """The verifier is made here, so that the password is in no statement and no server log."""
    verifier = connection.pgconn.encrypt_password(password.encode(), APP_ROLE.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(APP_ROLE), sql.Literal(verifier.decode()))
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            connection.execute(statement)
            return
        except errors.InternalError_:  # another database's migrator altered the role in the same instant
            if attempt == _ATTEMPTS:
                raise
