"""Recovery: by schedule the sweep over dead sagas; for the unwinding machine its first and its last step."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.gate.dynamo import DynamoGate
from pipeline.handlers.parts import client
from pipeline.handlers.wiring import ledger_ports
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, unread
from pipeline.saga.recovery import close, decide, sweep
from pipeline.settings import Settings
from pipeline.telemetry import log


def handler(event: dict[str, Any], context: object) -> Result:
    """{"action": "decide" | "close", payment_id, fence, execution} for one payment, anything else sweeps."""
    start = time.monotonic()
    action = event.get("action")
    found = _sweep() if action is None else _step(str(action), event)
    log("recovery", operation=action or "sweep", payment_id=event.get("payment_id"), outcome=found["outcome"],
        status=found.get("status"), code=found.get("code"), found=found.get("found"), claimed=found.get("claimed"),
        stuck=found.get("stuck"), duration_ms=(time.monotonic() - start) * 1000)
    return found


def _sweep() -> Result:
    try:
        swept = sweep(ledger_ports(), StandardMachine(client("stepfunctions"),
                                                      Settings.of().text("UNWIND_STATE_MACHINE_ARN")))
    except Retryable as error:
        return {"outcome": str(Outcome.RETRYABLE), "reason": str(error)}
    return {"outcome": str(Outcome.OK), "found": swept.found, "claimed": swept.claimed, "stuck": swept.stuck}


def _step(action: str, event: Mapping[str, Any]) -> Result:
    call = Call.of(event)
    try:
        if action == "decide":
            return decide(ledger_ports(), call)
        if action == "close":
            return close(ledger_ports(), DynamoGate(client("dynamodb"), Settings.of().text("IDEMPOTENCY_TABLE")), call)
    except Retryable as error:
        if action == "close":
            # Its machine tries again for minutes: afterwards nobody would come back to this record.
            raise
        log("step_retryable", payment_id=call.payment_id, reason=str(error))
        return unread(Outcome.RETRYABLE, call, "unavailable")
    raise Misused(f"recovery has no action {action!r}; decide and close are accepted")


class StandardMachine:
    """The unwinding machine on Step Functions: a name runs once."""

    def __init__(self, stepfunctions: Any, arn: str) -> None:
        self._client = stepfunctions
        self._arn = arn

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """See the port."""
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(payload))
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except Exception as error:
            raise Retryable(f"the unwinding of {name} could not be started: {type(error).__name__}") from None
