"""What the person who offers files may say about them: on the command line or in `arrivals.json` beside the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from recon.errors import Refused
from recon.feeds.times import known_zone

ARRIVALS = "arrivals.json"
_INSTANTS = ("received_at", "covers_from", "covers_until")
_TEXTS = ("gateway_account", "time_zone", "report_type", "batch_id", "gateway")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is known about a file besides its bytes. Instants are UTC; None: nobody said."""

    gateway_account: str | None = None
    payment_ref_columns: tuple[str, ...] = ()
    received_at: datetime | None = None
    covers_from: datetime | None = None
    covers_until: datetime | None = None
    time_zone: str | None = None
    report_type: str | None = None
    batch_id: str | None = None
    gateway: str | None = None


def for_file(path: Path, given: ReadOptions, arrivals: Mapping[str, ReadOptions]) -> ReadOptions:
    """Options of one file. The account comes from arrivals before the command line, everything else after it."""
    said = arrivals.get(path.name)
    if said is None:
        return given
    filled = {
        name: getattr(said, name)
        for name in (*_INSTANTS, *_TEXTS)
        if getattr(said, name) is not None and (getattr(given, name) is None or name == "gateway_account")
    }
    return replace(given, **filled)


def read_arrivals(folder: Path) -> dict[str, ReadOptions]:
    """`arrivals.json` of a folder: file name to what it says; empty when there is none. Raises Refused."""
    path = folder / ARRIVALS
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: not valid JSON ({error}); accepted: an object of file name to its facts") from None
    if not isinstance(entries, dict):
        raise Refused(f"{path}: accepted is an object of file name to {{{', '.join((*_INSTANTS, *_TEXTS))}}}")
    return {name: _entry(path, name, entry) for name, entry in entries.items()}


def _entry(path: Path, name: str, entry: object) -> ReadOptions:
    if not isinstance(entry, dict):
        raise Refused(f"{path}: {name}: accepted is an object with {', '.join((*_INSTANTS, *_TEXTS))}")
    try:
        instants = {key: instant(entry[key], key) for key in _INSTANTS if entry.get(key) is not None}
        texts = {key: str(entry[key]) for key in _TEXTS if entry.get(key) is not None}
        if "time_zone" in texts:
            zone(texts["time_zone"])
    except Refused as refused:
        raise Refused(f"{path}: {name}: {refused}") from None
    return ReadOptions(**instants, **texts)  # type: ignore[arg-type]


def instant(text: object, name: str) -> datetime:
    """An RFC 3339 instant, or a date meaning its first instant in UTC. Raises Refused naming what is accepted."""
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        parsed = None
    if parsed is None or (parsed.tzinfo is None and len(str(text)) > len("2026-01-31")):
        raise Refused(f"{name} {text!r} is no instant; accepted: 2026-01-31T06:00:00Z or 2026-01-31")
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)


def zone(text: str) -> str:
    """The name of a time zone that is known. Raises Refused."""
    if not known_zone(text):
        raise Refused(f"unknown time zone {text!r}; accepted: an IANA name such as Europe/Amsterdam or UTC")
    return text
