"""Relays over a real outbox: side by side, with transactions that commit late, and killed at any point."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from infra.local import postgres as local
from pipeline.lake.firehose import Sending, routes
from pipeline.lake.kinds import KINDS
from pipeline.lake.packing import Limits
from pipeline.ledger.connection import Database
from pipeline.ledger.outbox import Outbox
from pipeline.notify.relay import OUTCOME, Relayed, Send, relay
from pipeline.schemas.ulid import encode
from tests.firehose.fake import FakeFirehose, Ticking, nothing
from tests.firehose.rows import NOON, Row, line

TABLE = {kind: table.name for kind, table in KINDS.items()}


class Killed(BaseException):
    """The process is gone: nothing below it gets to do anything more."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def facts(first: int, count: int) -> list[Row]:
    """Rows of all kinds with ids from `first` on, over three hours; what belongs to no lake table is an outcome."""
    kinds = [*KINDS, OUTCOME]
    return [_fact(number, kinds[number % len(kinds)]) for number in range(first, first + count)]


def _fact(number: int, kind: str) -> Row:
    at = NOON + timedelta(hours=number % 3)
    body = line(KINDS[kind], at, **{_text_of(kind): f"{number}"}) if kind in KINDS else f'{{"outcome":{number}}}'
    return Row(encode(number), kind, body, at, None if kind == "ledger_control" else 7)


def _text_of(kind: str) -> str:
    return {"ledger_entry": "entry_id", "payment_event": "event_id", "ledger_control": "digest"}.get(kind, "status")


