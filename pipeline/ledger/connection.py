"""One connection to PostgreSQL per environment: made late, checked after a freeze, made anew when it is gone.

Made for RDS Proxy: autocommit with explicit transactions, no server-side prepare, no startup options, no SET.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row

from pipeline.errors import Misused, Retryable
from pipeline.ledger.statements import statement
from pipeline.telemetry.trace import span

T = TypeVar("T")
Connection = psycopg.Connection[DictRow]
Parameters = dict[str, Any]

ATTEMPTS = 5
"""How often a transaction is tried that the database asks to try again, or whose connection was lost."""
CHECK_AFTER_IDLE_S = 5.0
MAX_IDLE_S = 1_500.0
"""Below the proxy's 1,800 s: a connection idle for longer is not asked, it is made anew."""
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled)
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)

KEEPALIVE = {"keepalives": 1, "keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 5,
             "tcp_user_timeout": 5_000}
"""A dead peer is noticed within about five seconds."""


def dsn(*, host: str, port: int, name: str, user: str, password: str, sslmode: str = "prefer") -> str:
    """A connection string over TCP."""
    return make_conninfo(host=host, port=port, dbname=name, user=user, password=password, sslmode=sslmode)


class Database:
    """Runs work in transactions on one connection. Calls from several threads take turns."""

    def __init__(self, conninfo: str, *, application_name: str = "payments", connect_timeout_s: int = 3) -> None:
        self._conninfo = conninfo
        self._options: dict[str, Any] = {"application_name": application_name, "connect_timeout": connect_timeout_s,
                                         **KEEPALIVE}
        self._connection: Connection | None = None
        self._used_at = 0.0
        self._lock = threading.RLock()

    def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def read(self, name: str, parameters: Parameters) -> list[DictRow]:
        """Rows of a statement of `sql/`, alone in its own transaction. Only for what may be run twice.

        Raises Retryable and Misused.
        """
        def rows(connection: Connection) -> list[DictRow]:
            return connection.execute(statement(name), parameters).fetchall()

        with self._lock:
            return self._attempts(rows, None)

    def transact(self, work: Callable[[Connection], T], *, landed: Callable[[Connection], T | None] | None = None) -> T:
        """Runs `work` in one transaction; again where the database asks for it or the connection is lost before COMMIT.

        If it is lost during COMMIT, `landed` is asked in a new transaction: a result means that the commit took place,
        None that it did not and `work` is run again. Without `landed`, `work` must be safe to run twice.
        Raises Retryable, Misused, and what `work` and `landed` raise. Retryable also where the answer to a lost commit
        could not be had: `work` guards itself against being repeated.
        """
        with self._lock, span("ledger.transaction", kind="client"):
            return self._attempts(lambda connection: self._transaction(connection, work), landed)

    def _transaction(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        ended = False
        try:
            with connection.transaction():
                result = work(connection)
                ended = True
            return result
        except psycopg.Error as error:
            if ended and connection.closed:
                raise _LostInCommit from error
            raise

    def _attempts(self, run: Callable[[Connection], T], landed: Callable[[Connection], T | None] | None) -> T:
        in_doubt = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                connection = self._ready()
                if in_doubt and landed is not None:
                    result = self._transaction(connection, landed)
                    if result is not None:
                        return result
                    in_doubt = False
                return self._used(run(connection))
            except _LostInCommit:
                # Also where the look-up's own end was lost: it has written nothing, and is made again.
                self.close()
                in_doubt = True
            except _AGAIN:
                if attempt == ATTEMPTS:
                    raise Retryable("the ledger's database stays busy: transactions kept colliding") from None
            except _BUSY as error:
                raise Retryable(f"the ledger's database stays busy: {_first_line(error)}") from None
            except errors.ReadOnlySqlTransaction:
                # After a failover the old writer may be a reader: the address leads to the new one.
                self.close()
            except psycopg.Error as error:
                connected = self._connection is not None
                if connected and not _lost(self._connection, error):
                    raise Misused(f"the ledger's database refuses: {_first_line(error)}") from error
                self.close()
                if attempt == ATTEMPTS or not (connected or in_doubt):
                    raise Retryable(f"the ledger's database cannot be reached: {_first_line(error)}") from None
            # Full jitter. A commit in doubt is worth waiting for while a failover goes on.
            time.sleep(random.uniform(0, min(1.0 if in_doubt else 0.2, 0.01 * 2**attempt * (10 if in_doubt else 1))))
        raise Retryable("the ledger's database cannot be reached")

    def _ready(self) -> Connection:
        """A connection that was alive a moment ago. Raises OperationalError."""
        connection, idle = self._connection, time.monotonic() - self._used_at
        if connection is not None and (connection.closed or idle > MAX_IDLE_S or (
                idle > CHECK_AFTER_IDLE_S and not _answers(connection))):
            self.close()
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None,
                                               row_factory=dict_row, **self._options)
        return self._connection

    def _used(self, result: T) -> T:
        self._used_at = time.monotonic()
        return result


class _LostInCommit(Exception):
    """The connection went away after COMMIT was sent."""


def _answers(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _lost(connection: Connection | None, error: psycopg.Error) -> bool:
    """Whether it was the connection or the server that failed, not what was asked. Nothing was written then."""
    return connection is None or connection.closed or isinstance(error, psycopg.OperationalError)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
