"""Real runs of a world, one after the other: what T+7 opens, T+14 clears, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from recon.breaks.book import Book
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from recon.match.output import write
from recon.match.request import Request
from recon.match.run import reconcile
from recon.store.place import open_place
from recon.worlds.build import WorldSpec, build_world
from tests.factories.finished_run import line_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world with its files ingested."""
    root = tmp_path_factory.mktemp("world")
    build_world(WorldSpec(3, 300, 40), root)
    ingest([root / "feeds"], root / "lake", ReadOptions(), lambda: NOW)
    return root


@pytest.fixture(scope="module")
def runs(world: Path) -> list[RunFiles]:
    """T+7, T+14 and T+30 over one day, as recon leaves them: the day of which a file came between the first two."""
    listed = json.loads((world / "world.json").read_text(encoding="utf-8"))["runs"]
    day = date.fromisoformat(next(of for of in listed if of["window"] == "T+7")["cohort_from"][:10])
    found = []
    for days in (7, 14, 30):
        as_of = str(day + timedelta(days=days))
        out = world / "runs" / as_of
        write(reconcile(Request.parse(window=f"T+{days}", as_of=as_of, lake=str(world / "lake"))), out)
        found.append(RunFiles.read(out))
    return found


def test_a_line_is_known_by_the_hash_that_ingest_gives_it(world: Path) -> None:
    rows = ds.dataset(world / "lake" / "settlement_lines", partitioning="hive").to_table().to_pylist()
    assert rows
    assert all(row["line_id"] == line_id(row["native_id"], row["gateway"], row["gateway_account"]) for row in rows)


def test_a_late_file_is_a_case_until_it_comes_and_the_rest_stays(runs: list[RunFiles], tmp_path: Path) -> None:
    place = open_place(tmp_path)
    first, second, third = (update(place, of, actor="job", now=NOW) for of in runs)
    assert [case.cls for case in second.resolved] == [("feed_late",)]
    assert {case.case_id for case in second.resolved} < {case.case_id for case in first.opened}
    assert (second.opened, second.reopened, third.resolved, third.reopened) == ((), (), (), ())
    book = Book.read(place)
    found = {row["case_id"] for row in runs[2].rows if row["severity"] != "info"}
    assert {case_id for case_id, case in book.cases.items() if case.status == "open"} == found
    assert [update(place, of, actor="job", now=NOW).already for of in reversed(runs)] == [True] * 3
    assert Book.read(place).chain == book.chain


def test_runs_that_enter_late_leave_the_same_money_open(runs: list[RunFiles], tmp_path: Path) -> None:
    states = []
    for name, order in (("forth", runs), ("back", list(reversed(runs)))):
        place = open_place(tmp_path / name)
        for of in order:
            update(place, of, actor="job", now=NOW)
        states.append({case_id: (case.status, case.diff_minor, case.window)
                       for case_id, case in Book.read(place).cases.items() if case.diff_minor})  # fmt: skip
    assert states[0] == states[1]
    assert states[0]
