"""One outcome to every channel: each is told once, and a retry tells only those that were not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.errors import PipelineError, Retryable
from pipeline.notify.events import Event
from pipeline.notify.told import Held
from pipeline.telemetry import log
from pipeline.telemetry.trace import span
from pipeline.times import Clock


class Channel(Protocol):
    """A way to tell of an event."""

    @property
    def name(self) -> str:
        """One word, a dimension of metrics."""
        ...

    def targets(self, event: Event) -> Sequence[str]:
        """Who is to be told through it, by names that stay the same. May raise anything: then nobody was told."""
        ...

    def tell(self, target: str, event: Event) -> None:
        """Tells one of them. May raise anything: then it may have happened or not, and will be repeated."""
        ...


class Record(Protocol):
    """What was done about an event; see told.Told."""

    def claim(self, key: str, *, at: datetime) -> frozenset[str]:
        """Holds the event and says which targets were told. Raises Held."""
        ...

    def record(self, key: str, done: Collection[str]) -> None:
        """These were told."""
        ...

    def release(self, key: str) -> None:
        """Another may have it."""
        ...


class Untold(Retryable):
    """Some channel was not told; `channels` names each."""

    def __init__(self, channels: Sequence[str]) -> None:
        super().__init__(f"not told: {', '.join(channels)}")
        self.channels = tuple(channels)


Counted = Callable[[str, bool], None]
"""Called with a channel's name and whether it was told, once per target."""


def fan_out(event: Event, channels: Sequence[Channel], told: Record, clock: Clock, counted: Counted) -> None:
    """Tells every target that was not told yet; one that fails stops none of the others.

    Raises Untold where any failed, Held where another is at it and not through, Retryable: then the message must come
    again. What was done between an effect and its record is repeated then, with the same event id.
    """
    with span("notify", event.trace_id, kind="consumer", payment_id=event.payment_id, merchant_id=event.merchant_id,
              event_id=event.event_id, status=event.status, version=event.version):
        try:
            done = told.claim(event.event_id, at=clock())
        except Held as held:
            if all(target in held.done for channel in channels for target in channel.targets(event)):
                return
            raise
        failed = [channel.name for channel in channels if not _through(channel, event, done, told, counted)]
        told.release(event.event_id)
    if failed:
        raise Untold(failed)


def _through(channel: Channel, event: Event, done: frozenset[str], told: Record, counted: Counted) -> bool:
    try:
        due = [target for target in channel.targets(event) if target not in done]
    except Exception as error:
        _failed(channel, event, error, counted)
        return False
    whole = True
    for target in due:
        try:
            with span(channel.name, kind="producer"):
                channel.tell(target, event)
            # At once, so that a crash repeats as little as can be.
            told.record(event.event_id, [target])
        except Exception as error:
            _failed(channel, event, error, counted)
            whole = False
        else:
            counted(channel.name, True)
    return whole


def _failed(channel: Channel, event: Event, error: Exception, counted: Counted) -> None:
    log("notification", outcome="failed", channel=channel.name, event_id=event.event_id, payment_id=event.payment_id,
        merchant_id=event.merchant_id, error=type(error).__name__,
        reason=str(error) if isinstance(error, PipelineError) else None)
    counted(channel.name, False)
