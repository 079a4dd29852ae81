"""A place for runs, a notebook that is none, and followers that remember: what a firing meets in these tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recon.errors import Refused
from recon.schedule import record, runner
from recon.schedule.job.again import ByHand
from recon.schedule.job.firing import Firing
from recon.schedule.job.runs import Attempt
from recon.schedule.job.walk import Ended, Job, fire
from recon.store.place import LocalPlace, Place

SIX = datetime(2026, 3, 12, 6, 0, tzinfo=UTC)


def firing(at: datetime = SIX, **more: object) -> Firing:
    """The T+7 run of 12 March, known at `at`."""
    return Firing.parse({"window": "T+7", "scheduled_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", **more})


@dataclass
class Notebook:
    """Leaves files that say what it was given; `late` known_at wait for a feed, `broken` ones fail half-way."""

    late: Sequence[str] = ()
    broken: Sequence[str] = ()
    given: list[Mapping[str, object]] = field(default_factory=list)

    def __call__(self, given: Mapping[str, object]) -> runner.Ran:
        """As runner.run."""
        self.given.append(given)
        out, known_at = Path(str(given["out"])), str(given["known_at"])
        if known_at in self.broken:
            kept = out.with_name(out.name + ".failed")
            kept.mkdir(parents=True)
            (kept / record.REPORTS[0]).write_text("half a run")
            raise record.RunFailed(f"the notebook failed\nthe half-run notebook is kept in {kept}")
        out.mkdir(parents=True)
        run_id = f"run-{known_at}"
        status = "waiting" if known_at in self.late else "ok"
        for name in (*record.FILES, *record.REPORTS):
            (out / name).write_text(json.dumps({"name": name, "run_id": run_id, "status": status, "at": str(out)}))
        return runner.Ran(out, record.of(out))


@dataclass
class Remembering:
    """Followers with a memory; `refusing` makes the next call of counted() fail."""

    told: list[str] = field(default_factory=list)
    refusing: str = ""

    def counted(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """As Followers."""
        if self.refusing:
            said, self.refusing = self.refusing, ""
            raise Refused(said)
        self.told.append(f"counted {attempt.run_id}")

    def failed(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """As Followers."""
        self.told.append(f"failed {attempt.error.splitlines()[0]}")


@dataclass
class Site:
    """One place and everything that firings there share; the clock stands at `now` unless a test moves it."""

    place: Place
    notebook: Notebook = field(default_factory=Notebook)
    followers: Remembering = field(default_factory=Remembering)
    again: ByHand = field(default_factory=ByHand)
    now: datetime = SIX

    @classmethod
    def at(cls, folder: Path, notebook: Notebook | None = None) -> Site:
        """A fresh one in a folder."""
        return cls(LocalPlace(folder), notebook or Notebook())

    def job(self) -> Job:
        """What firings share."""
        return Job("lake", "duckdb", self.place, self.followers, self.again, retry_every=timedelta(hours=1),
                   retry_for=timedelta(hours=3), execute=self.notebook)

    def fire(self, one: Firing, owner: str = "me") -> Ended:
        """One firing."""
        return fire(one, self.job(), owner=owner, clock=lambda: self.now)

    def files(self) -> dict[str, bytes]:
        """Everything in the place, but for claims."""
        root = Path(self.place.root)
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*"))
                if path.is_file() and path.name != "claim.json" and not path.name.startswith(".")}
