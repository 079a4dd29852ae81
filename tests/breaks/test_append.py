"""Two writers never lose each other's work, and what a killed one left is finished by the next."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from infra.local.guard import applied, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.breaks.append import TRIES, move_head
from recon.breaks.book import Book
from recon.breaks.chain import read_head
from recon.breaks.errors import Contended, NotPossible
from recon.breaks.orders import Order, carry_out
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.store.place import Place, open_place
from tests.breaks.desk import ACTOR, START, Desk
from tests.breaks.places import FasterRival, Killed, KilledAfter, LostAnswer
from tests.factories.finished_run import Found, case_id, write_run

FOUND = Found("movement:J1")
CASE = case_id(FOUND.subject)
BUCKET = "break-register"
_PREFIXES = count()


def test_the_loser_of_a_race_decides_anew(desk: Desk) -> None:
    run = desk.run(found=[FOUND, Found("movement:J2")])
    rival = FasterRival(desk.place.root, lambda: desk.enter("T+14", [replace(FOUND, diff_minor=5)]))
    changes = update(rival, run, actor=ACTOR, now=START)
    assert [case.subject_id for case in changes.opened] == ["movement:J2"], "the other one was opened by the rival"
    assert desk.book().chain.number == 2
    assert dict(desk.case(FOUND.subject).diff_minor) == {"EUR": 5}


def test_of_two_who_enter_one_run_one_does(desk: Desk) -> None:
    run = desk.run(found=[FOUND])
    rival = FasterRival(desk.place.root, lambda: desk.register(run))
    changes = update(rival, run, actor=ACTOR, now=START)
    assert changes.already
    assert len(changes.opened) == len(desk.book().chain.entries) == 1


def test_of_two_who_decide_on_one_case_the_slower_is_told_what_is_possible_now(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    rival = FasterRival(desk.place.root, lambda: carry_out(desk.place, [Order(CASE, "explain", "timing")], actor="ana",
                                                           now=START))  # fmt: skip
    with pytest.raises(NotPossible, match="is explained, which assign is not for"):
        carry_out(rival, [Order(CASE, "assign", "zoe")], actor="bob", now=START)


def test_who_always_loses_gives_up_with_nothing_written(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    names = count()
    rival = FasterRival(desk.place.root, lambda: carry_out(desk.place, [Order(CASE, "assign", f"zoe {next(names)}")],
                                                           actor="ana", now=START), times=TRIES)  # fmt: skip
    with pytest.raises(Contended, match=f"{TRIES} times another writer of break_log was first; nothing was written"):
        carry_out(rival, [Order(CASE, "assign", "bob")], actor="bob", now=START)
    assert "bob" not in {entry.actor for entry in desk.book().chain.entries}


def test_a_write_whose_answer_was_lost_is_done_once(desk: Desk) -> None:
    run = desk.run(found=[FOUND])
    changes = update(LostAnswer(desk.place.root), run, actor=ACTOR, now=START)
    assert (len(changes.opened), changes.already) == (1, False)
    assert desk.book().chain.number == 1


def test_a_slow_writer_does_not_move_the_head_back(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    first = read_head(desk.place)
    assert first is not None
    desk.enter("T+14", [FOUND])
    second = read_head(desk.place)
    move_head(desk.place, first)
    assert read_head(desk.place) == second != first


@pytest.mark.parametrize("writes", range(6))
def test_what_a_killed_writer_left_is_finished_by_the_next(desk: Desk, writes: int) -> None:
    desk.enter(found=[Found("movement:J2")])
    run = desk.run("T+14", [FOUND], matched=[("J2", "t2")])
    try:
        update(KilledAfter(desk.place.root, writes), run, actor=ACTOR, now=START)
        assert writes >= 3, "object, head and run are written"
    except Killed:
        assert writes < 3
    changes = desk.register(run)
    assert changes.already == (writes > 0)
    assert [len(changes.opened), len(changes.resolved)] == [1, 1]
    book = desk.book()
    assert (book.chain.number, len(book.chain.entries), run.run_id in book.runs) == (2, 3, True)
    assert desk.register(run) == replace(changes, already=True)
    desk.enter("T+30", [FOUND])


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty lake in a folder or a bucket."""
    if request.param == "folder":
        yield open_place(tmp_path / "lake")
        return
    stack: Stack = request.getfixturevalue("stack")
    with applied(stack.environment()):
        make_bucket(client("s3"), BUCKET)
        yield open_place(f"s3://{BUCKET}/lake-{next(_PREFIXES)}")


def test_many_writers_at_once_lose_nothing(lake: Place, tmp_path: Path) -> None:
    run = RunFiles.read(write_run(tmp_path / "run", found=[Found(f"movement:J{number}") for number in range(4)]))
    later = RunFiles.read(write_run(tmp_path / "later", "T+14", matched=[("J0", "t0")]))
    update(lake, run, actor=ACTOR, now=START)

    def work(number: int) -> None:
        if number == 0:
            update(lake, later, actor=ACTOR, now=START)
        else:
            carry_out(lake, [Order(case_id(f"movement:J{number}"), "explain", "timing")], actor=f"a{number}", now=START)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    book = Book.read(lake)
    assert book.chain.number == 5
    assert sorted(case.status for case in book.cases.values()) == ["explained", "explained", "explained", "resolved"]
    assert set(book.runs) == {run.run_id, later.run_id}


def test_a_run_is_read_from_where_the_register_lies(lake: Place, tmp_path: Path) -> None:
    for path in write_run(tmp_path / "run", found=[FOUND]).iterdir():
        lake.put(f"runs/T7/2026-03-17/{path.name}", path.read_bytes())
    run = RunFiles.read(f"{lake.root}/runs/T7/2026-03-17")
    assert run == replace(RunFiles.of(lake, "runs/T7/2026-03-17"), _matches=run._matches)
    update(lake, run, actor=ACTOR, now=START)
    [name] = [entry.name for entry in lake.entries("recon_runs") or ()]
    assert name == f"{run.run_id}.parquet"
