"""Ids are unique and grow, whatever clocks, freezes and copies do."""

from __future__ import annotations

import copy
import os
import random
import time as real
from array import array
from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Retryable
from pipeline.ids.port import SLOTS
from pipeline.ids.snowflake import Minter
from pipeline.schemas.ids import compose, minted_at
from tests.ids.memory import MemorySlots
from tests.ids.virtual import START_MS, Time, minter, parts


@pytest.mark.property(19)
def test_an_id_tells_time_worker_and_sequence() -> None:
    slots, time = MemorySlots(), Time()
    worker = minter(slots, time)
    time.ms += 10
    minted = [worker.mint() for _ in range(3)]
    assert worker.lease is not None
    at = [parts(one)[0] for one in minted]
    assert [parts(one)[1] for one in minted] == [worker.lease.slot] * 3
    assert [compose(minted_at(one), *parts(one)[1:]) for one in minted] == minted
    assert all(0 < one < 2**63 and abs(ms - START_MS) < 20 for one, ms in zip(minted, at, strict=True))


@pytest.mark.property(20)
def test_ids_grow_through_the_overflow_of_a_millisecond() -> None:
    time = Time()
    worker = minter(MemorySlots(), time)
    minted = [worker.mint() for _ in range(3 * 4096 + 5)]
    assert minted == sorted(set(minted))
    assert {parts(one)[0] for one in minted} == {START_MS + n for n in (1, 2, 3, 4)}
    assert max(parts(one)[2] for one in minted) == 4095


@pytest.mark.property(21)
@pytest.mark.parametrize("back, refused", [(1, False), (5, False), (6, True), (10_000, True)])
def test_a_clock_that_goes_back_is_waited_for_or_refused(back: int, refused: bool) -> None:
    time = Time()
    worker = minter(MemorySlots(), time)
    time.ms += 100
    last = worker.mint()
    time.ms += 100
    last = worker.mint()
    time.ms -= back
    if refused:
        with pytest.raises(Retryable, match="went back"):
            worker.mint()
        time.ms += back
    assert worker.mint() > last


@pytest.mark.property(22)
def test_a_worker_thawed_after_its_lease_mints_nothing_before_it_has_a_slot_again() -> None:
    slots, time = MemorySlots(slots=1), Time()
    frozen = minter(slots, time)
    last = frozen.mint()
    time.ms += 80_000
    successor = minter(slots, time)
    assert successor.mint() > last
    with pytest.raises(Retryable):
        frozen.mint()
    slots.down = True
    time.ms += 80_000
    with pytest.raises(Retryable):
        successor.mint()
    slots.down = False
    assert frozen.mint() > last
    assert slots.held[0].fence == 3


def test_a_lease_is_renewed_while_it_lives_and_outages_shorter_than_it_are_survived() -> None:
    slots, time = MemorySlots(), Time()
    worker = minter(slots, time)
    worker.mint()
    slot = worker.lease
    assert slot is not None
    time.ms += 40_000
    slots.down = True
    worker.mint()
    slots.down = False
    worker.mint()
    assert worker.lease is not None
    assert (worker.lease.slot, worker.lease.fence) == (slot.slot, slot.fence)
    assert worker.lease.bound_ms > slot.bound_ms
    slots.down = True
    time.ms += 57_999
    worker.mint()
    time.ms += 2
    with pytest.raises(Retryable):
        worker.mint()


@pytest.mark.property(23)
def test_the_1025th_worker_is_refused() -> None:
    slots, time = MemorySlots(), Time()
    workers = [minter(slots, time) for _ in range(SLOTS)]
    assert len({worker.mint() for worker in workers}) == SLOTS
    with pytest.raises(Retryable, match="no worker slot"):
        minter(slots, time).mint()


@pytest.mark.property(24)
@given(ahead=st.integers(-30_000, 30_000), minted=st.integers(1, 5000))
def test_a_successor_begins_after_everything_of_its_predecessor(ahead: int, minted: int) -> None:
    slots, time = MemorySlots(slots=1), Time()
    killed = minter(slots, time)
    last = [killed.mint() for _ in range(minted)][-1]
    others = Time(time.ms + 70_001 + ahead)
    successor = minter(slots, others)
    if ahead >= 0:
        assert successor.mint() > last
    else:
        with pytest.raises(Retryable):
            successor.mint()


@pytest.mark.property(24)
def test_a_thief_with_a_clock_far_ahead_still_mints_other_ids() -> None:
    slots, time = MemorySlots(slots=1), Time()
    robbed, thief = minter(slots, time), minter(slots, Time(time.ms + 3_600_000))
    minted = [robbed.mint() for _ in range(9)] + [thief.mint() for _ in range(9)]
    time.ms += 20_000
    minted += [robbed.mint() for _ in range(9)]
    assert len(set(minted)) == 27
    time.ms += 20_000
    with pytest.raises(Retryable):
        robbed.mint()


