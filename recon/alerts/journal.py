"""What has been said, and what is still to be sent: objects in the place of the runs, each written before its effect.

    flags/causes/{fingerprint}.json   the last that was said of a cause, with the whole message
    flags/open/{fingerprint}          causes that are flagged, to be looked at when they may be over
    flags/outbox/{message_id}.json    messages that are due
    flags/messages/{message_id}.json  messages that were sent, with the topic's own id
    flags/runs/{run_id}.json          runs that have been judged, with the messages of each
    flags/heard.json                  the latest run that spoke of feeds
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recon.alerts.cause import SEVERITIES, Cause
from recon.alerts.message import encoded
from recon.errors import Refused
from recon.store.place import Place
from recon.store.port import Absent

VERSION = 1
FLAGGED, CLEARED = "flagged", "cleared"
_TRIES = 8
_NEXT = "restore an earlier version of the object, or remove it: what it was about is then told again"


class BadJournal(Refused):
    """An object of the journal cannot be read, or others change it all the time."""


@dataclass(frozen=True, slots=True)
class Said:
    """The last that was said of a cause. `first_flagged_at` is the known_at of the run that flagged it; `of_feeds`:
    the arrival model named it, so that only a run that speaks of feeds can tell that it is over."""

    cause: Cause
    state: str
    severity: str
    first_flagged_at: str
    of_feeds: bool
    message: Mapping[str, Any]

    @property
    def is_flagged(self) -> bool:
        """Whether people were told that it is there, and not yet that it is over."""
        return self.state == FLAGGED


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is to be sent. `run_id` is the run that it is due for."""

    message_id: str
    run_id: str
    since: datetime
    message: Mapping[str, Any]


