"""Spans made by OpenTelemetry's SDK, handed on as one OTLP document per piece of work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from pipeline.telemetry.export import export
from pipeline.telemetry.lines import listed
from pipeline.telemetry.metrics import SERVICE

_wanted: ContextVar[int] = ContextVar("trace_id_to_begin")
_ended: ContextVar[list[ReadableSpan] | None] = ContextVar("spans_of_this_work", default=None)


class Recorded:
    """A span of the SDK under the names of ours."""

    def __init__(self, made: Any, trace_id: str, *, outermost: bool) -> None:
        self.made = made
        self.trace_id = trace_id
        self.span_id = f"{made.get_span_context().span_id:016x}"
        self.outermost = outermost

    def set(self, **attributes: object) -> None:
        """See Span."""
        self.made.set_attributes(_plain(listed(attributes)))

    def fail(self, why: str) -> None:
        """See Span."""
        self.made.set_attribute("error", why)
        self.made.set_status(Status(StatusCode.ERROR))


class Recorder:
    """Begins and ends spans; with the end of the outermost all of them are exported."""

    def __init__(self) -> None:
        attributes = {"service.name": os.environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
                      "faas.name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")}
        provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource(attributes), id_generator=_Ids(),
                                  shutdown_on_exit=False)
        provider.add_span_processor(_Gathering())
        self._tracer = provider.get_tracer("pipeline")

    def begin(self, name: str, trace_id: str, *, parent: str, kind: str, links: Sequence[str],
              attributes: Mapping[str, object], outermost: bool) -> Recorded:
        """A span that is running; `parent`: the span id it is below, empty for none."""
        number = _number(trace_id)
        if outermost:
            _ended.set([])
        token = _wanted.set(number)
        try:
            made = self._tracer.start_span(
                name, context=_below(number, parent), kind=SpanKind[kind.upper()], attributes=_plain(attributes),
                links=[Link(_context(_number(link), _number(link) & 0xFFFFFFFFFFFFFFFF)) for link in links],
                record_exception=False, set_status_on_exception=False)
        finally:
            _wanted.reset(token)
        return Recorded(made, trace_id, outermost=outermost)

    def end(self, one: Recorded) -> None:
        """Ends it. Never raises."""
        one.made.end()
        if one.outermost:
            spans = _ended.get() or []
            _ended.set(None)
            export(spans)


class _Gathering(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        spans = _ended.get()
        if spans is not None:
            spans.append(span)


class _Ids(IdGenerator):
    """The trace that was asked for; span ids at random."""

    _random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return _wanted.get()

    def generate_span_id(self) -> int:
        return self._random.generate_span_id()


@cache
def recorder() -> Recorder:
    """This environment's."""
    return Recorder()


def _below(trace: int, parent: str) -> Context:
    empty = Context()
    return set_span_in_context(NonRecordingSpan(_context(trace, int(parent, 16))), empty) if parent else empty


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _number(trace_id: str) -> int:
    return int(trace_id[2:10] + trace_id[11:], 16)


def _plain(attributes: Mapping[str, object]) -> dict[str, Any]:
    """Values that an attribute may have."""
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in attributes.items()
            if value is not None}
