"""A firing runs once, waits for late feeds, keeps what failed, and goes on where another died."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from recon.errors import Refused
from recon.schedule import record
from recon.schedule.job import runs
from recon.schedule.job.firing import BadFiring
from recon.schedule.job.runs import BadState
from recon.store.place import LocalPlace, Place
from tests.schedule.job.site import SIX, Notebook, Site, firing

FOLDER = "T7/2026-03-12/2026-03-12T060000Z"


def test_a_firing_leaves_the_files_of_its_run_and_a_state_that_names_them(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    ended = site.fire(firing())
    assert (ended.outcome, ended.attempt and ended.attempt.folder) == ("done", FOLDER)
    files = site.files()
    assert set(files) == {f"{FOLDER}/{name}" for name in (*record.FILES, *record.REPORTS)} | {"T7/2026-03-12/run.json"}
    state = json.loads(files["T7/2026-03-12/run.json"])
    assert (state["finished"], state["followed"]) == (True, ["run-2026-03-12T06:00:00Z"])
    assert site.followers.told == ["counted run-2026-03-12T06:00:00Z"]
    assert site.place.entries("T7/2026-03-12/claim.json") is None
    [given] = site.notebook.given
    assert (given["window"], given["as_of"], given["known_at"]) == ("T+7", "2026-03-12", "2026-03-12T06:00:00Z")


def test_its_notebook_and_page_name_their_place(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.fire(firing())
    for name in record.REPORTS:
        assert json.loads(site.files()[f"{FOLDER}/{name}"])["at"] == f"{site.place.root}/{FOLDER}"


@pytest.mark.property(75)
@pytest.mark.parametrize("late", [(), ("2026-03-12T06:00:00Z",)])
def test_a_second_firing_changes_nothing(tmp_path: Path, late: tuple[str, ...]) -> None:
    site = Site.at(tmp_path, Notebook(late=late))
    first = site.fire(firing())
    before, told = site.files(), list(site.followers.told)
    for owner in ("me", "somebody else"):
        again = site.fire(firing(), owner)
        assert again.outcome == ("waiting" if late else "already")
        assert again.attempt == first.attempt
    assert (site.files(), site.followers.told, len(site.notebook.given)) == (before, told, 1)


def test_a_late_feed_is_waited_for_and_tried_again_until_it_is_there(tmp_path: Path) -> None:
    site = Site.at(tmp_path, Notebook(late=[f"2026-03-12T{hour:02}:00:00Z" for hour in (6, 7)]))
    ended, one = site.fire(firing()), firing()
    for hour in (7, 8):
        assert (ended.outcome, ended.next_attempt_at) == ("waiting", f"2026-03-12T{hour:02}:00:00Z")
        assert site.again.asked is not None
        assert site.again.at == SIX + timedelta(hours=hour - 6)
        one = site.again.asked
        site.now = site.again.at
        ended = site.fire(one)
    assert (ended.outcome, one.attempt, one.as_of) == ("done", 3, firing().as_of)
    state = runs.read(site.place, firing())
    assert [attempt.status for attempt in state.attempts] == ["waiting", "waiting", "ok"]
    # An attempt that was delivered again, or late, does not undo what later ones know.
    before = site.files()
    assert site.fire(firing()).outcome == "already"
    assert site.files() == before


def test_beyond_its_horizon_a_feed_is_no_longer_waited_for(tmp_path: Path) -> None:
    site = Site.at(tmp_path, Notebook(late=[f"2026-03-12T{hour:02}:00:00Z" for hour in range(6, 24)]))
    one = firing()
    for _ in range(3):
        assert site.fire(one).outcome == "waiting"
        assert site.again.asked is not None
        one = site.again.asked
        site.now = one.scheduled_at
    ended = site.fire(one)
    assert (ended.outcome, ended.attempt and ended.attempt.status) == ("done", "waiting")
    assert runs.read(site.place, firing()).finished


def test_what_failed_is_kept_told_and_tried_by_the_next(tmp_path: Path) -> None:
    site = Site.at(tmp_path, Notebook(broken=["2026-03-12T06:00:00Z"]))
    with pytest.raises(record.RunFailed, match="the notebook failed"):
        site.fire(firing())
    assert site.files()[f"{FOLDER}.failed/{record.REPORTS[0]}"] == b"half a run"
    state = runs.read(site.place, firing())
    assert not state.finished
    assert not state.attempts[0].counts
    assert state.attempts[0].error.endswith(f"is kept in {site.place.root}/{FOLDER}.failed")
    assert site.followers.told == ["failed the notebook failed"]
    site.notebook.broken = ()
    assert site.fire(firing()).outcome == "done"
    assert [attempt.counts for attempt in runs.read(site.place, firing()).attempts] == [True]


def test_a_fault_of_the_program_is_kept_and_told_as_well(tmp_path: Path) -> None:
    site = Site.at(tmp_path)

    def dies(_: object) -> None:
        raise MemoryError("no room")

    site.notebook = dies  # type: ignore[assignment]
    with pytest.raises(MemoryError):
        site.fire(firing())
    assert site.followers.told == ["failed MemoryError: no room"]


def test_flags_that_could_not_be_sent_are_sent_by_the_next_without_another_run(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.followers.refusing = "topic refuses"
    with pytest.raises(Refused, match="topic refuses"):
        site.fire(firing())
    assert site.fire(firing()).outcome == "done"
    assert (len(site.notebook.given), len(site.followers.told)) == (1, 1)


def test_a_firing_whose_time_has_not_come_is_refused(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    with pytest.raises(BadFiring, match=r"scheduled_at 2026-03-12T07:00:00Z lies ahead of 2026-03-12T06:00:00Z"):
        site.fire(firing(SIX + timedelta(hours=1)))
    assert site.files() == {}
    # Clocks differ a little.
    assert site.fire(firing(SIX + timedelta(minutes=1))).outcome == "done"


def test_while_one_works_another_comes_back_later(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    held = runs.claim(site.place, firing(), owner="first", now=SIX, until=SIX + timedelta(minutes=16))
    assert isinstance(held, runs.Claimed)
    ended = site.fire(firing(), "second")
    assert (ended.outcome, site.notebook.given) == ("busy", [])
    assert site.again.asked is not None
    assert site.again.at == SIX + timedelta(minutes=17)
    # The first one died, and its claim with it.
    site.now = site.again.at
    ended = site.fire(site.again.asked, "third")
    assert (ended.outcome, ended.attempt and ended.attempt.folder) == ("done", FOLDER)


def test_what_is_delivered_again_goes_on_with_its_own_claim(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    runs.claim(site.place, firing(), owner="same delivery", now=SIX, until=SIX + timedelta(minutes=16))
    assert site.fire(firing(), "same delivery").outcome == "done"


@dataclass
class Dying:
    """A place whose process dies at its nth write, before or after it."""

    inner: Place
    at: int
    after: bool
    root: str = ""
    writes: count[int] = field(default_factory=lambda: count(1))

    def __getattr__(self, name: str) -> object:
        method = getattr(self.inner, name)
        if name not in ("create", "replace", "put", "remove"):
            return method

        def called(*words: object) -> object:
            number = next(self.writes)
            if number == self.at and not self.after:
                raise KeyboardInterrupt
            if number > self.at:
                raise KeyboardInterrupt
            done = method(*words)
            if number == self.at and self.after:
                raise KeyboardInterrupt
            return done

        return called


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_wherever_a_firing_dies_the_next_one_ends_as_if_nothing_had_been(
        tmp_path: Path, after: bool, late: bool) -> None:
    notebook = Notebook(late=["2026-03-12T06:00:00Z"] if late else ())
    whole = Site.at(tmp_path / "whole", notebook)
    wanted = whole.fire(firing())
    expected = _without_addresses(whole)
    for number in range(1, 30):
        site = Site.at(tmp_path / f"killed-{number}", notebook)
        root = site.place.root
        site.place = Dying(LocalPlace(root), number, after, root)  # type: ignore[assignment]
        try:
            site.fire(firing(), "delivery")
        except KeyboardInterrupt:
            site.place = LocalPlace(root)
            site.now = SIX + timedelta(minutes=30)
            ended = site.fire(firing(), "another")
            assert ended.outcome in (wanted.outcome, "already"), number
        else:
            assert number > 8
            break
        assert _without_addresses(site) == expected, number
        assert set(site.followers.told) == set(whole.followers.told), number
        assert (site.again.asked is None) == (not late), number
    else:
        raise AssertionError("it never got to its end")


def _without_addresses(site: Site) -> dict[str, bytes]:
    return {path: body.replace(site.place.root.encode(), b"") for path, body in site.files().items()
            if not path.endswith(record.FILES)}


@pytest.mark.parametrize("body, said", [
    (b"{", "cannot be read as the state of a run"),
    (b'{"version": 9}', "is of version 9; this program knows 1"),
    (b'{"version": 1}', "cannot be read as the state"),
])
def test_a_state_that_cannot_be_read_is_refused_by_name(tmp_path: Path, body: bytes, said: str) -> None:
    site = Site.at(tmp_path)
    site.place.put("T7/2026-03-12/run.json", body)
    with pytest.raises(BadState, match=f"T7/2026-03-12/run.json.*{said}"):
        site.fire(firing())
    assert site.files() == {"T7/2026-03-12/run.json": body}
