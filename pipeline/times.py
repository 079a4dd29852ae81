"""Time in the pipeline: aware UTC datetimes, read from a clock only in handlers and passed in from there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present instant, aware and in UTC. Only pipeline.handlers makes a real one."""


def utc_now() -> datetime:
    """The present instant of this machine. For handlers alone; everything below them is given a Clock or an instant."""
    return datetime.now(UTC)


def iso_ms(at: datetime) -> str:
    """`at` as the lake's lines and the API print it: 2026-01-31T12:00:00.000Z. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {at.isoformat()}")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
