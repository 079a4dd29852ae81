"""When a webhook is tried again, by Standard Webhooks' schedule with jitter, and what a receiver may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pipeline.errors import Misused

STANDARD = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
"""Seconds before each attempt, counted from the end of the one before: 75 h 35 min in all."""

JITTER = 0.2
"""A delay is longer by up to this share, so that what failed together does not come back together; never shorter."""

LONGEST_WISH_S = 86_400
"""The most of a Retry-After that is granted: the longest delay that the schedule itself has."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`delays`: seconds before each attempt; there are as many attempts."""

    delays: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> Schedule:
        """Of a setting such as STANDARD. Raises Misused."""
        try:
            delays = tuple(float(part) for part in text.split(","))
        except ValueError:
            delays = ()
        if not delays or not all(0 <= delay <= 7 * 86_400 for delay in delays):
            raise Misused("a schedule of webhooks is seconds before each attempt, up to a week each, between commas")
        return cls(delays)

    def after(self, attempt: int, draw: Callable[[], float], *, wish_s: float = 0) -> float | None:
        """Seconds from the end of `attempt` (from 0) to the next one, None where it was the last.

        `draw` gives a number from 0 to 1; `wish_s` is what the receiver asked for.
        """
        if attempt + 1 >= len(self.delays):
            return None
        return max(self.delays[attempt + 1], min(wish_s, LONGEST_WISH_S)) * (1 + JITTER * draw())


def wish(retry_after: str | None, *, at: datetime) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 where it says nothing readable."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:12]), LONGEST_WISH_S))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0
    # A date without a zone is in UTC.
    return max(((until if until.tzinfo else until.replace(tzinfo=UTC)) - at).total_seconds(), 0)