def insert(connection: psycopg.Connection, rows: Sequence[Row]) -> None:
    """Puts rows into the outbox, as a change of the ledger does."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at) "
                           "VALUES (%s, %s, %s, %s, %s)",
                           [(row.outbox_id, row.payment_id, row.kind, row.body, row.created_at) for row in rows])


class World:
    """An outbox in PostgreSQL, a Firehose and a queue."""

    def __init__(self, place: local.Database) -> None:
        self.dsn = place.app_dsn
        self.firehose = FakeFirehose.of()
        self.queue: list[Any] = []
        self.clock = Clock()

    def ways(self) -> dict[str, Send]:
        """By kind, as the relay's function has them."""
        streams = {table: table for table in self.firehose.streams}
        sending = Sending(Ticking().timing(), nothing, Limits(record_bytes=1_700, call_records=2))
        return {OUTCOME: self._enqueue, **routes(self.firehose, streams, sending)}

    def relay(self, *, limit: int = 7, outbox: Callable[[Database], Outbox] = Outbox,
              ways: Mapping[str, Send] | None = None) -> Relayed:
        """One relay with a connection of its own."""
        database = Database(self.dsn)
        try:
            return relay(outbox(database), ways or self.ways(), self.clock, limit=limit)
        finally:
            database.close()

    def put(self, rows: Sequence[Row]) -> None:
        """Commits rows."""
        with psycopg.connect(self.dsn) as connection:
            insert(connection, rows)

    def waiting(self) -> int:
        """Rows in the outbox."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute("SELECT count(*) FROM outbox").fetchone()
        assert found is not None
        return int(found[0])

    def arrived(self) -> Counter[tuple[str, str]]:
        """Everything that arrived: table (or the queue) and line."""
        lake = [(table, told) for table in self.firehose.streams for told in self.firehose.lines(table)]
        return Counter([*lake, *((OUTCOME, row.body) for row in self.queue)])

    def _enqueue(self, rows: Sequence[Any]) -> frozenset[str]:
        self.queue += rows
        return frozenset(row.outbox_id for row in rows)


def wanted(rows: Sequence[Row]) -> set[tuple[str, str]]:
    """Where these must arrive."""
    return {(TABLE.get(row.kind, row.kind), row.body) for row in rows}


@pytest.fixture
def world(postgres: local.Database) -> Iterator[World]:
    """With an empty outbox."""
    yield World(postgres)
    with psycopg.connect(postgres.owner_dsn) as connection:
        connection.execute("DELETE FROM outbox")


@pytest.mark.property(67)
def test_relays_side_by_side_with_late_commits_lose_nothing_and_double_nothing(world: World) -> None:
    rows = facts(0, 240)
    late, early = rows[:120], rows[120:]
    chance = random.Random(7)
    world.firehose.refuses = lambda *_: chance.random() < 0.2
    stop = threading.Event()

    def relaying() -> int:
        done = 0
        while not stop.is_set():
            done += world.relay().delivered
        return done

    with ThreadPoolExecutor(3) as pool, psycopg.connect(world.dsn) as slow:
        insert(slow, late)  # lower ids, which nobody sees yet
        relays = [pool.submit(relaying) for _ in range(3)]
        for number in range(0, len(early), 10):
            world.put(early[number:number + 10])
        slow.commit()
        world.firehose.refuses = lambda *_: False
        while world.waiting():
            stop.wait(0.05)
        stop.set()
        counts = [one.result() for one in relays]
    assert world.arrived() == Counter(dict.fromkeys(wanted(rows), 1))
    assert sum(counts) == len(rows)


def dying(point: str, when: int) -> Callable[[Database], Outbox]:
    """An outbox whose relay dies before or after the so-manieth call of a method."""
    name, _, side = point.rpartition(" ")
    calls = iter(range(when, -1, -1))

    def hit() -> bool:
        return next(calls, -1) == 0

    class Dying(Outbox):
        def take(self, **asked: object) -> list[object]:  # type: ignore[override]
            return self._struck("take", partial(Outbox.take, self, **asked))  # type: ignore[arg-type, return-value]

        def delivered(self, outbox_ids: Sequence[str]) -> None:
            self._struck("delivered", partial(Outbox.delivered, self, outbox_ids))

        def give_back(self, outbox_ids: Sequence[str], *, taken_until: datetime) -> None:
            self._struck("give_back", partial(Outbox.give_back, self, outbox_ids, taken_until=taken_until))

        def _struck(self, called: str, call: Callable[[], object]) -> object:
            struck = called == name and hit()
            if struck and side == "before":
                raise Killed
            done = call()
            if struck:
                raise Killed
            return done

    return Dying


@pytest.mark.property(67, 72)
@pytest.mark.parametrize("when", [0, 2])
@pytest.mark.parametrize("point", ["take before", "take after", "delivered before", "delivered after"])
def test_a_relay_that_is_killed_is_followed_by_the_next(world: World, point: str, when: int) -> None:
    rows = facts(0, 60)
    world.put(rows)
    with pytest.raises(Killed):
        world.relay(outbox=dying(point, when))
    before = world.arrived()
    world.relay()
    # What the dead one had is lent for a while yet.
    assert bool(world.waiting()) == (point in ("take after", "delivered before"))
    world.clock.now += timedelta(seconds=61)
    world.relay()
    assert (world.waiting(), set(world.arrived())) == (0, wanted(rows))
    doubled = {told for told, times in world.arrived().items() if times > 1}
    assert doubled <= before.keys()
    assert bool(doubled) == (point == "delivered before")


@pytest.mark.property(67)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_relay_that_is_killed_while_it_gives_back_keeps_what_was_refused(world: World, side: str) -> None:
    rows = facts(0, 30)
    world.put(rows)
    world.firehose.throttled = lambda _: True
    with pytest.raises(Killed):
        world.relay(outbox=dying(f"give_back {side}", 0), limit=50)
    assert world.waiting() == sum(row.kind in KINDS for row in rows)
    world.firehose.throttled = lambda _: False
    world.clock.now += timedelta(seconds=61)
    world.relay()
    assert (world.waiting(), world.arrived()) == (0, Counter(dict.fromkeys(wanted(rows), 1)))


@pytest.mark.property(67, 72)
@pytest.mark.parametrize("call", range(6))
def test_a_relay_that_is_killed_in_the_middle_of_sending_doubles_only_what_it_sent(world: World, call: int) -> None:
    rows = facts(0, 40)
    world.put(rows)

    def dies(number: int) -> bool:
        if number == call:
            raise Killed
        return False

    world.firehose.lost = dies
    with pytest.raises(Killed):
        world.relay(limit=50)
    before = world.arrived()
    world.firehose.lost = lambda _: False
    world.clock.now += timedelta(seconds=61)
    world.relay(limit=50)
    assert (world.waiting(), set(world.arrived())) == (0, wanted(rows))
    assert {told for told, times in world.arrived().items() if times > 1} == before.keys()


@pytest.mark.property(66)
def test_what_was_rolled_back_is_not_sent(world: World) -> None:
    with psycopg.connect(world.dsn) as connection:
        insert(connection, facts(0, 9))
        world.relay()
        connection.rollback()
    world.relay()
    assert world.arrived() == Counter()
