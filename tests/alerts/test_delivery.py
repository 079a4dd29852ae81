"""No message is lost and none is sent twice without saying so, whatever refuses, dies or runs beside."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from recon.alerts.cause import Cause
from recon.alerts.deliver import LEFT, FlagsNotSent, flag, preview
from recon.alerts.failure import tell_failed, tell_refused
from recon.alerts.journal import BadJournal, Journal
from recon.alerts.letter import Letter
from recon.alerts.send import MemoryTopic, TopicRefused
from recon.store.place import LocalPlace
from tests.alerts.desk import Desk, brief, data, late
from tests.factories.finished_run import Found

FOUND = [Found("movement:J1"), Found("line:stripe:txn_2", "missing_in_ledger"),
         Found("line:stripe:txn_3", "duplicate_capture")]  # fmt: skip
NEXT_DAY = date(2026, 3, 11)
FAILED = {"window": "T+7", "as_of": "2026-03-17T00:00:00Z", "known_at": "2026-03-17T06:00:00Z", "lake": "lake",
          "engine": "athena"}  # fmt: skip


class Killed(BaseException):
    """The process ends here."""


class Mortal(LocalPlace):
    """Whoever writes is killed before the write of this number: objects made, replaced, put or removed."""

    def __init__(self, root: str, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        self._count()
        return super().create(path, body)

    def replace(self, path: str, body: bytes, tag: str) -> bool:
        """See Place."""
        self._count()
        return super().replace(path, body, tag)

    def put(self, path: str, body: bytes) -> None:
        """See Place."""
        self._count()
        super().put(path, body)

    def remove(self, path: str) -> None:
        """See Place."""
        self._count()
        super().remove(path)

    def _count(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


class Choosy(MemoryTopic):
    """Refuses what has this class."""

    def __init__(self, cls: str) -> None:
        super().__init__()
        self.cls = cls

    def publish(self, letter: Letter) -> str:
        """See Topic."""
        if letter.attributes["class"] == self.cls:
            raise TopicRefused(f"topic {self.name} takes no message: access denied")
        return super().publish(letter)


def test_what_a_topic_refuses_stays_due_and_the_others_are_sent(tmp_path: Path) -> None:
    topic = Choosy("missing_in_ledger")
    desk = Desk(tmp_path, topic)
    run = desk.run(found=FOUND)
    with pytest.raises(FlagsNotSent, match=r"1 of 3 flag\(s\) due could not be sent to memory: .*access denied.*stay"):
        desk.come(run)
    assert len(topic.published) == 2
    topic.cls = ""
    assert len(desk.come(run).sent) == 1
    assert len({letter.attributes["dedup_id"] for letter in topic.published}) == 3
    assert desk.come(run).sent == []


def test_a_topic_that_refuses_everything_is_not_asked_for_ever(tmp_path: Path) -> None:
    class Counting(MemoryTopic):
        asked = 0

        def publish(self, letter: Letter) -> str:
            self.asked += 1
            return super().publish(letter)

    topic = Counting(refusing="no such topic")
    desk = Desk(tmp_path, topic)
    run = desk.run(found=[Found(f"movement:J{number}", account=f"acct_{number}") for number in range(9)])
    with pytest.raises(FlagsNotSent, match=r"9 of 9 flag\(s\) due"):
        desk.come(run)
    assert topic.asked == 3
    topic.refusing = ""
    assert len(desk.come(run).sent) == 9


def test_what_one_run_left_due_is_sent_with_the_next_once_it_is_left_behind(desk: Desk) -> None:
    desk.topic.refusing = "it asks to slow down"
    run = desk.run(found=FOUND)
    with pytest.raises(FlagsNotSent):
        desk.come(run)
    desk.topic.refusing = ""
    due = {entry.message_id for entry in Journal(desk.place).due()}
    later = desk.run(cohort=NEXT_DAY)
    changes = desk.register.register(later)
    told = flag(desk.place, later, desk.register.book(), changes, desk.topic, lake="lake",
                now=desk.register.now - timedelta(hours=1) + LEFT - timedelta(seconds=1))
    assert (told.sent, len(due)) == ([], 3)
    assert set(desk.tell(later, changes).sent) == due


def test_whoever_is_killed_anywhere_is_taken_over_with_the_same_messages(tmp_path: Path) -> None:
    whole = _walk(Desk(tmp_path / "whole"))
    for writes in range(200):
        folder = tmp_path / f"{writes:03d}"
        place = Mortal(str(folder / "runs"), writes)
        desk = Desk(folder, runs=place)
        try:
            _walk(desk)
        except Killed:
            place.left = 10**9
            published = _walk(desk)
            assert published.keys() == whole.keys(), writes
            assert sorted(published.values()) == sorted(whole.values()), writes
            # At most the one message in whose sending it died goes out once more.
            assert len(desk.topic.published) <= len(whole) + 1
        else:
            assert writes > 10
            return
    raise AssertionError("it never came to its end")


def _walk(desk: Desk) -> dict[str, str]:
    """Two runs, flagged one after the other, as a job does that is fired again; what was published, by dedup_id."""
    runs = [desk.run(found=FOUND), desk.run("T+14", [FOUND[1]], matched=[("J1", "txn_1")])]
    for number, run in enumerate(runs):
        run = run.of(LocalPlace(str(desk.folder / f"run-{number}")))
        changes = desk.register.register(run)
        flag(desk.place, run, desk.register.book(), changes, desk.topic, lake="lake", now=desk.register.now)
    return {letter.attributes["dedup_id"]: letter.text.replace(str(desk.folder), "") for letter in
            desk.topic.published}


def test_two_runs_that_find_one_late_feed_at_once_make_one_message(desk: Desk) -> None:
    """While the one is about to say it, the other does."""
    one = desk.run(found=[late()])
    changes = desk.register.register(one)
    book, now = desk.register.book(), desk.register.now

    class Overtaken(LocalPlace):
        rival = True

        def create(self, path: str, body: bytes) -> bool:
            if path.startswith("flags/causes/") and self.rival:
                self.rival = False
                other = desk.run("T+14", [late()])
                flag(desk.place, other, book, desk.register.register(other), desk.topic, lake="lake", now=now)
            return super().create(path, body)

    told = flag(Overtaken(desk.place.root), one, book, changes, desk.topic, lake="lake", now=now)
    assert (told.messages, brief([data(letter) for letter in desk.topic.published])) == ([], [("flag", "feed_late")])
    assert Journal(desk.place).due() == []


def test_a_preview_says_what_would_be_told_and_writes_nothing(desk: Desk) -> None:
    run = desk.run(found=FOUND)
    changes = desk.register.register(run)
    before = desk.place.entries("flags")
    shown = preview(desk.place, run, desk.register.book(), changes, lake="lake")
    assert desk.place.entries("flags") == before
    desk.tell(run, changes)
    assert [message["message_id"] for message in shown] == sorted(
        (data(letter)["message_id"] for letter in desk.topic.published),
        key=[message["message_id"] for message in shown].index)  # fmt: skip
    assert preview(desk.place, run, desk.register.book(), changes, lake="lake") == []


@pytest.mark.parametrize("body", [
    b"{", b"[]", b'{"cause": {"class": "x", "gateway": "", "gateway_account": "", "subject": ""}}'])
def test_a_journal_that_cannot_be_read_is_refused_with_its_address(desk: Desk, body: bytes) -> None:
    cause = Cause("missing_at_gateway", "stripe", "acct_1")
    desk.place.put(f"flags/causes/{cause.fingerprint}.json", body)
    with pytest.raises(BadJournal, match=rf"flags/causes/{cause.fingerprint}\.json .*(restore|remove)"):
        desk.told(found=FOUND[:1])
    assert desk.topic.published == []


def test_a_run_that_failed_is_told_once_and_is_over_when_the_run_is_there(desk: Desk) -> None:
    now = desk.register.now
    assert len(tell_failed(desk.place, desk.topic, FAILED, error="no such table", kept="runs/x.failed", now=now)) == 1
    assert tell_failed(desk.place, desk.topic, FAILED, error="no such table", kept="runs/x.failed", now=now) == []
    again = FAILED | {"known_at": "2026-03-17T07:00:00Z"}
    assert tell_failed(desk.place, desk.topic, again, error="no such table", kept="runs/y.failed", now=now) == []
    assert desk.told(cohort=NEXT_DAY) == []
    assert brief(desk.told()) == [("recovered", "run_failed")]
    assert len(tell_failed(desk.place, desk.topic, again, error="anew", kept="runs/y.failed", now=now)) == 1
    [failed, _, _] = desk.topic.published
    assert failed.subject == "[failed] run_failed: the run failed (T+7 2026-03-17T00)"
    assert "no such table" in failed.text
    assert "runs/x.failed/reconciliation.html" in failed.text


def test_an_event_that_is_no_firing_is_told_once_a_day(desk: Desk) -> None:
    event, now = {"window": "T+8"}, desk.register.now
    sent = [tell_refused(desk.place, desk.topic, event, error="window of the event is 'T+8'", now=at)
            for at in (now, now + timedelta(minutes=5), now + timedelta(days=1))]  # fmt: skip
    assert [len(of) for of in sent] == [1, 0, 1]
    assert "T+8" in desk.topic.published[0].text
