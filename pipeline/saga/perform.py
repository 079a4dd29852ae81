"""Runs one step in one direction: nothing but a result leaves it, whatever ledger and gateway do."""

from __future__ import annotations

from typing import Protocol

from pipeline.errors import Misused, Retryable, Superseded
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, unread
from pipeline.saga.ports import Ports


class Step(Protocol):
    """A module of pipeline.saga.steps. Both directions are idempotent and safe for what never happened."""

    def forward(self, ports: Ports, call: Call) -> Result:
        """Does the step."""
        ...

    def undo(self, ports: Ports, call: Call) -> Result:
        """Takes it back and leaves a tombstone that refuses a late forward call."""
        ...


def perform(step: Step, ports: Ports, call: Call) -> Result:
    """The step's result; errors that a step cannot decide on become outcomes for the state machine to route."""
    try:
        if call.direction == "forward":
            return step.forward(ports, call)
        undone = step.undo(ports, call)
        # What has no row has not happened; step 1 leaves its tombstone.
        return undone | {"outcome": str(Outcome.OK)} if undone.get("code") == "no_payment" else undone
    except Superseded:
        return unread(Outcome.SUPERSEDED, call, "superseded")
    except Retryable as error:
        ports.log("step_retryable", payment_id=call.payment_id, reason=str(error))
        return unread(Outcome.RETRYABLE, call, "unavailable")
    except Misused as error:
        ports.log("step_misused", payment_id=call.payment_id, reason=str(error))
        return unread(Outcome.MISUSED, call, "misused")
