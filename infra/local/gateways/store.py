"""The simulator's own SQLite file: every answer is written before it is sent, so a killed process forgets nothing."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
  ref TEXT PRIMARY KEY, vendor TEXT NOT NULL, account TEXT NOT NULL, payment_id TEXT NOT NULL, currency TEXT NOT NULL,
  amount INTEGER NOT NULL, authorized INTEGER NOT NULL, captured INTEGER NOT NULL, refunded INTEGER NOT NULL,
  state TEXT NOT NULL, method TEXT NOT NULL, manual INTEGER NOT NULL, charge TEXT NOT NULL, code TEXT NOT NULL,
  metadata TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS payments_by_payment_id ON payments (vendor, payment_id);
CREATE INDEX IF NOT EXISTS payments_by_time ON payments (vendor, created, ref);
CREATE INDEX IF NOT EXISTS payments_open ON payments (expires) WHERE state = 'authorized';
CREATE TABLE IF NOT EXISTS operations (
  number INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL, payment TEXT NOT NULL REFERENCES payments (ref),
  kind TEXT NOT NULL, amount INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, key TEXT NOT NULL,
  at INTEGER NOT NULL, metadata TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE INDEX IF NOT EXISTS operations_by_payment ON operations (payment);
CREATE INDEX IF NOT EXISTS operations_by_ref ON operations (ref);
CREATE TABLE IF NOT EXISTS keys (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, began INTEGER NOT NULL, status INTEGER,
  body BLOB, PRIMARY KEY (scope, key)) STRICT;
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (scope, began);
CREATE TABLE IF NOT EXISTS struck (what TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, kind TEXT NOT NULL, payment_id TEXT NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, delivered INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS events_waiting ON events (vendor, number) WHERE delivered IS NULL;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS defects (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, label TEXT NOT NULL, vendor TEXT NOT NULL,
  account TEXT NOT NULL, payment_id TEXT NOT NULL, operation INTEGER NOT NULL, amount INTEGER NOT NULL,
  currency TEXT NOT NULL, ref TEXT NOT NULL, payment TEXT NOT NULL, charge TEXT NOT NULL, method TEXT NOT NULL,
  at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS settled (
  file TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (file, place)) STRICT;
"""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz"


class Store:
    """One database, one writer at a time. `path` None keeps it in memory."""

    def __init__(self, path: Path | None, *, seed: str) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        # Transactions are ours to begin and end, and any thread of the server may be the one that does.
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Safe against a killed process; only a power cut could lose the last answers.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        # An operation that was under way when the process was killed has had no effect.
        self._connection.execute("DELETE FROM keys WHERE status IS NULL")
        if self.fact("seed") is None:
            self.remember("seed", seed)
        self._seed = self.fact("seed") or seed

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing, and alone; may be nested."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a statement."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a statement, None where there is none."""
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
            return found

    def change(self, statement: str, *values: Any) -> int:
        """How many rows a statement has changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def fact(self, name: str) -> str | None:
        """A remembered value."""
        found = self.row("SELECT value FROM facts WHERE name = ?", name)
        return None if found is None else str(found["value"])

    def remember(self, name: str, value: str) -> None:
        """Keeps a value under a name."""
        self.change("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    name, value)

    def number(self, name: str) -> int:
        """The next number of a sequence, from 1."""
        with self.transaction():
            taken = int(self.fact(f"number:{name}") or 0) + 1
            self.remember(f"number:{name}", str(taken))
            return taken

    def reference(self, prefix: str, length: int, *, upper: bool = False) -> str:
        """A new reference, `length` characters after its prefix; the same sequence for the same seed."""
        return self.derived(f"{self.number('reference')}", prefix, length, upper=upper)

    def derived(self, what: str, prefix: str, length: int, *, upper: bool = False) -> str:
        """The reference of `what`, the same whenever it is asked for."""
        digest = hashlib.sha256(f"{self._seed}:{what}".encode()).digest()
        letters = _ALPHABET[:36] if upper else _ALPHABET
        value, text = int.from_bytes(digest, "big"), ""
        for _ in range(length):
            value, place = divmod(value, len(letters))
            text += letters[place]
        return prefix + text

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()
