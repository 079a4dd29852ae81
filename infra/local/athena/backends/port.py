"""What the server asks of whatever runs its statements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra.local.athena.errors import QueryCancelled
from infra.local.athena.statements import Unload

LIMIT_EXCEEDED = "Bytes scanned limit was exceeded"
STOPPED = "Query cancelled by user"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: `type` is Athena's name without arguments."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0

    def info(self) -> dict[str, Any]:
        """The API's ColumnInfo."""
        return {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": self.name, "Label": self.name,
                "Type": self.type, "Precision": self.precision, "Scale": self.scale, "Nullable": "UNKNOWN",
                "CaseSensitive": self.type in ("varchar", "char")}


@dataclass(frozen=True, slots=True)
class Rows:
    """A result as text: one tuple per row, None for NULL."""

    columns: tuple[Column, ...]
    values: Sequence[Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Written:
    """What an UNLOAD wrote: s3:// addresses, sorted, and the number of rows in them."""

    files: tuple[str, ...]
    rows: int


class Job:
    """One running query as its backend sees it: cancellation, and the account of bytes scanned."""

    def __init__(self, cutoff: int | None = None, scanned_instead: int | None = None) -> None:
        """`cutoff` in bytes is the limit of the workgroup; `scanned_instead` replaces what the backend accounts."""
        self.cutoff = cutoff
        self.scanned = 0
        self._instead = scanned_instead
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._actions: list[Callable[[], None]] = []

    @property
    def scan_limit(self) -> int | None:
        """The cutoff, where it is for the backend to watch."""
        return self.cutoff if self._instead is None else None

    @property
    def cancelled(self) -> bool:
        """Whether the query has been stopped."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stops the query: whatever on_cancel was given runs now."""
        with self._lock:
            self._cancelled.set()
            actions = list(self._actions)
        for action in actions:
            action()

    def on_cancel(self, action: Callable[[], None]) -> None:
        """Runs `action` when the query is stopped; at once where it has been. It may run more than once."""
        with self._lock:
            self._actions.append(action)
            late = self._cancelled.is_set()
        if late:
            action()

    def check(self) -> None:
        """Raises QueryCancelled where the query has been stopped."""
        if self._cancelled.is_set():
            raise QueryCancelled(STOPPED)

    def wait(self, seconds: float) -> None:
        """Sleeps. Raises QueryCancelled as soon as the query is stopped."""
        self._cancelled.wait(seconds)
        self.check()

    def account(self, scanned: int) -> None:
        """Records all bytes scanned so far. Raises QueryCancelled above the workgroup's limit."""
        self.scanned = scanned if self._instead is None else self._instead
        if self.cutoff is not None and self.scanned > self.cutoff:
            raise QueryCancelled(LIMIT_EXCEEDED)


class Backend(Protocol):
    """Runs statements in Athena's dialect, parameters already bound. Methods raise QueryFailed and QueryCancelled.

    `database` is where names without one are looked up. Called from many threads at once.
    """

    name: str

    def check(self, sql: str) -> None:
        """Raises ApiError where `sql` (a query, no UNLOAD) does not parse."""
        ...

    def select(self, sql: str, database: str, job: Job) -> Rows:
        """Runs a query."""
        ...

    def unload(self, statement: Unload, database: str, job: Job) -> Written:
        """Runs a query into Parquet files below the target, which has been seen to be empty; no rows, no file."""
        ...

    def explain(self, sql: str, database: str, job: Job) -> list[str]:
        """The plan of a query, line by line."""
        ...
