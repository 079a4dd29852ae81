"""What every table of worker slots owes: one holder at a time, and bounds that never go back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from infra.local.guard import applied
from infra.local.stack import Stack
from pipeline.errors import Retryable
from pipeline.ids.port import SlotLost, WorkerSlots
from pipeline.ids.slots import DynamoSlots
from tests.ids.memory import MemorySlots
from tests.ids.virtual import START_MS, Time, minter, parts

Make = Callable[[int], WorkerSlots]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Any]:
    """A DynamoDB client for the emulator."""
    with applied(stack.environment()):
        made = boto3.session.Session().client("dynamodb", config=Config(max_pool_connections=32))
        yield made
        made.close()


def table_of(client: Any) -> str:
    """A new table for slots."""
    name = f"slots-{uuid4().hex[:8]}"
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "slot", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "slot", "AttributeType": "N"}])
    return name


@pytest.fixture(params=["memory", "dynamodb"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a table of so many slots."""
    if request.param == "memory":
        return MemorySlots
    client = request.getfixturevalue("client")
    return lambda slots: DynamoSlots(client, table_of(client), slots=slots)


def test_a_claim_gives_a_slot_from_now_on(make: Make) -> None:
    lease = make(1).claim(owner="a", at_ms=START_MS)
    assert (lease.slot, lease.owner, lease.fence) == (0, "a", 1)
    assert (lease.start_ms, lease.bound_ms, lease.until_ms) == (START_MS + 1, START_MS + 60_000, START_MS + 60_000)


@pytest.mark.property(23)
def test_when_all_are_held_the_next_claim_is_refused(make: Make) -> None:
    slots = make(5)
    assert {slots.claim(owner=f"o{n}", at_ms=START_MS).slot for n in range(5)} == set(range(5))
    for later in (START_MS, START_MS + 60_000, START_MS + 70_000):
        with pytest.raises(Retryable, match="no worker slot is free"):
            slots.claim(owner="x", at_ms=later)


@pytest.mark.property(24)
def test_a_slot_is_free_a_margin_after_its_lease_and_begins_at_its_bound(make: Make) -> None:
    slots = make(1)
    first = slots.claim(owner="a", at_ms=START_MS)
    second = slots.claim(owner="b", at_ms=START_MS + 70_001)
    assert (second.fence, second.start_ms > first.bound_ms) == (2, True)
    with pytest.raises(SlotLost):
        slots.renew(first, at_ms=START_MS + 70_001)


def test_a_renewal_moves_the_bound_on_once(make: Make) -> None:
    slots = make(1)
    first = slots.claim(owner="a", at_ms=START_MS)
    second = slots.renew(first, at_ms=START_MS + 30_000)
    assert (second.fence, second.bound_ms, second.until_ms) == (1, START_MS + 90_000, START_MS + 90_000)
    with pytest.raises(SlotLost):
        slots.renew(first, at_ms=START_MS + 30_000)
    with pytest.raises(Retryable):
        slots.claim(owner="b", at_ms=START_MS + 70_001)


def test_a_bound_never_goes_back(make: Make) -> None:
    slots = make(1)
    first = slots.claim(owner="a", at_ms=START_MS)
    with pytest.raises(SlotLost):
        slots.renew(first, at_ms=START_MS - 10_000)
    with pytest.raises(SlotLost):
        slots.renew(replace(first, fence=2), at_ms=START_MS)


@pytest.mark.property(25)
def test_of_many_claims_at_once_none_share_a_slot(client: Any) -> None:
    slots, start = DynamoSlots(client, table_of(client), slots=16), threading.Barrier(16)

    def begin(number: int) -> int:
        start.wait()
        return slots.claim(owner=f"o{number}", at_ms=START_MS).slot

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(begin, range(16))) == list(range(16))


def test_a_claim_that_won_unheard_is_recognised(make: Make) -> None:
    slots = make(1)
    assert slots.claim(owner="a", at_ms=START_MS) == slots.claim(owner="a", at_ms=START_MS)


@pytest.mark.property(23)
@pytest.mark.property(24)
def test_minters_on_the_table_have_workers_of_their_own(make: Make) -> None:
    slots, time = make(2), Time()
    workers = [minter(slots, time), minter(slots, time)]
    assert {parts(worker.mint())[1] for worker in workers} == {0, 1}
    with pytest.raises(Retryable):
        minter(slots, time).mint()
    last = max(worker.mint() for worker in workers)
    time.ms += 75_000
    successor = minter(slots, time)
    assert successor.mint() > last


@pytest.mark.property(81)
def test_slots_in_use_are_counted(client: Any) -> None:
    table = DynamoSlots(client, table_of(client), slots=8)
    assert table.in_use(at_ms=START_MS) == 0
    leases = [table.claim(owner=owner, at_ms=START_MS) for owner in "abc"]
    assert table.in_use(at_ms=START_MS + 1) == 3
    table.renew(leases[0], at_ms=START_MS + 30_000)
    # Nobody gives a slot back: it is free a margin after its lease.
    assert table.in_use(at_ms=START_MS + 70_001) == 1
    assert table.in_use(at_ms=START_MS + 100_001) == 0
