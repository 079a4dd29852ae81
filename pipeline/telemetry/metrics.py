"""Metrics in CloudWatch's embedded format: one JSON document per line, which is a line of the log at the same time.

Every combination of dimensions is a metric of its own and is paid for: which ones a metric has, and what a dimension
may say, is declared here. Ids are properties of the line, never dimensions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from pipeline.telemetry.lines import is_on, listed, log, write

NAMESPACE = "Payments"
SERVICE = "payments"


@dataclass(frozen=True, slots=True)
class Metric:
    """unit: as CloudWatch names it. dimensions: exactly those that it has besides `service`."""

    unit: str
    dimensions: frozenset[str] = frozenset()


def _metric(unit: str, *dimensions: str) -> Metric:
    return Metric(unit, frozenset(dimensions))


METRICS: Mapping[str, Metric] = {
    "SagaOutcome": _metric("Count", "saga", "outcome"),
    "StepDuration": _metric("Milliseconds", "step", "direction", "outcome"),
    "InDoubt": _metric("Count"),
    "CompensationStuck": _metric("Count"),
    "OldestUnfinishedSaga": _metric("Seconds"),
    "OutboxLag": _metric("Seconds"),
    "OutboxWaiting": _metric("Count"),
    "Imbalance": _metric("Count"),
    "LockLost": _metric("Count", "gateway"),
    "SlotsInUse": _metric("Count"),
    "LakeRecordsRefused": _metric("Count", "table"),
    "LakeRowsSent": _metric("Count", "table"),
    "NotificationsSent": _metric("Count", "channel"),
    "NotificationsFailed": _metric("Count", "channel"),
    "WebhookAttempts": _metric("Count", "outcome"),
}
"""All there are. What is emitted together has the same dimensions."""

WORD = re.compile(r"[a-z]+(?:_[a-z]+)*")
"""No digits: an id, a time or an amount is no value of a dimension."""
WORD_LENGTH = 32

DIMENSIONS: Mapping[str, frozenset[str] | None] = {
    "service": None,
    "saga": frozenset({"pay", "capture", "cancel"}),
    "step": frozenset({"validate", "reserve", "authorize", "capture", "commit", "notify"}),
    "direction": frozenset({"forward", "undo"}),
    "outcome": None,
    "gateway": frozenset({"stripe", "adyen"}),
    "table": frozenset({"ledger_entries", "payment_states", "payment_events", "ledger_control"}),
    "channel": frozenset({"topic", "bus", "webhook"}),
}
"""Their values; None: any of the code's own words."""


class Unlisted(ValueError):
    """A metric, dimension or value that is not on the list."""


def emit(values: Mapping[str, int | float], *, properties: Mapping[str, object] | None = None,
         **dimensions: str) -> None:
    """Writes one line with the metrics `values`, which share `dimensions`, and with `properties` as `log` writes them
    (`event` is one of them).

    What is not on the list is dropped with a line that says so; with TELEMETRY_STRICT in the environment, as in tests,
    it raises Unlisted. Nothing else is ever raised, and the properties are logged in any case, also where metrics are
    switched off (POWERTOOLS_METRICS_DISABLED).
    """
    told = dict(properties or {})
    if are_off():
        _only_log(told, dimensions)
        return
    try:
        line = document(values, told, dimensions)
    except Exception as error:
        if is_on("TELEMETRY_STRICT"):
            raise
        reason = str(error) if isinstance(error, Unlisted) else type(error).__name__
        log("metric_dropped", reason=reason)
        _only_log(told, dimensions)
        return
    write(line)


def are_off() -> bool:
    """Whether metrics are switched off."""
    return is_on("POWERTOOLS_METRICS_DISABLED")


def document(values: Mapping[str, int | float], properties: Mapping[str, object],
             dimensions: Mapping[str, str]) -> dict[str, object]:
    """The line of `emit`. Raises Unlisted."""
    _check(values, dimensions)
    # Loaded with the first metric: a function that fails before has not paid for it.
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    told = dict(properties)
    event = told.pop("event", None)
    kept = {name: value for name, value in listed(told).items() if name not in values and name not in dimensions}
    provider = AmazonCloudWatchEMFProvider(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE,
        service=os.environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
        metadata_set=kept if event is None else {"event": str(event), **kept})
    for name, value in values.items():
        provider.add_metric(name, METRICS[name].unit, value)
    for name, word in sorted(dimensions.items()):
        provider.add_dimension(name, word)
    return dict(provider.serialize_metric_set())


def _only_log(told: Mapping[str, object], dimensions: Mapping[str, str]) -> None:
    fields = dict(told)
    if (event := fields.pop("event", None)) is not None:
        log(str(event), **fields, **dimensions)


def _check(values: Mapping[str, int | float], dimensions: Mapping[str, str]) -> None:
    if not values:
        raise Unlisted("a line without a metric")
    for name, value in values.items():
        declared = METRICS.get(name)
        if declared is None:
            raise Unlisted(f"no metric {name}")
        if declared.dimensions != dimensions.keys():
            raise Unlisted(f"the metric {name} has {sorted(declared.dimensions)}, not {sorted(dimensions)}")
        if not isfinite(value):
            raise Unlisted(f"the metric {name} is not finite")
    for name, word in dimensions.items():
        known = DIMENSIONS[name]
        if known is not None and word not in known:
            raise Unlisted(f"the dimension {name} has no such value")
        if len(word) > WORD_LENGTH or not WORD.fullmatch(word):
            raise Unlisted(f"a value of the dimension {name} is none of our words")
