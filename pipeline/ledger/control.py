"""Control totals: what the ledger itself holds of each hour, so that a hole in the lake is not taken for missing money.

Revisions are appended. Two rules make them true:

- Nothing is counted while a transaction is open that had begun to write before the count was asked for: it could still
  commit entries of an earlier instant.
- Entries that commit later all the same, because their step read its clock before its transaction began, are found by
  the transaction that wrote their journal, which no run has seen yet: their hour is counted again, however old it is.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from psycopg.rows import DictRow

from pipeline.ledger.connection import Connection, Database
from pipeline.ledger.control_progress import HOUR, Progress, hour_of, hours
from pipeline.ledger.rows import control_row, line
from pipeline.ledger.statements import statement
from pipeline.schemas.ulid import UlidFactory

HOURS_AT_ONCE = 500
JOURNALS_AT_ONCE = 200_000
"""What one transaction counts, of hours that have not been said; it takes one hour at least."""
SLICE = 50_000
"""Journals that one statement counts: well within the role's limit for a statement."""
WRITTEN_AT_ONCE = 20_000
"""New journals whose hours one transaction looks for."""
SAID_AT_ONCE = 500
_LOCK = 7_316_204_119
"""Any number: writers of one database wait for each other on it."""
_PAUSE_S, _PATIENCE = 0.05, 100

QUIET: dict[str, Any] = {"currency": "XXX", "step": "NONE", "bucket": 0, "entry_count": 0, "debit_minor": 0,
                         "credit_minor": 0, "digest": hashlib.sha256(b"").hexdigest()}
"""What is said of an hour without entries."""


@dataclass(frozen=True, slots=True)
class Written:
    """said: revisions; covers_until: the ledger is counted so far, None where it has no entry yet; complete: all that
    was asked for is said; waiting: not so because an older transaction stays open."""

    said: int
    covers_until: datetime | None
    complete: bool
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class _Round:
    said: int
    covers_until: datetime | None
    more: bool


