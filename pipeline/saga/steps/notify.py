"""Step 6: asks that the payment's outbox be sent on at once. Never touches money, and never fails a payment."""

from __future__ import annotations

from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result
from pipeline.saga.ports import Ports


def forward(ports: Ports, call: Call) -> Result:
    """OK, always: what is not asked for now, the relay's schedule sends."""
    ports.relay.drain(call.payment_id)
    return _result(call)


def undo(ports: Ports, call: Call) -> Result:
    """OK: what was told is not taken back; later facts are told as they come."""
    return _result(call)


def _result(call: Call) -> Result:
    # Nothing is read: a database that is down cannot fail a notification.
    return {"outcome": str(Outcome.OK), "fence": call.fence, "payment_id": str(call.payment_id), "status": None,
            "payment": None}
