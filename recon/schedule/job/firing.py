"""One firing of a schedule: which run it means, as its event says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from recon.errors import Refused
from recon.match.request import WINDOWS, Request, instant

MEMBERS = ("window", "scheduled_at", "as_of", "attempt")
SLUGS = {window: window.replace("+", "") for window in WINDOWS}
"""Windows as folders: a plus means a space to many a reader of addresses."""
_UNFILLED = re.compile(r"<aws\.scheduler\.[a-z-]+>")


class BadFiring(Refused):
    """An event that is no firing of a schedule of ours."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A run that is due: `scheduled_at` is the schedule's own time, never the clock's, and what the run may know.

    `attempt` counts from 1; later ones come where a feed was late or another firing was at work.
    """

    window: str
    as_of: datetime
    scheduled_at: datetime
    attempt: int = 1

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """From a schedule's event: `window` and `scheduled_at` (RFC 3339); `as_of` where it is not that of the time.

        Raises BadFiring or BadRequest naming the member and what would be accepted.
        """
        if not isinstance(event, Mapping):
            raise BadFiring(f"the event is {event!r}; accepted is a JSON object with {', '.join(MEMBERS)}")
        if strange := sorted(set(event) - set(MEMBERS)):
            raise BadFiring(f"the event has {', '.join(strange)}; accepted are {', '.join(MEMBERS)}")
        window, said = event.get("window"), event.get("scheduled_at")
        if window not in WINDOWS:
            raise BadFiring(f"window of the event is {window!r}; accepted: {', '.join(WINDOWS)}")
        if not isinstance(said, str) or _UNFILLED.fullmatch(said):
            raise BadFiring(f"scheduled_at of the event is {said!r}; the schedule's input must have "
                            '"scheduled_at": "<aws.scheduler.scheduled-time>", which the scheduler fills in')
        attempt = event.get("attempt", 1)
        if not isinstance(attempt, int) or isinstance(attempt, bool) or attempt < 1:
            raise BadFiring(f"attempt of the event is {attempt!r}; a whole number from 1 is accepted")
        scheduled_at = instant(said, "scheduled_at of the event").replace(microsecond=0)
        given = event.get("as_of")
        if given is not None and not isinstance(given, str):
            raise BadFiring(f"as_of of the event is {given!r}; a day or an instant as text is accepted, or none")
        as_of = Request.parse(window=window, as_of=given or _due(window, scheduled_at), lake="any").as_of
        if as_of > scheduled_at:
            raise BadFiring(f"as_of {as_of:%Y-%m-%dT%H:%M:%SZ} lies after scheduled_at {said}; a run as of then is "
                            "not due yet")
        return cls(window, as_of, scheduled_at, attempt)

    @property
    def name(self) -> str:
        """The run as a folder: `T7/2026-03-31`, `hourly/2026-03-31T14`."""
        form = "%Y-%m-%dT%H" if self.window == "hourly" else "%Y-%m-%d"
        return f"{SLUGS[self.window]}/{self.as_of:{form}}"

    @property
    def known_at(self) -> str:
        """What may be known, as a run's parameter."""
        return f"{self.scheduled_at:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def folder(self) -> str:
        """Where this attempt's files go."""
        return f"{self.name}/{self.scheduled_at:%Y-%m-%dT%H%M%SZ}"

    def parameters(self) -> dict[str, str]:
        """window, as_of and known_at as the notebook takes them."""
        form = "%Y-%m-%dT%H:%M:%SZ" if self.window == "hourly" else "%Y-%m-%d"
        return {"window": self.window, "as_of": f"{self.as_of:{form}}", "known_at": self.known_at}

    def again(self, scheduled_at: datetime | None = None) -> Self:
        """The same run, fired once more: knowing what will have landed by a later time, or (None) no more than now."""
        at = self.scheduled_at if scheduled_at is None else scheduled_at.astimezone(UTC).replace(microsecond=0)
        return type(self)(self.window, self.as_of, at, self.attempt + 1)

    def event(self) -> dict[str, Any]:
        """The event that parse() reads as this firing."""
        said = self.parameters()
        return {"window": said["window"], "as_of": said["as_of"], "scheduled_at": self.known_at,
                "attempt": self.attempt}


def _due(window: str, scheduled_at: datetime) -> str:
    """The as_of that a schedule's time means: the hour, or the day, that it lies in."""
    at = scheduled_at.replace(minute=0, second=0)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if window == "hourly" else f"{at:%Y-%m-%d}"
