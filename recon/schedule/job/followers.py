"""What follows a run of a schedule: its breaks enter the register, its flags are sent, its figures are measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from recon.alerts import metrics
from recon.alerts.deliver import flag
from recon.alerts.failure import tell_failed, tell_refused
from recon.alerts.send import SnsTopic, Topic
from recon.breaks.run_files import RunFiles
from recon.breaks.update import enter
from recon.schedule.job.firing import Firing
from recon.schedule.job.runs import Attempt
from recon.store.place import Place, open_place

ACTOR = "schedule"
"""Who registers what a schedule has run."""

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Following:
    """See Followers. `measure` takes one line of metrics at a time, None for nobody who reads them."""

    lake: str
    place: Place
    engine: str
    topic: Topic
    measure: Write | None = None
    region: str | None = None

    @classmethod
    def of(cls, *, lake: str, place: Place, engine: str, topic: str, measure: Write | None = None) -> Self:
        """Flags go to the SNS topic with this ARN. Raises TopicRefused where it is none."""
        return cls(lake, place, engine, SnsTopic(topic), measure, os.environ.get("AWS_REGION"))

    def counted(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """See Followers. Raises Refused: LogBroken, FlagsNotSent and their like."""
        run = RunFiles.of(self.place, attempt.folder)
        changes, book = enter(open_place(self.lake), run, actor=ACTOR, now=now)
        try:
            flag(self.place, run, book, changes, self.topic, lake=self.lake, now=now, region=self.region)
        finally:
            # A topic that refuses is no reason not to measure.
            self._measure(metrics.metrics(run.summary, book.cases.values(), now))

    def failed(self, firing: Firing, attempt: Attempt, *, now: datetime) -> None:
        """See Followers."""
        as_of = f"{firing.as_of:%Y-%m-%dT%H:%M:%SZ}"
        self._measure([metrics.failed(firing.window, as_of, now)])
        parameters = {**firing.parameters(), "as_of": as_of, "lake": self.lake, "engine": self.engine}
        tell_failed(self.place, self.topic, parameters, error=attempt.error,
                    kept=f"{self.place.root}/{attempt.folder}", now=now, region=self.region)

    def refused(self, event: Mapping[str, Any], error: str, *, now: datetime) -> None:
        """Tells that an event is no firing of a schedule."""
        tell_refused(self.place, self.topic, event, error=error, now=now)

    def _measure(self, lines: list[str]) -> None:
        if self.measure:
            for line in lines:
                self.measure(line)
