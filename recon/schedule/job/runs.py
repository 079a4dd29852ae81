"""What the scheduled runs leave in their place: a folder per attempt, a state per run, and who is at work on it.

    T7/2026-03-31/run.json                   the state: which attempt counts, what has been done with it
    T7/2026-03-31/claim.json                 who works on the run, and until when that holds
    T7/2026-03-31/2026-03-31T060000Z/        the files of the attempt that knew what had landed by then
    T7/2026-03-31/2026-03-31T060000Z.failed/ the half-run notebook of one that failed
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from recon.errors import Refused
from recon.schedule.job.firing import Firing
from recon.store.place import Place
from recon.store.port import Absent

VERSION = 1


class BadState(Refused):
    """The state of a run cannot be read, or has changed under the hand of who claimed it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what it knew, and how it ended. `run_id` and `status` are empty where it failed, then `error` says
    why in plain words."""

    known_at: str
    folder: str
    run_id: str = ""
    status: str = ""
    error: str = ""

    @property
    def counts(self) -> bool:
        """Whether it left the files of a run."""
        return bool(self.run_id)


@dataclass(frozen=True, slots=True)
class RunState:
    """One run, (window, as_of): its attempts, oldest first. `finished`: nothing will be tried again.

    `followed`: run ids whose breaks are registered and whose flags are sent.
    """

    window: str
    as_of: str
    attempts: Sequence[Attempt] = ()
    followed: Sequence[str] = ()
    finished: bool = False
    next_attempt_at: str = ""
    version: int = VERSION

    def attempt(self, known_at: str) -> Attempt | None:
        """The attempt that knew what had landed by then and counts."""
        return next((one for one in self.attempts if one.known_at == known_at and one.counts), None)

    @property
    def latest(self) -> Attempt | None:
        """The last attempt that counts."""
        return next((one for one in reversed(self.attempts) if one.counts), None)

    def with_attempt(self, attempt: Attempt) -> RunState:
        """The state with `attempt` in the place of an earlier one of the same knowledge."""
        others = [one for one in self.attempts if one.known_at != attempt.known_at]
        return replace(self, attempts=sorted([*others, attempt], key=lambda one: one.known_at))


@dataclass(slots=True)
class Claimed:
    """A run that this process alone works on, as long as its claim holds."""

    place: Place
    name: str
    state: RunState
    _tag: str | None = field(default=None, repr=False)

    def save(self, state: RunState) -> None:
        """The state is `state` from now on. Raises BadState where somebody else has written it."""
        path, body = f"{self.name}/run.json", _json(asdict(state))
        done = self.place.create(path, body) if self._tag is None else self.place.replace(path, body, self._tag)
        found, tag = self.place.tagged(path)
        if not done and found != body:
            raise BadState(f"{self.place.root}/{path} was changed by another firing, which goes on with the run")
        self.state, self._tag = state, tag

    def upload(self, folder: Path, to: str, names: Collection[str]) -> None:
        """Puts files of a local folder into a folder of the place."""
        for name in names:
            self.place.put(f"{to}/{name}", (folder / name).read_bytes())

    def release(self) -> None:
        """Others may work on the run."""
        self.place.remove(f"{self.name}/claim.json")


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else works on the run, at most `until`."""

    until: datetime


def read(place: Place, firing: Firing) -> RunState:
    """What is known of a run; a fresh state where nothing is. Raises BadState."""
    return _read(place, firing)[0]


def claim(place: Place, firing: Firing, *, owner: str, now: datetime, until: datetime) -> Claimed | Busy:
    """The run for `owner` alone until `until`, or who has it. A claim of the same owner, or one that is over, goes on.

    Raises BadState.
    """
    path = f"{firing.name}/claim.json"
    mine = _json({"owner": owner, "until": until.isoformat()})
    if not place.create(path, mine):
        try:
            body, tag = place.tagged(path)
        except Absent:
            # It was released in between; whoever comes later finds it free.
            return Busy(now)
        held = json.loads(body)
        held_until = datetime.fromisoformat(held["until"])
        if held["owner"] != owner and held_until > now:
            return Busy(held_until)
        if not place.replace(path, mine, tag):
            return Busy(now)
    state, tag_of_state = _read(place, firing)
    return Claimed(place, firing.name, state, tag_of_state)


def _read(place: Place, firing: Firing) -> tuple[RunState, str | None]:
    path = f"{firing.name}/run.json"
    try:
        body, tag = place.tagged(path)
    except Absent:
        return RunState(firing.window, firing.parameters()["as_of"]), None
    try:
        told = json.loads(body)
        if told["version"] != VERSION:
            raise BadState(f"{place.root}/{path} is of version {told['version']}; this program knows {VERSION}: "
                           "deploy the one that wrote it, or name another place for runs")
        attempts = [Attempt(**one) for one in told.pop("attempts")]
        return RunState(attempts=attempts, **told), tag
    except (ValueError, KeyError, TypeError) as error:
        raise BadState(f"{place.root}/{path} cannot be read as the state of a run ({error}); restore it from an "
                       "earlier version of the object, or remove it to run again") from None


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
