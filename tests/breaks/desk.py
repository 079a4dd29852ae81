"""A register in a folder, and runs that enter it one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from recon.breaks.book import Book
from recon.breaks.case import Case
from recon.breaks.changes import Changes
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.store.place import Place, open_place
from tests.factories.finished_run import Found, case_id, write_run

START = datetime(2026, 4, 1, 8, tzinfo=UTC)
ACTOR = "job"


@dataclass
class Desk:
    """`now` moves on by an hour with every registration."""

    folder: Path
    now: datetime = START
    _numbers: count[int] = field(default_factory=count)

    @property
    def place(self) -> Place:
        """The lake."""
        return open_place(self.folder / "lake")

    def book(self) -> Book:
        """The register, read anew."""
        return Book.read(self.place)

    def case(self, subject: str) -> Case:
        """The case of a subject."""
        return self.book().cases[case_id(subject)]

    def run(self, window: str = "T+7", found: Sequence[Found] = (), **more: Any) -> RunFiles:
        """A finished run, not registered."""
        return RunFiles.read(write_run(self.folder / f"run-{next(self._numbers)}", window, found, **more))

    def enter(self, window: str = "T+7", found: Sequence[Found] = (), **more: Any) -> Changes:
        """A run is made and registered."""
        return self.register(self.run(window, found, **more))

    def register(self, run: RunFiles) -> Changes:
        """Register a run."""
        self.now += timedelta(hours=1)
        return update(self.place, run, actor=ACTOR, now=self.now)
