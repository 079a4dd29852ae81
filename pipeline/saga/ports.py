"""What the steps are given: their neighbours behind ports, the clock, and the numbers that decide how long they try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from pipeline.fraud.port import FraudScorer
from pipeline.gateways.lock_port import Fence
from pipeline.gateways.port import Gateway
from pipeline.ledger.port import Ledger
from pipeline.times import Clock


class Relay(Protocol):
    """Asks that a payment's outbox be emptied now. Best effort: neither waits nor raises; the schedule comes anyway."""

    def drain(self, payment_id: int) -> None:
        """Asks for one payment."""
        ...


class Log(Protocol):
    """One line for something worth telling."""

    def __call__(self, event: str, **fields: object) -> None:
        """Writes `event` with fields of the allow-list."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations and limits; budgets in seconds. `fraud_fail_mode` decides where the scorer gives no answer."""

    lease: timedelta = timedelta(seconds=90)
    pause: timedelta = timedelta(seconds=10)
    """When recovery looks at a payment in doubt, from the moment the saga gave up; doubled by each attempt."""
    longest_pause: timedelta = timedelta(minutes=30)
    authorize_budget_s: float = 12
    capture_budget_s: float = 8
    look_up_budget_s: float = 4
    fraud_budget_s: float = 1
    fraud_fail_mode: str = "review"
    fee_bps: int = 100
    hold_margin: timedelta = timedelta(hours=1)
    """A hold that lapses sooner than this is given back and no longer captured."""
    poll_s: float = 0.2
    rounds: int = 5
    """How often a step re-reads and re-decides after a conflict before it gives up for now."""
    same_key_attempts: int = 4
    """How often one key is sent before the gateway is asked in another way."""
    stuck_after: int = 5
    """How many failed attempts at giving a hold back make it visible as stuck; they go on."""
    unknown_after: int = 12
    """The same where the gateway does not say yet what became of the authorisation: its horizon has to pass first."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a step may touch. `sleep` takes seconds; the simulation's only advances its clock."""

    ledger: Ledger
    gateway: Callable[[str], Gateway]
    fence: Fence
    scorer: FraudScorer
    relay: Relay
    clock: Clock
    sleep: Callable[[float], None]
    log: Log
    policy: Policy = field(default_factory=Policy)
