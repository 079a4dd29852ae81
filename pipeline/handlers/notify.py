"""NotifyMerchant: step 6 of a saga."""

from __future__ import annotations

from typing import Any

from pipeline.handlers.wiring import relay_ports, run
from pipeline.saga.calls import Result
from pipeline.saga.steps import notify


def handler(event: dict[str, Any], context: object) -> Result:
    """Runs the step in the event's direction; see pipeline.saga.calls for what goes in and out."""
    return run(notify, relay_ports(), event)
