"""Reads spans from lines of a log, as OpenTelemetry's protocol writes them in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True)
class Span:
    """trace_id and links in X-Ray's form; parent empty at the top."""

    function: str
    trace_id: str
    span_id: str
    parent: str
    name: str
    kind: str
    took_ns: int
    attributes: dict[str, Any]
    links: tuple[str, ...]
    failed: bool


def spans(lines: Iterable[str]) -> Iterator[Span]:
    """All spans of these lines. Raises AssertionError for a document that breaks the protocol."""
    for line in lines:
        if '"resourceSpans"' not in line:
            continue
        for group in json.loads(line[line.index("{"):])["resourceSpans"]:
            resource = _attributes(group["resource"]["attributes"])
            assert resource["service.name"] == "payments"
            for scope in group["scopeSpans"]:
                yield from (_span(one, str(resource.get("faas.name", ""))) for one in scope["spans"])


def _span(one: dict[str, Any], function: str) -> Span:
    assert re.fullmatch("[0-9a-f]{32}", one["traceId"])
    assert re.fullmatch("[0-9a-f]{16}", one["spanId"])
    assert re.fullmatch("[0-9a-f]{16}|", one.get("parentSpanId", ""))
    took = int(one["endTimeUnixNano"]) - int(one["startTimeUnixNano"])
    assert took >= 0
    return Span(function, xray(one["traceId"]), one["spanId"], one.get("parentSpanId", ""), one["name"],
                KINDS[one["kind"]], took, _attributes(one.get("attributes", [])),
                tuple(xray(link["traceId"]) for link in one.get("links", [])), one.get("status", {}).get("code") == 2)


def xray(digits: str) -> str:
    """X-Ray's form of 32 digits."""
    return f"1-{digits[:8]}-{digits[8:]}"


def _attributes(given: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for attribute in given:
        ((kind, value),) = attribute["value"].items()
        found[attribute["key"]] = {"stringValue": str, "intValue": int, "doubleValue": float, "boolValue": bool}[kind](
            value)
    assert len(found) == len(given)
    return found
