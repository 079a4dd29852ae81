"""ReserveBalance: step 2 of a saga and its undo."""

from __future__ import annotations

from typing import Any

from pipeline.handlers.wiring import ledger_ports, run
from pipeline.saga.calls import Result
from pipeline.saga.steps import reserve


def handler(event: dict[str, Any], context: object) -> Result:
    """Runs the step in the event's direction; see pipeline.saga.calls for what goes in and out."""
    return run(reserve, ledger_ports(), event)
