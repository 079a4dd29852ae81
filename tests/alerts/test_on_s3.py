"""What people know lies in a bucket as it does in a folder: the same runs make the same messages, once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from infra.local.guard import applied, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.alerts.deliver import FlagsNotSent
from recon.alerts.failure import tell_failed
from recon.store.place import open_place
from tests.alerts.desk import Desk, data, finding, late
from tests.factories.finished_run import Found, feed

BUCKET = "flags-on-s3"


def walk(desk: Desk) -> list[dict[str, Any]]:
    """A failed run, then three that come, each of them twice, the second time after a refusal."""
    failed = {"window": "T+7", "as_of": "2026-03-17T00:00:00Z", "known_at": "2026-03-17T00:00:00Z", "lake": "lake",
              "engine": "athena"}  # fmt: skip
    tell_failed(desk.place, desk.topic, failed, error="cut off", kept="runs/x.failed", now=desk.register.now)
    runs = [
        desk.run(found=[Found("movement:J1"), late()], findings=[finding()]),
        desk.run("T+14", [Found("movement:J2")], matched=[("J1", "t1")], feeds=[feed("accepted")]),
        desk.run("T+30", matched=[("J1", "t1"), ("J2", "t2")], feeds=[feed("accepted")]),
    ]
    for run in runs:
        changes = desk.register.register(run)
        desk.topic.refusing = "access denied"
        with pytest.raises(FlagsNotSent):
            desk.tell(run, changes)
        desk.topic.refusing = ""
        assert desk.tell(run, changes).sent
        assert not desk.tell(run, changes).sent
    return [data(letter) for letter in desk.topic.published]


def test_a_bucket_keeps_what_people_know(stack: Stack, tmp_path: Path) -> None:
    make_bucket(client("s3", stack.environment()), BUCKET)
    with applied(stack.environment()):
        place = open_place(f"s3://{BUCKET}/runs")
        there = walk(Desk(tmp_path / "s3", runs=place))
        assert place.entries("flags/outbox") in (None, [])
        assert place.entries("flags/open") in (None, [])
        assert len(place.entries("flags/messages") or ()) == len(there)
    here = walk(Desk(tmp_path / "folder"))
    assert [_nameless(message) for message in there] == [_nameless(message) for message in here]
    assert {message["kind"] for message in there} == {"failed", "flag", "recovered"}


def _nameless(message: dict[str, Any]) -> str:
    return re.sub(r"/\S+?/run-", "run-", repr(message))
