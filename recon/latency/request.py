"""Which payments are measured, parsed and checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from recon.engine.port import ENGINES
from recon.match.request import BadRequest, instant, midnight

GATEWAYS = ("all", "stripe", "adyen")
FOLLOWED = timedelta(days=1)
"""How long after the window its payments are followed: what recovery needs at most, so that no end is cut off."""
_SLACK = timedelta(days=1)
"""How far a gateway's clock and ours may name different days for one capture."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, slots=True)
class Request:
    """The payments that entered in [since, until) (aware UTC) at `gateway`, followed for FOLLOWED after it."""

    since: datetime
    until: datetime
    gateway: str
    lake: str
    engine: str = "duckdb"
    region: str | None = None

    @property
    def follow_until(self) -> datetime:
        """Where reading of states and events ends."""
        return self.until + FOLLOWED

    @property
    def lines_since(self) -> datetime:
        """Where reading of settlement lines begins."""
        return self.since - _SLACK

    @property
    def lines_until(self) -> datetime:
        """Where reading of settlement lines ends: the lines of what was captured while it was followed."""
        return self.follow_until + _SLACK

    @classmethod
    def parse(cls, *, since: str, until: str, lake: str, gateway: str = "all", engine: str = "duckdb",
              region: str | None = None) -> Request:
        """Parse the parameters as command line and notebook give them: `since` and `until` are dates (their 00:00:00Z)
        or RFC 3339 instants. Raises BadRequest."""
        begin, end = _when(since, "since"), _when(until, "until")
        if begin >= end:
            raise BadRequest(f"since {since} is not before until {until}; accepted: a window that holds some time, "
                             "half-open")
        if gateway not in GATEWAYS:
            raise BadRequest(f"gateway {gateway!r} is unknown; accepted: {', '.join(GATEWAYS)}")
        if engine not in ENGINES:
            raise BadRequest(f"engine {engine!r} is unknown; accepted: {', '.join(ENGINES)}")
        if not lake:
            raise BadRequest("lake is empty; accepted: the folder that holds payment_states/ and the other tables, or "
                             "s3://bucket/prefix")
        if region and not _REGION.fullmatch(region):
            raise BadRequest(f"region {region!r} is none of AWS; accepted: such as eu-central-1")
        return cls(begin, end, gateway, lake, engine, region or None)


def _when(text: str, what: str) -> datetime:
    found = midnight(text, what) if _DAY.fullmatch(text) else instant(text, what)
    if found.microsecond % 1000:
        raise BadRequest(f"{what} {text!r} is finer than a millisecond; accepted: at most three decimals")
    return found
