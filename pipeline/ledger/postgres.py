"""The ledger on PostgreSQL: every change is one transaction, guarded by fence, version and the database's own rules."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import psycopg
from psycopg import errors

from pipeline.errors import Misused
from pipeline.ledger.connection import Connection, Database, Parameters
from pipeline.ledger.plan import Plan, claimable, decided, first_line, opened, planned
from pipeline.ledger.port import (
    Change,
    Conflict,
    DuplicateEvent,
    DuplicatePosting,
    JournalStep,
    LimitReached,
    NewPayment,
    Operation,
    Payment,
    Tombstoned,
)
from pipeline.ledger.postings import NEED_POSITION, Position, hold
from pipeline.ledger.records import Locked, locked_of, opening, payment_of, step_of, step_rows, writing
from pipeline.ledger.statements import statement
from pipeline.schemas.ulid import UlidFactory
from pipeline.times import Clock


class PostgresLedger:
    """The port's Ledger. `clock` gives the time of recording; what happened when is the caller's `at`."""

    def __init__(self, database: Database, *, clock: Clock, ids: UlidFactory | None = None) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids or UlidFactory()

    def open(self, new: NewPayment, *, execution: str, at: datetime, lease_until: datetime) -> Payment:
        """See the port. Repeating it changes nothing, so a lost commit is simply repeated."""
        payment = opened(new, execution=execution, at=at, lease_until=lease_until)

        first = first_line(payment, ids=self._ids, recorded_at=self._clock())
        row = opening(payment, first, self._token())
        if self._database.transact(lambda connection: _run(connection, "open_payment", row).rowcount):
            return payment
        there = self._database.read("twin", {"payment_id": new.payment_id, "merchant_id": new.merchant_id,
                                             "idempotency_hash": new.idempotency_hash})
        return payment_of(there[0])

    def claim(self, payment_id: int, *, execution: str, at: datetime, lease_until: datetime, saga: str | None = None,
              saga_hash: str | None = None) -> Payment | None:
        """See the port. A repeated claim of the same execution finds its own, so a lost commit is simply repeated."""
        def work(connection: Connection) -> Payment | None:
            locked = _locked(connection, payment_id)
            if locked is None:
                return None
            payment = locked.payment
            free = claimable(payment, execution=execution, at=at)
            if not free:
                return payment if free is None else None
            row = _run(connection, "claim_payment", {
                "payment_id": payment_id, "execution": execution, "lease_until": lease_until, "at": at,
                "saga": saga or payment.saga, "saga_hash": saga_hash or payment.saga_hash,
                "saga_sequence": payment.saga_sequence + (saga is not None), "last_change": self._token()}).fetchone()
            return None if row is None else payment_of(row)

        return self._database.transact(work)

    def payment(self, payment_id: int) -> Payment | None:
        """See the port."""
        return next(map(payment_of, self._database.read("payment", {"payment_id": payment_id})), None)

    def payment_of_merchant(self, payment_id: int, merchant_id: str) -> Payment | None:
        """The payment as committed if it is this merchant's, for those who ask from outside."""
        rows = self._database.read("payment_of_merchant", {"payment_id": payment_id, "merchant_id": merchant_id})
        return next(map(payment_of, rows), None)

    def payment_of_reference(self, gateway: str, gateway_ref: str) -> Payment | None:
        """See the port."""
        rows = self._database.read("payment_of_reference", {"gateway": gateway, "gateway_ref": gateway_ref})
        return next(map(payment_of, rows), None)

    def operation(self, payment_id: int, kind: str, sequence: int = 1) -> Operation | None:
        """See the port."""
        rows = self._database.read("operation", {"payment_id": payment_id, "kind": kind, "sequence": sequence})
        return Operation(**rows[0]) if rows else None

    def journal(self, payment_id: int) -> list[JournalStep]:
        """See the port."""
        return [step_of(row) for row in self._database.read("saga_journal", {"payment_id": payment_id})]

    def open_hold_minor(self, payment_id: int) -> int:
        """See the port."""
        return int(self._database.read("position", {"payment_id": payment_id})[0]["held_minor"])

    def unfinished(self, *, at: datetime, limit: int) -> list[int]:
        """See the port."""
        return [row["payment_id"] for row in self._database.read("unfinished", {"at": at, "limit": limit})]

    def expiring(self, *, before: datetime, limit: int) -> list[int]:
        """See the port."""
        return [row["payment_id"] for row in self._database.read("expiring", {"before": before, "limit": limit})]

    def seen(self, gateway: str, event_id: str) -> bool:
        """Whether a gateway's event led to a change, or was put aside by `remember`."""
        return bool(self._database.read("gateway_event", {"gateway": gateway, "event_id": event_id}))

    def remember(self, gateway: str, event_id: str, *, kind: str, at: datetime, payment_id: int | None = None) -> bool:
        """Puts aside a gateway's event that changes nothing; whether it was new."""
        row = {"gateway": gateway, "event_id": event_id, "kind": kind, "at": at, "payment_id": payment_id}
        return self._database.transact(lambda connection: _run(connection, "insert_gateway_event", row).rowcount == 1)

    def apply(self, change: Change) -> Payment:
        """See the port. The row carries the token of its last writer: after a lost commit it says who that was."""
        token = self._token()
        seen_before: list[str] = []

        def work(connection: Connection) -> Payment:
            locked = _locked(connection, change.payment_id)
            if locked is None:
                raise Misused(f"there is no payment {change.payment_id}")
            seen_before[:] = [locked.last_change]
            return self._write(connection, change, locked, token)

        def landed(connection: Connection) -> Payment | None:
            # The lock waits for a commit that is still going on.
            locked = _locked(connection, change.payment_id)
            if locked is None or locked.last_change in seen_before:
                return None
            if locked.last_change != token:
                raise Conflict(f"payment {change.payment_id} was written by another while a commit was in doubt")
            return locked.payment

        try:
            return self._database.transact(work, landed=landed)
        except Misused as refused:
            cause = refused.__cause__
            if isinstance(cause, errors.UniqueViolation) and cause.diag.constraint_name == "journals_payment_step":
                raise DuplicatePosting(f"payment {change.payment_id}: {cause.diag.message_detail}") from None
            raise

    def _write(self, connection: Connection, change: Change, locked: Locked, token: str) -> Payment:
        decided(locked.payment, change)
        payment_id, at, recorded_at = change.payment_id, change.at, self._clock()
        if change.gateway_event is not None:
            row = asdict(change.gateway_event) | {"payment_id": payment_id, "at": at}
            if not _run(connection, "insert_gateway_event", row).rowcount:
                raise DuplicateEvent(f"{change.gateway_event.gateway} event {change.gateway_event.event_id}")
        _write_steps(connection, change)
        plan = planned(locked.payment, change, position=_position(connection, change), event_seq=locked.event_seq,
                       ids=self._ids, recorded_at=recorded_at)
        wrote = _run(connection, "write_change", writing(plan, change, token, recorded_at)).fetchone()
        if wrote is None or not wrote["moved"]:
            raise Conflict(f"payment {payment_id} has moved")
        if wrote["asked"] != len(change.operations):
            raise Misused(f"an operation of payment {payment_id} is there under another gateway key")
        _hold(connection, plan, at)
        return plan.after

    def _token(self) -> str:
        return self._ids.new(self._clock())


