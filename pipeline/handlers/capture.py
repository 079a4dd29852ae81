"""CaptureOrVoid: step 4 of a saga, the pivot."""

from __future__ import annotations

from typing import Any

from pipeline.handlers.wiring import gateway_ports, run
from pipeline.saga.calls import Result
from pipeline.saga.steps import capture


def handler(event: dict[str, Any], context: object) -> Result:
    """Runs the step in the event's direction; see pipeline.saga.calls for what goes in and out."""
    return run(capture, gateway_ports(), event)
