"""A lake with a register, a place for runs and a topic: runs come one after the other, and what is told is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recon.alerts.deliver import Flagged, flag
from recon.alerts.letter import Letter
from recon.alerts.send import MemoryTopic
from recon.breaks.changes import Changes
from recon.breaks.run_files import RunFiles
from recon.store.place import Place, open_place
from tests.breaks.desk import Desk as Register
from tests.factories.finished_run import ACCOUNT, GATEWAY, REPORT, Found

FEED = f"feed:{GATEWAY}:{ACCOUNT}:{REPORT}:2026-03-10T00:00:00Z"


@dataclass
class Desk:
    """`clock` of the register moves on by an hour with every run."""

    folder: Path
    topic: MemoryTopic = field(default_factory=MemoryTopic)
    runs: Place | None = None

    def __post_init__(self) -> None:
        self.register = Register(self.folder)
        self.place: Place = self.runs or open_place(self.folder / "runs")

    def run(self, window: str = "T+7", found: Sequence[Found] = (), *, findings: Sequence[dict[str, Any]] = (),
            **more: Any) -> RunFiles:
        """A finished run; `findings` are those of its arrival model."""
        return self.register.run(window, found, arrivals={"findings": list(findings)}, **more)

    def come(self, run: RunFiles) -> Flagged:
        """The run is registered, and its flags are told."""
        return self.tell(run, self.register.register(run))

    def tell(self, run: RunFiles, changes: Changes) -> Flagged:
        """The flags of a run that is registered are told."""
        return flag(self.place, run, self.register.book(), changes, self.topic, lake="lake", now=self.register.now)

    def told(self, window: str = "T+7", found: Sequence[Found] = (), **more: Any) -> list[dict[str, Any]]:
        """What is published when such a run comes."""
        before = len(self.topic.published)
        self.come(self.run(window, found, **more))
        return [data(letter) for letter in self.topic.published[before:]]


def data(letter: Letter) -> dict[str, Any]:
    """What programs get."""
    value: dict[str, Any] = json.loads(letter.data)
    return value


def brief(messages: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """(kind, class) of messages."""
    return [(message["kind"], message["cause"]["class"]) for message in messages]


def finding(cls: str = "feed_late", subject: str = FEED, severity: str = "timing", **more: Any) -> dict[str, Any]:
    """What the arrival model names."""
    return {
        "class": cls, "subject_id": subject, "cause": {"class": cls, "subject_id": subject}, "gateway": GATEWAY,
        "gateway_account": ACCOUNT, "report_type": REPORT, "covers_from": "2026-03-10T00:00:00Z",
        "covers_until": "2026-03-11T00:00:00Z", "batch_id": None, "file": None, "reason": "the file is not here",
        "first_seen_at": "2026-03-12T06:00:00Z", "severity": severity,
    } | more  # fmt: skip


def late(severity: str = "warning") -> Found:
    """The row of the same feed."""
    return Found(FEED, "feed_late", 0, None, severity)
