"""What the saga asks of the ledger. PostgreSQL and the small in-memory ledger of the tests pass one contract suite.

Everything that belongs together is one `Change`, committed in one transaction: status, journals with their entries,
operations, saga journal, audit events and outbox rows. No network call happens inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipeline.ledger.statuses import Status


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment as it enters: what merchant and edge decided, before anything is known of fraud or gateway."""

    payment_id: int
    merchant_id: str
    amount_minor: int
    currency: str
    gateway: str
    gateway_account: str
    capture_mode: str                    # automatic | manual
    method_token: str
    idempotency_hash: str
    trace_id: str
    reference: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of `payments`. `version` counts committed transitions; `fence` and the lease belong to the running saga."""

    payment_id: int
    merchant_id: str
    amount_minor: int
    currency: str
    status: Status
    version: int
    fence: int
    gateway: str
    gateway_account: str
    gateway_ref: str | None
    capture_mode: str
    method_token: str
    idempotency_hash: str
    trace_id: str
    reference: str | None
    metadata: dict[str, str]
    saga: str                            # pay | capture | cancel: what runs, or ran last
    saga_hash: str                       # idempotency record that the running saga closes
    saga_sequence: int                   # 1 for pay, then counted up
    execution: str | None                # who holds the lease
    lease_until: datetime | None         # None: no saga runs
    authorized_minor: int | None         # what the gateway authorised
    captured_minor: int
    refunded_minor: int
    hold_expires_at: datetime | None
    fraud_decision: str | None           # approve | review | reject
    fraud_score: int | None              # 0 to 1000
    fraud_model: str | None
    cause: str | None                    # our code of why it is being or was unwound, e.g. card_declined
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing asked of the gateway: kind is authorize, capture, void or refund; `gateway_key` is its key there."""

    payment_id: int
    kind: str
    sequence: int
    amount_minor: int
    status: str                          # pending | succeeded | declined | failed | in_doubt
    gateway_key: str
    operation_ref: str | None = None
    error_code: str | None = None
    first_sent_at: datetime | None = None    # a key may be sent again only within the gateway's retention of it


@dataclass(frozen=True, slots=True)
class JournalStep:
    """A row of `saga_journal`: an intention before its effect, or its end."""

    step: str                            # validate | reserve | authorize | capture | commit | notify
    sequence: int
    direction: str                       # forward | undo
    state: str                           # intended | done | failed | in_doubt
    fence: int
    attempts: int = 1
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posting:
    """A journal to write, unique per payment, step and sequence; pipeline.ledger.postings gives its entries."""

    step: str                            # RESERVE, RELEASE, CAPTURE, COMMIT, ... as in the lake
    sequence: int
    amount_minor: int
    operation_ref: str | None = None
    fee_minor: int = 0                   # COMMIT: what goes to platform_fee


@dataclass(frozen=True, slots=True)
class Event:
    """An audit event (lake table payment_events); its seq is given by the ledger in the same transaction."""

    step: str
    outcome: str                         # started | succeeded | failed | compensated | in_doubt | recovered
    attempt: int = 1
    duration_us: int | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A notification of a gateway that led to a change: remembered with it, so that it counts once."""

    gateway: str
    event_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does to one payment, if `fence` and `version` still hold.

    `begins`/`ends` are journal rows to upsert. A `begins` with direction forward whose undo row exists already is
    refused as Tombstoned; an undo begun where nothing went forward leaves the row that is this tombstone.
    `updates` sets columns of Payment by name (gateway_ref, authorized_minor, hold_expires_at, fraud_*, cause, ...).
    """

    payment_id: int
    fence: int
    version: int
    at: datetime
    status: Status | None = None         # None: no transition
    updates: dict[str, object] = field(default_factory=dict)
    postings: Sequence[Posting] = ()
    operations: Sequence[Operation] = ()
    begins: Sequence[JournalStep] = ()
    ends: Sequence[JournalStep] = ()
    events: Sequence[Event] = ()
    lease_until: datetime | None = None  # set: renewed to this
    release_lease: bool = False          # the saga is over
    gateway_event: GatewayEvent | None = None    # refused as DuplicateEvent when it is remembered already


class Conflict(Exception):
    """The version has moved: read again and decide again. Nothing was written."""


class Tombstoned(Exception):
    """The undo of the step came first: the late forward step is refused. Nothing was written."""


class LimitReached(Exception):
    """The merchant's limit leaves no room for the hold. Nothing was written."""


class DuplicatePosting(Exception):
    """The journal of this payment, step and sequence exists. Nothing was written."""


class DuplicateEvent(Exception):
    """The gateway's event has been dealt with. Nothing was written."""


class Ledger(Protocol):
    """All methods may raise Retryable where the database cannot be reached or stays busy, and Superseded for a fence
    below the payment's. A commit whose answer was lost is looked up, never repeated blindly; where even that cannot be
    done it is Retryable, and a repeated change finds the version moved (Conflict) if it had taken place."""

    def open(self, new: NewPayment, *, execution: str, at: datetime, lease_until: datetime) -> Payment:
        """Writes the payment as RECEIVED, version 1, fence 1, leased to `execution`; or returns the one that is there
        (same payment_id, or same merchant and idempotency_hash) untouched."""
        ...

    def claim(self, payment_id: int, *, execution: str, at: datetime, lease_until: datetime, saga: str | None = None,
              saga_hash: str | None = None) -> Payment | None:
        """Takes the payment over with fence + 1 if no lease is live at `at`, None otherwise or if there is none.

        With `saga` a new saga begins (saga_sequence + 1, saga_hash set); without it the interrupted one goes on.
        An execution that holds it already gets it as it is, with the same fence.
        """
        ...

    def payment(self, payment_id: int) -> Payment | None:
        """The payment as committed."""
        ...

    def payment_of_reference(self, gateway: str, gateway_ref: str) -> Payment | None:
        """The payment that the gateway knows by its own reference."""
        ...

    def operation(self, payment_id: int, kind: str, sequence: int = 1) -> Operation | None:
        """The operation as committed."""
        ...

    def journal(self, payment_id: int) -> list[JournalStep]:
        """Saga journal of the payment, in the order of its first writing."""
        ...

    def apply(self, change: Change) -> Payment:
        """Commits `change` whole and returns the payment after it. Raises Conflict, Tombstoned, LimitReached,
        DuplicatePosting, DuplicateEvent (nothing written in any of these), Misused for what no retry mends."""
        ...

    def open_hold_minor(self, payment_id: int) -> int:
        """RESERVE less RELEASE of the payment's journals, in minor units of its currency."""
        ...

    def unfinished(self, *, at: datetime, limit: int) -> list[int]:
        """Payments whose lease ended at or before `at` and was not released, oldest first."""
        ...

    def expiring(self, *, before: datetime, limit: int) -> list[int]:
        """Resting AUTHORIZED payments without a lease whose hold expires before `before`, soonest first."""
        ...
