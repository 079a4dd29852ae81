"""What committed changes have to tell: lent to a relay for a while, forgotten once it was delivered. At least once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.ledger.connection import Connection, Database
from pipeline.ledger.statements import statement
from pipeline.schemas.ulid import minted_at


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """kind: ledger_entry, payment_state, payment_event and ledger_control are lines of these lake tables,
    payment_outcome tells of a final status; body is one JSON object as text, to be delivered as it stands.
    payment_id is None where a row is of no payment, that is for ledger_control.

    created_at is the event_at of what the row tells of, and so says its partition in the lake; for ledger_control it is
    the row's hour_start. When the row was written is told by its outbox_id."""

    outbox_id: str
    payment_id: int | None
    kind: str
    body: str
    created_at: datetime


class Outbox:
    """No lock and no transaction outlives a call: a relay takes, delivers over the network, then says what arrived.

    A relay that dies keeps its rows until `taken_until`; then the next one takes them, and receivers see some twice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, *, at: datetime, taken_until: datetime, limit: int,
             kinds: Collection[str] | None = None) -> list[OutboxRow]:
        """Up to `limit` of the oldest rows of `kinds` (None: of any) that nobody has, oldest first."""
        return self._take(None, at, taken_until, limit, kinds)

    def outbox_of(self, payment_id: int, *, at: datetime, taken_until: datetime, limit: int = 100,
                  kinds: Collection[str] | None = None) -> list[OutboxRow]:
        """The same for the rows of one payment."""
        return self._take(payment_id, at, taken_until, limit, kinds)

    def delivered(self, outbox_ids: Sequence[str]) -> None:
        """Forgets exactly these."""
        self._write("delete_outbox", {"outbox_ids": list(outbox_ids)})

    def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None:
        """Lets another try these at once; `taken_until` as they were taken with."""
        self._write("give_back_outbox", {"outbox_ids": list(outbox_ids), "taken_until": taken_until})

    def lag(self) -> tuple[int, datetime | None]:
        """How many rows wait, and since when the oldest does, to the millisecond."""
        row = self._database.read("outbox_lag", {})[0]
        return row["waiting"], None if row["oldest"] is None else minted_at(row["oldest"])

    def _take(self, payment_id: int | None, at: datetime, taken_until: datetime, limit: int,
              kinds: Collection[str] | None) -> list[OutboxRow]:
        asked = {"payment_id": payment_id, "at": at, "taken_until": taken_until, "limit": limit,
                 "kinds": None if kinds is None else sorted(kinds)}

        def work(connection: Connection) -> list[OutboxRow]:
            return [OutboxRow(**row) for row in connection.execute(statement("take_outbox"), asked).fetchall()]

        # Where the answer to a commit was lost the rows stay lent until taken_until: late, not lost.
        return sorted(self._database.transact(work), key=lambda row: row.outbox_id)

    def _write(self, name: str, parameters: dict[str, Any]) -> None:
        self._database.transact(lambda connection: connection.execute(statement(name), parameters).rowcount)
