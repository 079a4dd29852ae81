"""One call of a step: what the state machine sends and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import Misused
from pipeline.ledger.port import Payment
from pipeline.outcomes import Outcome
from pipeline.saga.answer import summary

Result = dict[str, object]
"""{"outcome", "fence", "payment_id", "status", "code"?, "payment"?}: small, references only, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a step. Fence 0 means: the fence under which this very execution holds the payment."""

    payment_id: int
    fence: int
    execution: str
    direction: str = "forward"           # forward | undo
    saga: str = "pay"                    # pay | capture | cancel
    saga_hash: str = ""
    merchant_id: str = ""
    trace_id: str = ""
    linked_trace_id: str = ""            # of the saga that recovery finishes, under a trace of its own
    request: Mapping[str, Any] = field(default_factory=dict)
    keep_lease: bool = False             # recovery's: the payment stays claimed until its answer is stored

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Call:
        """Reads a step's input. Raises Misused naming a missing or unreadable member."""
        try:
            direction, saga = str(event.get("direction", "forward")), str(event.get("saga", "pay"))
            if direction not in ("forward", "undo") or saga not in ("pay", "capture", "cancel"):
                raise Misused(f"a step of saga {saga!r} in direction {direction!r}")
            return cls(int(event["payment_id"]), int(event.get("fence", 0)), str(event["execution"]), direction, saga,
                       str(event.get("hash", "")), str(event.get("merchant_id", "")), str(event.get("trace_id", "")),
                       str(event.get("linked_trace_id", "")), event.get("request") or {},
                       event.get("keep_lease") is True)
        except (KeyError, ValueError, TypeError) as error:
            raise Misused(f"a step's input is wrong or lacks a member: {error}") from None


def result(outcome: Outcome, payment: Payment, code: str | None = None) -> Result:
    """How a step ended on `payment`; `code` says why where the outcome is no plain success."""
    found: Result = {"outcome": str(outcome), "fence": payment.fence, "payment_id": str(payment.payment_id),
                     "status": str(payment.status), "payment": summary(payment)}
    return found | ({} if code is None else {"code": code})


def unread(outcome: Outcome, call: Call, code: str) -> Result:
    """How a step ended that could not read the payment, or whose payment does not exist."""
    return {"outcome": str(outcome), "fence": call.fence, "payment_id": str(call.payment_id), "status": None,
            "code": code, "payment": None}
