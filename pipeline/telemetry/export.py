"""Where ended spans go: as one OTLP document to a collector beside the function, else to a line of standard output."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.telemetry.lines import log, write
from pipeline.telemetry.xray import invocation

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

MOST = 250
"""Spans of one document: a line of the log has 256 KiB at most."""
WAIT_S = 0.5
"""A collector runs beside the function; one that does not answer by then costs its spans, not the payment."""
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def export(spans: Sequence[ReadableSpan]) -> None:
    """Hands on the spans of one piece of work, unless the platform decided not to sample it. Never raises."""
    if not invocation().sampled:
        return
    collector = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    try:
        for first in range(0, len(spans), MOST):
            document = otlp(spans[first:first + MOST])
            if collector:
                _send(f"{collector.rstrip('/')}/v1/traces", document)
            else:
                write(document)
    except Exception as error:
        log("spans_lost", error=type(error).__name__, count=len(spans))


def otlp(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """`spans` as OpenTelemetry's protocol writes them in JSON."""
    return {"resourceSpans": [{
        "resource": {"attributes": _attributes(spans[0].resource.attributes)},
        "scopeSpans": [{"scope": {"name": "pipeline"}, "spans": [_span(one) for one in spans]}]}]}


def _send(address: str, document: Mapping[str, Any]) -> None:
    request = urllib.request.Request(address, json.dumps(document, separators=(",", ":")).encode(),
                                     {"Content-Type": "application/json"}, method="POST")
    with _HTTP.open(request, timeout=WAIT_S) as answer:
        answer.read()


def _span(one: ReadableSpan) -> dict[str, Any]:
    context, parent = one.get_span_context(), one.parent
    assert context is not None
    found: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}", "name": one.name,
        "kind": one.kind.value + 1, "startTimeUnixNano": str(one.start_time), "endTimeUnixNano": str(one.end_time)}
    if parent is not None:
        found["parentSpanId"] = f"{parent.span_id:016x}"
    if one.attributes:
        found["attributes"] = _attributes(one.attributes)
    if one.links:
        found["links"] = [{"traceId": f"{link.context.trace_id:032x}", "spanId": f"{link.context.span_id:016x}"}
                          for link in one.links]
    if one.status.status_code.value:
        found["status"] = {"code": one.status.status_code.value}
    return found


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value != ""]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
