"""Spans of one trace from the edge to the webhook, by OpenTelemetry with X-Ray's ids.

A trace id is given where work begins (it is stored with the payment); spans inside find it by themselves. What is not
ours to continue, a dead coordinator's trace, is linked. All spans of one piece of work leave together when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from pipeline.telemetry.lines import is_on, listed
from pipeline.telemetry.xray import invocation, trace_id_of

if TYPE_CHECKING:
    from pipeline.telemetry.recorder import Recorder

KINDS = ("internal", "server", "client", "producer", "consumer")


class Span(Protocol):
    """One piece of work."""

    @property
    def trace_id(self) -> str:
        """Of the form 1-8hex-24hex; empty outside of any trace."""
        ...

    @property
    def span_id(self) -> str:
        """Sixteen hexadecimal digits; empty outside of any trace."""
        ...

    def set(self, **attributes: object) -> None:
        """Adds attributes, as `log` would write them."""
        ...

    def fail(self, why: str) -> None:
        """Marks it as failed; `why` is a word of the code or a type's name."""
        ...


class _Nothing:
    """Where no trace goes on."""

    trace_id = ""
    span_id = ""

    def set(self, **attributes: object) -> None:
        """Nothing is kept."""

    def fail(self, why: str) -> None:
        """Nothing is kept."""


NOTHING: Span = _Nothing()
_current: ContextVar[Span] = ContextVar("span", default=NOTHING)


@contextmanager
def span(name: str, trace_id: str | None = None, *, kind: str = "internal", links: Sequence[str] = (),
         **attributes: object) -> Iterator[Span]:
    """One span for the block's length. Without `trace_id` it is part of the span around it, and nothing where there is
    none, or where spans are switched off (OTEL_SDK_DISABLED). `links`: trace ids that it has to do with and does not
    continue. `attributes`: fields of `log`'s list.

    What the block raises passes through and marks the span with its type's name.
    """
    around = _current.get()
    if (trace_id is None and not around.trace_id) or is_on("OTEL_SDK_DISABLED"):
        yield NOTHING
        return
    trace_id = around.trace_id if trace_id is None else trace_id_of(trace_id)
    recorder = _recorder()
    made = recorder.begin(name, trace_id, parent=_parent(around, trace_id), kind=kind,
                          links=[trace_id_of(link) for link in links], attributes=listed(attributes),
                          outermost=not around.trace_id)
    token = _current.set(made)
    try:
        yield made
    except BaseException as error:
        made.fail(type(error).__name__)
        raise
    finally:
        _current.reset(token)
        recorder.end(made)


def current() -> Span:
    """The span around; NOTHING where there is none."""
    return _current.get()


def trace_headers(trace_id: str, made: Span) -> dict[str, str]:
    """Headers that let another service go on with the trace below the span `made`."""
    trace_id = trace_id_of(trace_id)
    sampled = int(invocation().sampled)
    # This form has to name a span: where there is none, one that stands for the trace.
    above = made.span_id or trace_id[-16:]
    parent = f"Parent={made.span_id};" if made.span_id else ""
    return {"traceparent": f"00-{trace_id[2:10]}{trace_id[11:]}-{above}-0{sampled}",
            "X-Amzn-Trace-Id": f"Root={trace_id};{parent}Sampled={sampled}"}


def current_headers() -> dict[str, str]:
    """The same for the span around; nothing outside of one."""
    made = _current.get()
    return trace_headers(made.trace_id, made) if made.trace_id else {}


def _parent(around: Span, trace_id: str) -> str:
    """The span that a new one is below: the one around, else the platform's, where they are of its trace."""
    if around.trace_id:
        return around.span_id if around.trace_id == trace_id else ""
    found = invocation()
    return found.parent if found.trace_id == trace_id else ""


def _recorder() -> Recorder:
    # The SDK is loaded with the first span.
    from pipeline.telemetry.recorder import recorder

    return recorder()