def _run(connection: Connection, name: str, parameters: Parameters) -> psycopg.Cursor[dict[str, object]]:
    return connection.execute(statement(name), parameters)


def _locked(connection: Connection, payment_id: int) -> Locked | None:
    row = _run(connection, "lock_payment", {"payment_id": payment_id}).fetchone()
    return None if row is None else locked_of(row)


def _position(connection: Connection, change: Change) -> Position:
    """Read only where the entries depend on it."""
    if not any(posting.step in NEED_POSITION for posting in change.postings):
        return Position()
    row = _run(connection, "position", {"payment_id": change.payment_id}).fetchone()
    return Position(**row) if row else Position()  # type: ignore[arg-type]


def _write_steps(connection: Connection, change: Change) -> None:
    if not (change.begins or change.ends):
        return
    steps, wanted = step_rows(change)
    row = {"payment_id": change.payment_id, "at": change.at, "steps": steps}
    if _run(connection, "write_steps", row).rowcount != wanted:
        raise Tombstoned(f"payment {change.payment_id}: the undo of a step that begins came first")


def _hold(connection: Connection, plan: Plan, at: datetime) -> None:
    """One row only, and last: the merchant's other payments wait for it, never the other way round."""
    if plan.held_more == 0:
        return
    payment = plan.after
    row = {"account": hold(payment.merchant_id), "currency": payment.currency, "amount_minor": plan.held_more, "at": at}
    if not _run(connection, "hold_more", row).rowcount:
        raise LimitReached(f"{payment.merchant_id} has no room for {plan.held_more} more {payment.currency}")


