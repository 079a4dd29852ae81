"""ValidatePayment: step 1 of a saga, and the last of its undoing."""

from __future__ import annotations

from typing import Any

from pipeline.handlers.wiring import run, scoring_ports
from pipeline.saga.calls import Result
from pipeline.saga.steps import validate


def handler(event: dict[str, Any], context: object) -> Result:
    """Runs the step in the event's direction; see pipeline.saga.calls for what goes in and out."""
    return run(validate, scoring_ports(), event)
