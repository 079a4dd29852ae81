"""Recovery: by schedule the sweep over dead sagas; for the unwinding machine its first and its last step."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.gate.dynamo import DynamoGate
from pipeline.handlers.parts import client
from pipeline.handlers.wiring import ledger_ports, traced
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, unread
from pipeline.saga.recovery import close, decide, sweep
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.tell import tell
from pipeline.telemetry.trace import span, trace_headers
from pipeline.telemetry.xray import begun
from pipeline.times import utc_now


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
    machine = StandardMachine(client("stepfunctions"), Settings.of().text("UNWIND_STATE_MACHINE_ARN"))
    try:
        with span("sweep", begun(utc_now())) as made:
            swept = sweep(ledger_ports(), machine)
            made.set(found=swept.found, claimed=swept.claimed, stuck=swept.stuck)
    except Retryable as error:
        return {"outcome": str(Outcome.RETRYABLE), "reason": str(error)}
    return {"outcome": str(Outcome.OK), "found": swept.found, "claimed": swept.claimed, "stuck": swept.stuck}


def _step(action: str, event: Mapping[str, Any]) -> Result:
    call = Call.of(event)
    try:
        with traced(action, call) as made:
            if action == "decide":
                found = decide(ledger_ports(), call)
            elif action == "close":
                found = close(ledger_ports(), DynamoGate(client("dynamodb"), Settings.of().text("IDEMPOTENCY_TABLE")),
                              call)
            else:
                raise Misused(f"recovery has no action {action!r}; decide and close are accepted")
            made.set(outcome=found["outcome"], status=found["status"], code=found.get("code"))
        _count(action, found)
        return found
    except Retryable as error:
        if action == "close":
            # Its machine tries again for minutes: afterwards nobody would come back to this record.
            raise
        log("step_retryable", payment_id=call.payment_id, reason=str(error))
        return unread(Outcome.RETRYABLE, call, "unavailable")


def _count(action: str, found: Result) -> None:
    payment = found.get("payment")
    if action == "close" and found["outcome"] == Outcome.OK and isinstance(payment, dict):
        tell("saga_recovered", saga=payment["saga"], outcome="recovered", payment_id=payment["payment_id"],
             status=found["status"], fence=found["fence"])


class StandardMachine:
    """The unwinding machine on Step Functions: a name runs once."""

    def __init__(self, stepfunctions: Any, arn: str) -> None:
        self._client = stepfunctions
        self._arn = arn

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """See the port."""
        own, linked = str(payload["trace_id"]), str(payload["linked_trace_id"])
        try:
            with span("recover", own, kind="producer", links=[linked], payment_id=payload["payment_id"]) as made:
                self._client.start_execution(
                    stateMachineArn=self._arn, name=name, input=json.dumps(payload),
                    traceHeader=trace_headers(own, made)["X-Amzn-Trace-Id"])
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except Exception as error:
            raise Retryable(f"the unwinding of {name} could not be started: {type(error).__name__}") from None
