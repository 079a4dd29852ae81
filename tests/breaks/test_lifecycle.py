"""Whatever runs and people do in whatever order, the register says what a model of a page says, and nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recon.breaks.changes import Changes
from recon.breaks.errors import NotPossible
from recon.breaks.orders import Order, carry_out
from recon.breaks.run_files import RunFiles
from tests.breaks.desk import Desk
from tests.factories.finished_run import Found, case_id

DAYS = {"movement:J0": 10, "movement:J1": 10, "movement:J2": 11}
"""The day of March of whose cohort each movement is."""
CLASSES = {"missing_at_gateway": "break", "unsettled": "warning"}
PEOPLE = ("ana", "bob")


@dataclass
class Known:
    """What the model knows of one case."""

    status: str
    cls: str
    minor: int
    spoken: tuple[datetime, datetime]
    assignee: str | None = None
    maker: str = ""


class Lifecycle(RuleBasedStateMachine):
    """Runs of two cohorts enter early and late and again; two people work on three cases."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(Path(tempfile.mkdtemp(prefix="lifecycle-")))
        self.model: dict[str, Known] = {}
        self.entered: dict[str, tuple[RunFiles, Changes]] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.desk.folder)

    @rule(window=st.sampled_from(["T+7", "T+14", "T+30"]), day=st.sampled_from([10, 11]), late_h=st.integers(0, 3),
          says=st.fixed_dictionaries({subject: st.sampled_from(["nothing", "matched", *CLASSES]) for subject in DAYS}),
          minor=st.integers(1, 2))  # fmt: skip
    def a_run_enters(self, window: str, day: int, late_h: int, says: dict[str, str], minor: int) -> None:
        """A run of one day finds, matches or does not mention each movement of that day."""
        says = {subject: word for subject, word in says.items() if DAYS[subject] == day}
        found = [Found(subject, word, minor, severity=CLASSES[word]) for subject, word in says.items()
                 if word in CLASSES]  # fmt: skip
        matched = [(subject.removeprefix("movement:"), subject) for subject, word in says.items() if word == "matched"]
        late = timedelta(hours=late_h)
        run = self.desk.run(window, found, matched=matched, cohort=date(2026, 3, day), known_after=late)
        changes = self.desk.register(run)
        if run.run_id in self.entered:
            assert changes.already
            return
        self.entered[run.run_id] = run, changes
        at = (run.known_at, run.as_of)
        for subject, word in says.items():
            self._hear(subject, word, minor, at)

    def _hear(self, subject: str, word: str, minor: int, at: tuple[datetime, datetime]) -> None:
        known = self.model.get(subject)
        if known is None:
            if word in CLASSES:
                self.model[subject] = Known("open", word, minor, at)
            return
        if at <= known.spoken or word == "nothing":
            return
        if word == "matched":
            # A match says that the other side is there; `unsettled` speaks of something else, which was looked at.
            if known.status != "resolved":
                known.status, known.spoken = "resolved", at
            return
        again = known.status == "resolved" or (
            known.status in ("explained", "written_off", "write_off_proposed") and minor != known.minor)
        if again:
            known.status = "assigned" if known.assignee else "open"
        known.cls, known.minor, known.spoken = word, minor, at

    @precondition(lambda self: self.model)
    @rule(subject=st.sampled_from(sorted(DAYS)), who=st.sampled_from(PEOPLE),
          action=st.sampled_from(["assign", "explain", "write-off", "approve", "reject", "reopen"]))  # fmt: skip
    def somebody_acts(self, subject: str, who: str, action: str) -> None:
        """Somebody does something, or is refused."""
        known = self.model.get(subject)
        if known is None:
            return
        allowed = self._acts(known, who, action)
        self.desk.now += timedelta(hours=1)
        try:
            carry_out(self.desk.place, [Order(case_id(subject), action, who)], actor=who, now=self.desk.now)
        except NotPossible:
            assert not allowed, f"{who} could not {action} {known}"
        else:
            assert allowed, f"{who} could {action} {known}"

    @staticmethod
    def _acts(known: Known, who: str, action: str) -> bool:
        """Whether it is possible; done in the model if so."""
        back = "assigned" if known.assignee else "open"
        ways: dict[tuple[str, str], Any] = {
            ("open", "assign"): "assigned", ("assigned", "assign"): "assigned",
            ("write_off_proposed", "assign"): "write_off_proposed",
            ("open", "explain"): "explained", ("assigned", "explain"): "explained",
            ("open", "write-off"): "write_off_proposed", ("assigned", "write-off"): "write_off_proposed",
            ("explained", "write-off"): "write_off_proposed", ("write_off_proposed", "approve"): "written_off",
            ("write_off_proposed", "reject"): back, ("explained", "reopen"): back, ("written_off", "reopen"): back,
            ("resolved", "reopen"): back,
        }  # fmt: skip
        to = ways.get((known.status, action))
        if to is None or (action == "approve" and known.maker == who) or (action == "assign" and known.assignee == who):
            return False
        known.status = to
        if action == "assign":
            known.assignee = who
        if action == "write-off":
            known.maker = who
        return True

    @precondition(lambda self: self.entered)
    @rule(data=st.data())
    def a_run_enters_again(self, data: st.DataObject) -> None:
        """Nothing is changed, and what it changed then is told again."""
        run, then = self.entered[data.draw(st.sampled_from(sorted(self.entered)))]
        before = self.desk.book().chain
        again = self.desk.register(run)
        assert again.already
        assert (again.opened, again.reopened, again.escalated, again.reclassified, again.resolved) == (
            then.opened, then.reopened, then.escalated, then.reclassified, then.resolved)
        assert self.desk.book().chain == before

    @invariant()
    def the_register_says_what_the_model_says(self) -> None:
        """Read from the first entry on, verified, every time."""
        book = self.desk.book()
        said = {case.subject_id: (case.status, case.cls, dict(case.diff_minor), case.assignee, case.spoken)
                for case in book.cases.values()}
        assert said == {subject: (known.status, (known.cls,), {"EUR": known.minor}, known.assignee, known.spoken)
                        for subject, known in self.model.items()}
        assert set(book.runs) == set(self.entered)
        assert all(entry.actor and entry.recorded_at.tzinfo is UTC for entry in book.chain.entries)


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=settings().max_examples // 4, stateful_step_count=20)
