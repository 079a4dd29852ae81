"""What follows a run: register, flags and metrics, each once, whatever refuses on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from recon.alerts.deliver import FlagsNotSent
from recon.alerts.send import MemoryTopic
from recon.breaks.book import Book
from recon.breaks.errors import LogBroken
from recon.match import output
from recon.match.request import Request
from recon.match.run import reconcile
from recon.schedule import record, runner
from recon.schedule.job import runs
from recon.schedule.job.again import ByHand
from recon.schedule.job.firing import Firing
from recon.schedule.job.followers import Following
from recon.schedule.job.walk import Ended, Job, fire
from recon.store.place import open_place
from tests.house.tree import ROOT

SAMPLE = ROOT / "notebooks" / "sample" / "lake"
DUE = Firing.parse({"window": "T+7", "scheduled_at": "2026-03-13T06:00:00Z"})


def run_of_sample(given: Mapping[str, object]) -> runner.Ran:
    """As runner.run, without a kernel: the notebook's own calls, and reports that say nothing."""
    out = Path(str(given["out"]))
    request = Request.parse(window=str(given["window"]), as_of=str(given["as_of"]), lake=str(given["lake"]),
                            known_at=str(given["known_at"]))
    output.write(reconcile(request), out)
    for name in record.REPORTS:
        (out / name).write_text("{}")
    return runner.Ran(out, record.of(out))


@dataclass
class Desk:
    """A lake, a place for runs and a topic."""

    folder: Path
    topic: MemoryTopic = field(default_factory=MemoryTopic)
    lines: list[str] = field(default_factory=list)
    ran: int = 0

    def fire(self) -> Ended:
        """The sample's T+7 run is fired."""
        place = open_place(self.folder / "runs")
        following = Following(str(self.folder / "lake"), place, "duckdb", self.topic, self.lines.append)
        job = Job(str(self.folder / "lake"), "duckdb", place, following, ByHand(), execute=self._execute)
        return fire(DUE, job, owner="test", clock=lambda: DUE.scheduled_at + timedelta(minutes=1))

    def book(self) -> Book:
        """The register."""
        return Book.read(open_place(self.folder / "lake"))

    def _execute(self, given: Mapping[str, object]) -> runner.Ran:
        self.ran += 1
        return run_of_sample(given)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Over the notebooks' own lake."""
    shutil.copytree(SAMPLE, tmp_path / "lake")
    return Desk(tmp_path)


def test_breaks_are_registered_flags_sent_and_figures_measured(desk: Desk) -> None:
    ended = desk.fire()
    assert ended.attempt is not None
    assert set(desk.book().runs) == {ended.attempt.run_id}
    assert {run.recorded_at for run in desk.book().runs.values()} == {DUE.scheduled_at + timedelta(minutes=1)}
    grave = {case.case_id for case in desk.book().cases.values() if case.severity != "timing"}
    told = [json.loads(letter.data) for letter in desk.topic.published]
    assert grave
    assert {case["case_id"] for one in told for case in one.get("largest", ())} <= grave
    assert sum(one["new_cases"] for one in told if one["kind"] == "flag") >= len(grave)
    measured = {name for line in desk.lines for of in json.loads(line)["_aws"]["CloudWatchMetrics"]
                for name in (metric["Name"] for metric in of["Metrics"])}
    assert measured >= {"MatchRate", "Unexplained", "ValueAtRisk", "OldestOpenBreakAge", "FeedTimeliness"}


def test_a_topic_that_refuses_is_asked_again_and_nothing_else_is_repeated(desk: Desk) -> None:
    desk.topic.refusing = "it is closed"
    with pytest.raises(FlagsNotSent, match=r"(?s)run is done and kept, but \d+ of \d+ flag.*it is closed.*stay due"):
        desk.fire()
    before = [path.read_bytes() for path in sorted((desk.folder / "lake/break_log").iterdir())]
    desk.topic.refusing = ""
    assert desk.fire().outcome == "done"
    assert desk.ran == 1
    assert len(desk.topic.published) > 0
    assert [path.read_bytes() for path in sorted((desk.folder / "lake/break_log").iterdir())] == before
    sent = list(desk.topic.published)
    assert desk.fire().outcome == "already"
    assert desk.topic.published == sent


def test_a_broken_log_stops_the_register_and_says_what_to_do(desk: Desk) -> None:
    desk.fire()
    log = desk.folder / "lake/break_log/00000001.parquet"
    body = bytearray(log.read_bytes())
    body[len(body) // 3] ^= 1
    log.write_bytes(bytes(body))
    state = desk.folder / "runs/T7/2026-03-13/run.json"
    told = json.loads(state.read_text())
    state.write_text(json.dumps(told | {"followed": [], "finished": False}))
    sent = len(desk.topic.published)
    with pytest.raises(LogBroken, match=r"break_log/00000001.parquet"):
        desk.fire()
    assert len(desk.topic.published) == sent
    assert log.read_bytes() == bytes(body)
    assert not runs.read(open_place(desk.folder / "runs"), DUE).followed