class LedgerControl:
    """Writes revisions, each with its row of the outbox in one transaction. Several at once take turns."""

    def __init__(self, database: Database, *, ids: UlidFactory | None = None,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._database = database
        self._ids = ids or UlidFactory()
        self._sleep = sleep

    def write(self, *, until: datetime, at: datetime, go_on: Callable[[], bool] = lambda: True) -> Written:
        """Says every hour from the first entry's on up to `until`, whose figures are new or have changed.

        `until` is cut to the millisecond; it may lie within an hour, which is then said as far as that, and in the
        future. Coverage never goes back. `at` is the time of recording; what is said later is recorded later, whatever
        the clock says. Further rounds are begun while `go_on` says so. Again with the same says nothing. May raise
        Retryable, with whole rounds written or not.
        """
        until -= timedelta(microseconds=until.microsecond % 1000)
        said, covers = 0, None
        while True:
            settled = self._settled()
            if settled is None:
                return Written(said, covers, complete=False, waiting=True)
            done = self._database.transact(partial(self._round, until=until, at=at, settled=settled))
            said, covers = said + done.said, done.covers_until
            if not done.more or not go_on():
                return Written(said, covers, complete=not done.more)

    def _settled(self) -> int | None:
        """Number below which every transaction has ended, all that are open now among them; None if that takes long."""
        mark = int(self._database.read("control_mark", {})[0]["mark"])
        for wait in [_PAUSE_S] * _PATIENCE:
            lowest_open = int(self._database.read("control_snapshot", {})[0]["lowest_open"])
            if lowest_open >= mark:
                return lowest_open
            self._sleep(wait)
        return None

    def _round(self, connection: Connection, *, until: datetime, at: datetime, settled: int) -> _Round:
        """One transaction; what it says may be repeated, since it then finds that it was said."""
        _rows(connection, "control_lock", {"key": _LOCK})
        found = _rows(connection, "control_progress", {})[0]
        first: datetime | None = found["first_hour"]
        if first is None:
            return _Round(0, None, more=False)
        before = Progress.of(found, first=first, settled=settled)
        changed, seen_below = _written(connection, before.seen_below, settled)
        below = hours(max(first, before.covers_from - HOURS_AT_ONCE * HOUR), before.covers_from)
        above = hours(hour_of(before.covers_until), min(until, before.covers_until + HOURS_AT_ONCE * HOUR))
        again = [hour for hour in changed if before.covers_from <= hour < before.covers_until and hour not in above]
        # Who asks for less than has been covered must not leave a gap below it.
        horizon = max(until, before.covers_until)
        old = _hours(connection, [*below, *again], horizon)
        new = _first_of(_hours(connection, above, horizon))
        after = before.going_on(
            covers_from=below[0] if below else before.covers_from, seen_below=seen_below,
            covers_until=new[-1]["covers_until"] if new else before.covers_until)
        recorded_at = before.next_at(at)
        said = self._say(connection, [*old, *new], after, recorded_at)
        if said or changed or (after.covers_from, after.covers_until) != (before.covers_from, before.covers_until):
            _run(connection, "control_ran", after.row(recorded_at))
        return _Round(said, after.covers_until, more=seen_below < settled or first < after.covers_from
                      or after.covers_until < until)

    def _say(self, connection: Connection, counted: Sequence[DictRow], after: Progress, recorded_at: datetime) -> int:
        """Says what is new of these hours and adds it to the trial balance; how many rows that were."""
        said = 0
        for hour in counted:
            rows = []
            for figures in _new_of(connection, hour):
                after.add(figures)
                rows.append(self._revision(hour, figures, recorded_at))
            for begin in range(0, len(rows), SAID_AT_ONCE):
                _run(connection, "control_say", {"recorded_at": recorded_at,
                                                 "revisions": json.dumps(rows[begin:begin + SAID_AT_ONCE])})
            said += len(rows)
        return said

    def _revision(self, hour: DictRow, figures: dict[str, Any], recorded_at: datetime) -> dict[str, Any]:
        names = ("currency", "step", "bucket", "entry_count", "debit_minor", "digest")
        row = control_row(hour_start=hour["hour_start"], covers_until=hour["covers_until"], recorded_at=recorded_at,
                          **{name: figures[name] for name in names})
        return row | {"credit_minor": figures["credit_minor"], "outbox_id": self._ids.new(recorded_at),
                      "body": line(row)}


def _written(connection: Connection, seen_below: int, settled: int) -> tuple[list[datetime], int]:
    """Hours that unseen transactions wrote to, and the number below which these are all of them."""
    limit = WRITTEN_AT_ONCE
    while True:
        found = _rows(connection, "control_written", {"seen_below": str(seen_below), "below": str(settled),
                                                      "limit": limit})
        if sum(row["journals"] for row in found) < limit:
            return [row["hour_start"] for row in found], settled
        # The last transaction may have written more journals than were read.
        last = max(row["last_xid"] for row in found)
        if last > seen_below:
            return [row["hour_start"] for row in found], last
        limit *= 10


def _hours(connection: Connection, asked: Sequence[datetime], until: datetime) -> list[DictRow]:
    return _rows(connection, "control_hours", {"hours": list(asked), "until": until}) if asked else []


def _first_of(found: Sequence[DictRow]) -> list[DictRow]:
    """As many of the hours as one transaction counts."""
    taken: list[DictRow] = []
    journals = 0
    for hour in found:
        journals += hour["journals"]
        if taken and journals > JOURNALS_AT_ONCE:
            break
        taken.append(hour)
    return taken


def _new_of(connection: Connection, hour: DictRow) -> list[dict[str, Any]]:
    """Figures of an hour that have not been said; one that was where only the coverage is new."""
    slices = 1
    while hour["journals"] > SLICE * slices and slices < 256:
        slices *= 2
    figures: list[dict[str, Any]] = []
    for number in range(slices if hour["journals"] else 0):
        figures += _rows(connection, "control_figures", {
            "hour_start": hour["hour_start"], "covers_until": hour["covers_until"], "slices": slices, "slice": number})
    new = [row for row in figures if not row["is_said"]]
    further = hour["said_until"] is None or hour["covers_until"] > hour["said_until"]
    return new or ((figures[:1] or [QUIET]) if further else [])


def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[DictRow]:
    return connection.execute(statement(name), parameters).fetchall()


def _run(connection: Connection, name: str, parameters: dict[str, Any]) -> None:
    connection.execute(statement(name), parameters)
