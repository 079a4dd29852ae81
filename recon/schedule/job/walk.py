"""One firing from its event to its end: run, keep, follow, and fire once more where a feed was late.

Whatever dies on the way, the next firing goes on where it was: a run counts when its state says so, and what follows a
run may be repeated. Nothing that is done twice has a second effect.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from recon.errors import Refused
from recon.schedule import runner
from recon.schedule.job import runs
from recon.schedule.job.again import Again
from recon.schedule.job.firing import BadFiring, Firing
from recon.schedule.job.runs import Attempt, Busy, Claimed, RunState
from recon.schedule.record import RECONCILIATION, Leaves
from recon.store.place import Place

Clock = Callable[[], datetime]

LEASE = timedelta(minutes=16)
"""Longer than a function may run, so that no two work on one run."""
_MOMENT = timedelta(minutes=1)
_CLOCKS_DIFFER = timedelta(minutes=2)
"""The scheduler's from ours, at most."""


class Followers(Protocol):
    """What happens with a run once it counts, and with one that failed. Repeating either has no second effect."""

    def counted(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """Registers breaks, sends flags, writes metrics. Raises Refused where that could not be done."""
        ...

    def failed(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """Tells somebody."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """What firings have in common: the lake, the engine, the place of the runs, and who does what.

    A run that waits for a feed is tried again after `retry_every`, while that is within `retry_for` of its first time.
    """

    lake: str
    engine: str
    place: Place
    followers: Followers
    again: Again
    retry_every: timedelta = timedelta(hours=1)
    retry_for: timedelta = timedelta(hours=24)
    execute: runner.Execute = runner.run
    leaves: Leaves = RECONCILIATION


@dataclass(frozen=True, slots=True)
class Ended:
    """How a firing ended: `done`, `waiting` (a feed is late, `next_attempt_at` says when it is tried again),
    `already` (it was done before, nothing changed) or `busy` (another firing is at it)."""

    outcome: str
    firing: Firing
    attempt: Attempt | None = None
    next_attempt_at: str = ""


def fire(firing: Firing, job: Job, *, owner: str, clock: Clock) -> Ended:
    """Does what is left to do of a firing. `owner` is the same where one firing is delivered again.

    Raises BadFiring, with nothing done, where its time has not come. Raises Refused, RunFailed among it, where the run
    or what follows it failed: the half-run notebook is kept, somebody is told, and the next firing tries again.
    """
    now = clock()
    if firing.scheduled_at > now + _CLOCKS_DIFFER:
        raise BadFiring(f"scheduled_at {firing.known_at} lies ahead of {now:%Y-%m-%dT%H:%M:%SZ}: what will have landed "
                        "by then is not known yet; fire it when its time has come")
    claimed = runs.claim(job.place, firing, owner=owner, now=now, until=now + LEASE)
    if isinstance(claimed, Busy):
        job.again.fire(firing.again(), at=claimed.until + _MOMENT, now=now)
        return Ended("busy", firing)
    try:
        return _advanced(firing, job, claimed, clock)
    finally:
        claimed.release()


def _advanced(firing: Firing, job: Job, claimed: Claimed, clock: Clock) -> Ended:
    state = claimed.state
    latest = state.latest
    if state.finished or (latest and latest.known_at > firing.known_at):
        _follow_missed(firing, job, claimed, clock)
        return Ended("already", firing, latest)
    attempt = state.attempt(firing.known_at) or _attempt(firing, job, claimed, clock)
    _follow(firing, attempt, job, claimed, clock)
    state = claimed.state
    later = _next(firing, state, attempt, job)
    if later:
        job.again.fire(later, at=later.scheduled_at, now=clock())
    settled = replace(state, finished=later is None, next_attempt_at=later.known_at if later else "")
    if settled != state:
        claimed.save(settled)
    return Ended("waiting" if later else "done", firing, attempt, settled.next_attempt_at)


def _next(firing: Firing, state: RunState, attempt: Attempt, job: Job) -> Firing | None:
    """The firing that tries again, None where there is nothing to wait for any more."""
    at = firing.scheduled_at + job.retry_every
    first = datetime.fromisoformat(state.attempts[0].known_at).astimezone(UTC)
    return firing.again(at) if attempt.status == "waiting" and at <= first + job.retry_for else None


def _follow(firing: Firing, attempt: Attempt, job: Job, claimed: Claimed, clock: Clock) -> None:
    if attempt.run_id in claimed.state.followed:
        return
    job.followers.counted(firing, attempt, now=clock())
    claimed.save(replace(claimed.state, followed=[*claimed.state.followed, attempt.run_id]))


def _follow_missed(firing: Firing, job: Job, claimed: Claimed, clock: Clock) -> None:
    """What an earlier firing left undone of the latest attempt."""
    if claimed.state.latest:
        _follow(firing, claimed.state.latest, job, claimed, clock)


def _attempt(firing: Firing, job: Job, claimed: Claimed, clock: Clock) -> Attempt:
    """Runs the notebook and keeps what it leaves. Raises what the run raised, once it is kept and told."""
    with tempfile.TemporaryDirectory(prefix="recon-job-") as scratch:
        out = Path(scratch) / "run"
        given = {**firing.parameters(), "lake": job.lake, "engine": job.engine, "out": str(out)}
        try:
            ran = job.execute(given)
        except Exception as error:
            failed = _failed(firing, error, out, job, claimed)
            job.followers.failed(firing, failed, now=clock())
            raise
        names = (*job.leaves.files, *job.leaves.reports)
        _says_where_it_lies(out, job, f"{job.place.root}/{firing.folder}")
        claimed.upload(ran.out, firing.folder, names)
        attempt = Attempt(firing.known_at, firing.folder, ran.record.run_id, ran.record.status)
        claimed.save(claimed.state.with_attempt(attempt))
        return attempt


def _failed(firing: Firing, error: Exception, out: Path, job: Job, claimed: Claimed) -> Attempt:
    """Keeps the half-run notebook, with its error on top, and how the attempt ended."""
    said = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    kept, folder = out.with_name(f"{out.name}.failed"), f"{firing.folder}.failed"
    attempt = Attempt(firing.known_at, folder, error=said.replace(str(kept), f"{job.place.root}/{folder}"))
    if kept.is_dir():
        claimed.upload(kept, folder, sorted(path.name for path in kept.iterdir()))
    claimed.save(claimed.state.with_attempt(attempt))
    return attempt


def _says_where_it_lies(out: Path, job: Job, address: str) -> None:
    """Notebook and page name their place, and not the folder of this machine that is gone at once."""
    for name in job.leaves.reports:
        report = out / name
        report.write_bytes(report.read_bytes().replace(str(out).encode(), address.encode()))