class Journal:
    """The journal in one place. Raises BadJournal where an object of it cannot be read."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def say(self, cause: Cause, decide: Callable[[Said | None], Said | None], now: datetime) -> Said | None:
        """What is said of `cause` becomes what `decide` makes of what was said, and its message is due; None: nothing
        new. Of two writers one decides anew on what the other has said."""
        path = f"flags/causes/{cause.fingerprint}.json"
        for _ in range(_TRIES):
            before, tag = self._tagged(path)
            said = decide(_said(before, f"{self._place.root}/{path}") if before else None)
            if said is None:
                return None
            # Whoever dies in between leaves a message too many rather than one too few.
            due = self.post(said.message, now)
            if said.is_flagged:
                self._place.create(f"flags/open/{cause.fingerprint}", b"\n")
            body = _body(_told(said))
            written = self._place.create(path, body) if tag is None else self._place.replace(path, body, tag)
            if written or self._tagged(path)[0] == body:
                return said
            if due:
                self.unpost(due)
        raise BadJournal(f"{self._place.root}/{path} is changed by others all the time; repeat the command")

    def said(self, fingerprint: str) -> Said | None:
        """The last that was said of a cause."""
        path = f"flags/causes/{fingerprint}.json"
        body = self._tagged(path)[0]
        return _said(body, f"{self._place.root}/{path}") if body else None

    def open(self) -> list[str]:
        """Fingerprints of causes that may be flagged, sorted."""
        return self._names("flags/open")

    def closed(self, cause: Cause) -> None:
        """A cause that is over is no longer looked at."""
        said = self.said(cause.fingerprint)
        if said is None or not said.is_flagged:
            self._place.remove(f"flags/open/{cause.fingerprint}")

    def post(self, message: Mapping[str, Any], now: datetime) -> Due | None:
        """A message is due, unless it was sent: then None."""
        name = str(message["message_id"])
        if self.was_sent(name):
            return None
        self._place.create(f"flags/outbox/{name}.json", _body({"since": now.isoformat(), "message": message}))
        return Due(name, str(message["run_id"]), now, message)

    def due(self) -> list[Due]:
        """Messages that are to be sent, the gravest first."""
        found = []
        for name in self._names("flags/outbox"):
            path = f"flags/outbox/{name}"
            body = self._tagged(path)[0]
            if body is not None:
                told = _loaded(body, f"{self._place.root}/{path}")
                message = told["message"]
                found.append(Due(name.removesuffix(".json"), message["run_id"], datetime.fromisoformat(told["since"]),
                                 message))
        return sorted(found, key=_order)

    def was_sent(self, message_id: str) -> bool:
        """Whether a message was sent, as far as anybody lived to write it down."""
        return self._tagged(f"flags/messages/{message_id}.json")[0] is not None

    def sent(self, due: Due, topic: str, their_id: str, now: datetime) -> None:
        """A message was sent."""
        told = {"sent_at": now.isoformat(), "topic": topic, "topic_message_id": their_id, "message": due.message}
        self._place.put(f"flags/messages/{due.message_id}.json", _body(told))
        self.unpost(due)

    def unpost(self, due: Due) -> None:
        """A message is not due any more."""
        self._place.remove(f"flags/outbox/{due.message_id}.json")

    def judged(self, run_id: str) -> list[str] | None:
        """Ids of the messages of a run that has been judged; None where it has not."""
        path = f"flags/runs/{run_id}.json"
        body = self._tagged(path)[0]
        return None if body is None else list(_loaded(body, f"{self._place.root}/{path}")["messages"])

    def judge(self, run_id: str, messages: list[str]) -> None:
        """A run has been judged: these are its messages."""
        self._place.create(f"flags/runs/{run_id}.json", _body({"messages": messages}))

    def hear(self, as_of: str, known_at: str) -> bool:
        """Whether a run may speak of feeds: none that saw later, or knew more, has done so. Instants sort as text."""
        path = "flags/heard.json"
        mine = _body({"as_of": as_of, "known_at": known_at})
        for _ in range(_TRIES):
            body, tag = self._tagged(path)
            if body is not None:
                heard = _loaded(body, f"{self._place.root}/{path}")
                if as_of < heard["as_of"] or known_at < heard["known_at"]:
                    return False
                if body == mine:
                    return True
            if self._place.create(path, mine) if tag is None else self._place.replace(path, mine, tag):
                return True
        raise BadJournal(f"{self._place.root}/{path} is changed by others all the time; repeat the command")

    def may_speak(self, as_of: str, known_at: str) -> bool:
        """What hear() would answer, with nothing written."""
        body = self._tagged("flags/heard.json")[0]
        heard = _loaded(body, f"{self._place.root}/flags/heard.json") if body else None
        return heard is None or (as_of >= heard["as_of"] and known_at >= heard["known_at"])

    def _tagged(self, path: str) -> tuple[bytes, str] | tuple[None, None]:
        try:
            return self._place.tagged(path)
        except Absent:
            return None, None

    def _names(self, folder: str) -> list[str]:
        return sorted(entry.name for entry in self._place.entries(folder) or ()
                      if not entry.folder and not entry.name.startswith("."))


def _order(due: Due) -> tuple[int, str, Cause, str]:
    message = due.message
    return (-SEVERITIES.index(message["severity"]), message["kind"], Cause.from_dict(message["cause"]), due.message_id)


def _told(said: Said) -> dict[str, Any]:
    return {"version": VERSION, "cause": said.cause.to_dict(), "state": said.state, "severity": said.severity,
            "first_flagged_at": said.first_flagged_at, "of_feeds": said.of_feeds, "message": said.message}


def _said(body: bytes, where: str) -> Said:
    told = _loaded(body, where)
    try:
        return Said(Cause.from_dict(told["cause"]), told["state"], told["severity"], told["first_flagged_at"],
                    told["of_feeds"], told["message"])
    except (KeyError, TypeError) as error:
        raise BadJournal(f"{where} is no state of a cause: it lacks {error}; {_NEXT}") from None


def _loaded(body: bytes, where: str) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError as error:
        raise BadJournal(f"{where} cannot be read ({error}); {_NEXT}") from None
    if not isinstance(told, dict):
        raise BadJournal(f"{where} is not what a run wrote; {_NEXT}")
    return told


def _body(told: Mapping[str, Any]) -> bytes:
    return encoded(told).encode() + b"\n"