@pytest.mark.property(25)
def test_a_copy_takes_a_slot_of_its_own() -> None:
    slots, time = MemorySlots(), Time()
    who = ["the original"]
    original = Minter(slots, clock_ns=time.ns, sleep=time.sleep, new_owner=lambda: uuid4().hex, identity=lambda: who[0])
    first = original.mint()
    before = original.lease
    who[0] = "its copy"
    copied = original.mint()
    assert before is not None
    assert original.lease is not None
    assert original.lease.owner != before.owner
    assert parts(copied)[1] != parts(first)[1]


@pytest.mark.property(25)
def test_of_two_copies_that_do_not_know_it_only_one_keeps_the_slot() -> None:
    slots, time = MemorySlots(), Time()
    original = minter(slots, time)
    original.mint()
    copied = minter(slots, time)
    copied.__dict__.update(copy.copy(original.__dict__))
    time.ms += 40_000
    original.mint()
    copied.mint()
    assert original.lease is not None
    assert copied.lease is not None
    assert original.lease.slot != copied.lease.slot


@pytest.mark.property(25)
def test_a_forked_child_shares_neither_slot_nor_sequence() -> None:
    slots = MemorySlots()
    worker = Minter(slots, clock_ns=real.time_ns, sleep=real.sleep, new_owner=lambda: uuid4().hex)
    first = worker.mint()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(worker.mint()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = int(os.read(reader, 64))
    os.close(reader)
    os.close(writer)
    assert parts(told)[1] != parts(first)[1]


def test_nothing_is_claimed_before_the_first_id_and_what_is_forgotten_is_claimed_anew() -> None:
    slots, time = MemorySlots(), Time()
    worker = minter(slots, time)
    assert not slots.held
    first = worker.mint()
    worker.forget()
    assert worker.mint() > first
    assert len(slots.held) == 2


def test_the_end_of_the_ids_time_is_refused() -> None:
    time = Time(float(START_MS + (1 << 41)))
    with pytest.raises(Retryable, match="beyond the time"):
        minter(MemorySlots(), time).mint()


def lives(total: int, seed: int) -> Iterator[tuple[int, int]]:
    """(worker, id) of 64 workers that mint bursts, freeze, die and are succeeded, under clocks that drift and jump."""
    rng, slots, now = random.Random(seed), MemorySlots(slots=80, seed=seed), Time()
    clocks = [Time(now.ms + rng.randrange(-2_000, 2_000)) for _ in range(64)]
    workers = [minter(slots, clock) for clock in clocks]
    names, frozen_until, minted = list(range(64)), [0.0] * 64, 0
    while minted < total:
        step = rng.choice((3, 900, 20_000)) if rng.random() < 0.05 else 0.4
        now.ms += step
        for clock in clocks:
            clock.ms += step
        who, chance = rng.randrange(64), rng.random()
        if chance < 0.01:
            clocks[who].ms += rng.choice((-10_000, -4, 5_000, 90_000))
        elif chance < 0.02:
            frozen_until[who] = now.ms + rng.choice((5_000, 120_000))
        elif chance < 0.03:
            clocks[who] = Time(now.ms + rng.randrange(-2_000, 2_000))
            workers[who], names[who] = minter(slots, clocks[who]), max(names) + 1
        if now.ms < frozen_until[who]:
            continue
        for _ in range(rng.choices((1, 20, 200, 5_000), (10, 10, 10, 1))[0]):
            try:
                yield names[who], workers[who].mint()
            except Retryable:
                break
            minted += 1


def check_lives(total: int, seed: int) -> None:
    """No id twice, every worker's ids grow, and many workers held a slot after another."""
    minted, last, predecessors = array("q"), dict[int, int](), dict[int, set[int]]()
    for worker, one in lives(total, seed):
        assert one > last.get(worker, 0)
        last[worker] = one
        minted.append(one)
        predecessors.setdefault(parts(one)[1], set()).add(worker)
    assert len(minted) >= total
    assert np.unique(np.frombuffer(minted, dtype=np.int64)).size == len(minted)
    assert sum(len(workers) > 1 for workers in predecessors.values()) > 10


@pytest.mark.property(18)
@pytest.mark.property(20)
@pytest.mark.property(21)
@pytest.mark.parametrize("seed", range(3))
def test_no_id_is_minted_twice_through_freezes_takeovers_and_jumps(seed: int) -> None:
    check_lives(200_000, seed)


@pytest.mark.nightly
@pytest.mark.property(18)
def test_ten_million_ids_are_unique() -> None:
    check_lives(10_000_000, seed=99)
