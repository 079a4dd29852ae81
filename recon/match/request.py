"""What a run is asked for, parsed and checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from recon.engine.port import ENGINES
from recon.errors import Refused
from recon.match.manifest_file import read_manifest

WINDOWS = ("hourly", "T+7", "T+14", "T+30")
SEARCH_BACK = timedelta(days=7)
"""How long before the cohort a partner may lie."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")


class BadRequest(Refused):
    """A parameter of a run is wrong."""


@dataclass(frozen=True, slots=True)
class Request:
    """One run: which cohort, seen when, knowing what, on which lake and engine. Instants are aware UTC."""

    window: str
    as_of: datetime
    known_at: datetime
    cohort_from: datetime
    cohort_to: datetime
    lake: str
    engine: str = "duckdb"
    manifest: str | None = None

    @property
    def search_from(self) -> datetime:
        """Where the search for partners starts."""
        return self.cohort_from - SEARCH_BACK

    @classmethod
    def parse(
        cls,
        *,
        window: str,
        as_of: str,
        lake: str,
        engine: str = "duckdb",
        known_at: str | None = None,
        manifest: str | None = None,
        now: datetime | None = None,
    ) -> Request:
        """Parse the parameters as the command line and the notebook give them.

        `as_of` is a date (T+N: that day's 00:00:00Z) or, for hourly, an RFC 3339 instant on the hour. `known_at` is an
        instant, a date, `now` (then `now` is used) or empty for the as_of instant. Raises BadRequest.
        """
        if window not in WINDOWS:
            raise BadRequest(f"window {window!r} is unknown; accepted: {', '.join(WINDOWS)}")
        if engine not in ENGINES:
            raise BadRequest(f"engine {engine!r} is unknown; accepted: {', '.join(ENGINES)}")
        if not lake:
            raise BadRequest("lake is empty; accepted: the folder that holds ledger_entries/ and the other tables, "
                             "or s3://bucket/prefix")
        at = _as_of(window, as_of)
        listed = _known_at_of_manifest(manifest, window, at) if manifest else None
        if window == "hourly":
            cohort_from, length = at - timedelta(hours=2), timedelta(hours=1)
        else:
            cohort_from, length = at - timedelta(days=int(window.removeprefix("T+"))), timedelta(days=1)
        return cls(
            window=window,
            as_of=at,
            known_at=_known_at(known_at or listed, at, now),
            cohort_from=cohort_from,
            cohort_to=cohort_from + length,
            lake=lake,
            engine=engine,
            manifest=manifest or None,
        )


def instant(text: str, what: str) -> datetime:
    """An RFC 3339 instant as aware UTC. Raises BadRequest naming `what`."""
    if not _INSTANT.fullmatch(text):
        raise BadRequest(f"{what} {text!r} is not an instant; accepted: RFC 3339, e.g. 2026-03-31T14:00:00Z")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise BadRequest(f"{what} {text!r} does not exist: {error}") from None


def midnight(text: str, what: str) -> datetime:
    """A date as its 00:00:00Z. Raises BadRequest naming `what`."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError as error:
        raise BadRequest(f"{what} {text!r} does not exist: {error}") from None


def _as_of(window: str, text: str) -> datetime:
    if window == "hourly":
        at = instant(text, "as_of of an hourly run")
        if (at.minute, at.second, at.microsecond) != (0, 0, 0):
            raise BadRequest(f"as_of {text!r} is not on the hour; accepted: e.g. {at:%Y-%m-%dT%H}:00:00Z")
        return at
    if _DAY.fullmatch(text):
        return midnight(text, "as_of")
    if _INSTANT.fullmatch(text):
        at = instant(text, "as_of")
        if at.time() == datetime.min.time():
            return at
    raise BadRequest(f"as_of {text!r} is not a day; {window} takes a date, e.g. 2026-03-31")


def _known_at_of_manifest(path: str, window: str, as_of: datetime) -> str:
    """known_at of the run that a manifest repeats. Raises BadRequest where it is of another window or as_of."""
    manifest = read_manifest(path)
    if manifest["window"] != window or instant(manifest["as_of"], f"as_of in {path}") != as_of:
        raise BadRequest(
            f"manifest {path} repeats {manifest['window']} as of {manifest['as_of']}, not {window} as of "
            f"{as_of:%Y-%m-%dT%H:%M:%SZ}; give it its own window and as_of"
        )
    return str(manifest["known_at"])


def _known_at(text: str | None, as_of: datetime, now: datetime | None) -> datetime:
    if text is None:
        return as_of
    if text == "now":
        if now is None:
            raise BadRequest("known_at 'now' is resolved by the command line; accepted here: an RFC 3339 instant")
        return now.replace(microsecond=now.microsecond - now.microsecond % 1000)
    return midnight(text, "known_at") if _DAY.fullmatch(text) else instant(text, "known_at")
