"""What operations watch: sagas that do not end, books that do not balance. Reads only; none grows with history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from pipeline.ledger.connection import Database
from pipeline.ledger.statuses import Status


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Sagas that hold a lease, dead or alive. `oldest`: since when the oldest of them runs, None where there is none.

    in_doubt and stuck are of these: whose gateway has not told what it did, and whose undoing keeps failing.
    """

    sagas: int
    oldest: datetime | None
    in_doubt: int
    stuck: int


class Gauges:
    """All methods may raise Retryable. How far the relay is behind is Outbox.lag."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unfinished(self) -> Unfinished:
        """Sagas that have not ended. A manual payment that waits for its capture is at rest and not among them."""
        rows = self._database.read("gauge_sagas", {})
        return Unfinished(sum(row["sagas"] for row in rows), min((row["oldest"] for row in rows), default=None),
                          _of(rows, Status.IN_DOUBT), _of(rows, Status.COMPENSATION_STUCK))

    def crooked_journals(self, *, since: datetime, until: datetime) -> int:
        """Journals with event_at in [since, until) that lack entries or do not balance per currency: always 0.

        Reads every entry of the window: some minutes are enough where it is asked every minute.
        """
        return int(self._database.read("gauge_imbalance", {"since": since, "until": until})[0]["journals"])

    def trial_balance(self) -> dict[str, int]:
        """Debits less credits in minor units, per currency, of all that the control totals have counted: always 0.

        Kept with each run of LedgerControl, so that it costs the same however long the ledger is; empty before that.
        """
        return {row["currency"]: int(row["debit_minor"] - row["credit_minor"])
                for row in self._database.read("gauge_trial", {})}


def _of(rows: Sequence[DictRow], status: Status) -> int:
    return sum(row["sagas"] for row in rows if row["status"] == status.value)
