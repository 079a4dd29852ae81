"""On worlds with planted incidents every one is told of by the run that can know, nothing else is, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from recon.alerts.deliver import flag
from recon.alerts.send import MemoryTopic
from recon.breaks.book import Book
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from recon.match.output import write
from recon.match.request import Request
from recon.match.run import reconcile
from recon.store.place import open_place
from recon.worlds.build import WorldSpec, build_world, history_of
from recon.worlds.view import Index
from tests.alerts.desk import data
from tests.alerts.incidents import Incident, Oracle, told

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class World:
    """A world whose files are ingested, and its listed runs in the order of what they knew, each reconciled."""

    root: Path
    spec: WorldSpec
    listed: list[dict[str, Any]] = field(default_factory=list)
    runs: list[RunFiles] = field(default_factory=list)

    def __post_init__(self) -> None:
        build_world(self.spec, self.root / "world")
        ingest([self.root / "world" / "feeds"], self.root / "world" / "lake", ReadOptions(), lambda: NOW)
        listed = json.loads((self.root / "world" / "world.json").read_text(encoding="utf-8"))["runs"]
        self.listed = sorted(listed, key=lambda run: (run["known_at"], run["as_of"], run["window"]))
        for number, run in enumerate(self.listed):
            as_of = run["as_of"] if run["window"] == "hourly" else run["as_of"][:10]
            asked = Request.parse(window=run["window"], as_of=as_of, known_at=run["known_at"],
                                  lake=str(self.root / "world" / "lake"))
            write(reconcile(asked), self.root / "runs" / f"{number:03d}")
            self.runs.append(RunFiles.read(self.root / "runs" / f"{number:03d}"))

    def oracle(self) -> Oracle:
        """What its truth implies."""
        policy = json.loads(resources.files("recon.match").joinpath("policy.json").read_bytes())["classes"]
        severity = {name: rule["severity"] for name, rule in policy.items()}
        return Oracle(self.root / "world", Index.of(history_of(self.spec)), severity)


@dataclass
class Walk:
    """Runs on their way through a register and a topic of their own."""

    world: World
    folder: Path
    topic: MemoryTopic = field(default_factory=MemoryTopic)

    def messages(self) -> Iterator[list[dict[str, Any]]]:
        """What is published when each run comes, an hour after the one before."""
        lake, place = open_place(self.folder / "lake"), open_place(self.folder / "runs")
        for number, run in enumerate(self.world.runs):
            now, before = NOW + timedelta(hours=number), len(self.topic.published)
            changes = update(lake, run, actor="job", now=now)
            flag(place, run, Book.read(lake), changes, self.topic, lake="lake", now=now)
            yield [data(letter) for letter in self.topic.published[before:]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small world of every kind of incident."""
    return World(tmp_path_factory.mktemp("incidents"), WorldSpec(4, 600, 24))


def score(world: World, folder: Path) -> tuple[Counter[str], list[str]]:
    """Messages by what they are (right, wrong, missing) and class, and in words what is not right."""
    oracle, counts, faults = world.oracle(), Counter[str](), []
    for run, messages in zip(world.listed, Walk(world, folder).messages(), strict=True):
        expected = oracle.expected(run)
        flags: set[Incident] = set()
        for message in messages:
            incident = told(message["cause"])
            if message["kind"] == "flag":
                right = incident in expected and incident not in flags
                flags.add(incident)
            else:
                right = oracle.is_over(incident, run)
            counts[f"{'right' if right else 'wrong'} {message['kind']} {incident[0]}"] += 1
            if not right:
                faults.append(f"{run['window']} {run['as_of']}: {message['kind']} {incident} is not so")
        for incident in sorted(expected - flags):
            counts[f"missing flag {incident[0]}"] += 1
            faults.append(f"{run['window']} {run['as_of']}: nobody was told of {incident}")
    return counts, faults


def verdict(counts: Counter[str], faults: list[str]) -> None:
    """Recall is 1 in every class, precision at least 0.99 over all."""
    by_word = {word: sum(count for name, count in counts.items() if name.startswith(word))
               for word in ("right flag", "right", "wrong", "missing")}  # fmt: skip
    assert by_word["missing"] == 0, faults
    assert by_word["right"] * 100 >= (by_word["right"] + by_word["wrong"]) * 99, faults
    assert by_word["right flag"] > 0


@pytest.mark.property(74)
def test_every_incident_is_told_of_and_nothing_else_is(world: World, tmp_path: Path) -> None:
    counts, faults = score(world, tmp_path)
    verdict(counts, faults)
    classes = {name.split()[-1] for name in counts}
    assert classes >= {"missing_at_gateway", "missing_in_ledger", "amount_mismatch", "feed_late", "feed_incomplete",
                       "feed_restated", "batch_gap", "payout_residual", "lake_gap"}  # fmt: skip


@pytest.mark.property(75)
def test_all_runs_once_more_send_nothing_and_elsewhere_the_same(world: World, tmp_path: Path) -> None:
    first = Walk(world, tmp_path / "here")
    once = [message for messages in first.messages() for message in messages]
    assert [message for messages in first.messages() for message in messages] == []
    there = [message for messages in Walk(world, tmp_path / "there").messages() for message in messages]
    assert there == once
    assert len({message["message_id"] for message in once}) == len(once)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_every_incident_of_a_larger_world_is_told_of(seed: int, tmp_path: Path) -> None:
    counts, faults = score(World(tmp_path, WorldSpec(seed, 4_000, 45)), tmp_path)
    verdict(counts, faults)
    assert sum(counts.values()) > 100
