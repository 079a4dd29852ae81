"""Events that are counted: their line carries their metric, so that nothing is written twice."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.telemetry.lines import log
from pipeline.telemetry.metrics import METRICS, are_off, emit

COUNTED: Mapping[str, tuple[str, str | None]] = {
    "step": ("StepDuration", "duration_ms"),
    "saga_ended": ("SagaOutcome", None),
    "saga_left": ("SagaOutcome", None),
    "saga_recovered": ("SagaOutcome", None),
    "lock_lost": ("LockLost", None),
}
"""Metric by event, and the field that holds its value; None: it counts one."""


def tell(event: str, **fields: object) -> None:
    """`log` that counts what is counted: of its fields those that are the metric's dimensions become dimensions."""
    counted = COUNTED.get(event)
    if counted is None or are_off():
        log(event, **fields)
        return
    metric, field = counted
    value = 1 if field is None else fields.pop(field, None)
    dimensions = {name: str(fields.pop(name)) for name in METRICS[metric].dimensions & fields.keys()}
    if isinstance(value, int | float):
        emit({metric: value}, properties={"event": event, **fields}, **dimensions)
    else:
        log(event, **fields, **dimensions)
