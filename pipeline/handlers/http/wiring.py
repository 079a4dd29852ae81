"""The real parts behind the edge: gate, machine and ledger, made of the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from pipeline.gate.dynamo import DynamoGate
from pipeline.handlers.http.executions import StepFunctions
from pipeline.handlers.http.once import Once
from pipeline.handlers.parts import client
from pipeline.settings import Settings
from pipeline.telemetry.tell import tell
from pipeline.times import utc_now


def once(settings: Settings, context: Any) -> Once:
    """What answers a request once, within the time that the function's `context` leaves."""
    gate = DynamoGate(client("dynamodb"), settings.text("IDEMPOTENCY_TABLE"),
                      lease=timedelta(seconds=settings.seconds("IDEMPOTENCY_LEASE_S", 35)),
                      retention=timedelta(seconds=settings.seconds("IDEMPOTENCY_RETENTION_S", 30 * 86_400)))
    executions = StepFunctions(settings.text("SAGA_STATE_MACHINE_ARN"),
                               remaining_s=lambda: context.get_remaining_time_in_millis() / 1000)
    return Once(gate, executions, utc_now, lambda: uuid4().hex, tell, settings.values.get("API_BASE", ""))
