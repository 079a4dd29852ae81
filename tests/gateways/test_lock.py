"""The contract of the fence, on Redis and in memory, and what holds when Redis is slow, forgetful or down."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from _pytest.fixtures import SubRequest

from infra.local.redis import Redis
from pipeline.errors import Retryable
from pipeline.gateways.lock import RedisFence
from pipeline.gateways.lock_port import Fence
from tests.gateways.memory import MemoryFence
from tests.gateways.scripted import ScriptedServer, silent

SOON_S = 20.0


@dataclass
class Kind:
    """A fence, how to take a lock away from its holder, and who holds it."""

    fence: Fence
    take_away: Callable[[str], object]
    holder: Callable[[str], str | None]


@pytest.fixture(params=["redis", "memory"])
def kind(request: SubRequest) -> Iterator[Kind]:
    """Each kind of fence."""
    if request.param == "memory":
        fence = MemoryFence()
        yield Kind(fence, fence.lapse, fence.holders.get)
        return
    url: str = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:

        def holder(name: str) -> str | None:
            found = client.get(f"fence:{name}")
            return found.decode() if isinstance(found, bytes) else None
        yield Kind(RedisFence(url, ttl_ms=2000, renew_s=0.05), lambda name: client.delete(f"fence:{name}"), holder)


def _name() -> str:
    return f"payment:{uuid.uuid4()}"


def test_one_holds_and_the_other_is_told(kind: Kind) -> None:
    name = _name()
    with kind.fence.hold(name, owner="a") as first:
        assert first is not None
        assert first.lost is False
        with kind.fence.hold(name, owner="b") as second:
            assert second is None
        assert (kind.holder(name) or "").startswith("a:")
    assert kind.holder(name) is None
    with kind.fence.hold(name, owner="b") as third:
        assert third is not None


def test_twins_of_one_owner_exclude_each_other(kind: Kind) -> None:
    name = _name()
    with kind.fence.hold(name, owner="a") as first, kind.fence.hold(name, owner="a") as second:
        assert (first is None, second is None) == (False, True)


def test_payments_do_not_wait_for_each_other(kind: Kind) -> None:
    with kind.fence.hold(_name(), owner="a") as first, kind.fence.hold(_name(), owner="a") as second:
        assert first is not None
        assert second is not None


def test_an_error_in_the_block_gives_the_lock_back(kind: Kind) -> None:
    name = _name()
    with pytest.raises(ZeroDivisionError), kind.fence.hold(name, owner="a"):
        raise ZeroDivisionError
    assert kind.holder(name) is None


@pytest.mark.property(42)
def test_a_holder_whose_lock_is_over_does_not_delete_the_next_ones(kind: Kind) -> None:
    name = _name()
    first = kind.fence.hold(name, owner="a")
    lock = first.__enter__()
    assert lock is not None
    kind.take_away(name)
    with kind.fence.hold(name, owner="b") as second:
        assert second is not None
        _until(lambda: lock.lost)
        first.__exit__(None, None, None)
        assert (kind.holder(name) or "").startswith("b:")
        assert second.lost is False
    assert kind.holder(name) is None


@pytest.mark.property(41)
def test_of_many_at_once_one_holds(kind: Kind) -> None:
    name, inside, most = _name(), [0], [0]
    counting = threading.Lock()

    def attempt(number: int) -> bool:
        with kind.fence.hold(name, owner=str(number)) as lock:
            if lock is None:
                return False
            with counting:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with counting:
                inside[0] -= 1
            return True
    with ThreadPoolExecutor(8) as callers:
        won = list(callers.map(attempt, range(40)))
    assert any(won)
    assert most == [1]


def test_the_lock_outlives_its_time_while_the_block_runs(redis_url: str) -> None:
    name = _name()
    fence = RedisFence(redis_url, ttl_ms=600, renew_s=0.1)
    with redis.Redis.from_url(redis_url) as client, fence.hold(name, owner="a") as lock:
        assert lock is not None
        token, end = client.get(f"fence:{name}"), time.monotonic() + 1.5
        while time.monotonic() < end:
            assert client.get(f"fence:{name}") == token
            time.sleep(0.05)
        assert lock.lost is False


@pytest.mark.property(42)
def test_a_lock_whose_redis_stops_answering_is_lost_when_its_time_is_over(tmp_path: Path) -> None:
    server = Redis.start(tmp_path / "redis")
    try:
        with RedisFence(server.url, ttl_ms=1000, renew_s=0.1).hold(_name(), owner="a") as lock:
            assert lock is not None
            assert lock.lost is False
            server.kill()
            _until(lambda: lock.lost)
    finally:
        server.stop()


def test_a_connection_that_died_in_the_freezer_is_made_again(tmp_path: Path) -> None:
    server = Redis.start(tmp_path / "redis")
    try:
        fence = RedisFence(server.url)
        with fence.hold("payment:1", owner="a") as lock:
            assert lock is not None
        server.kill()
        server.restart()
        with fence.hold("payment:1", owner="a") as lock:
            assert lock is not None
    finally:
        server.stop()


@pytest.mark.property(43)
def test_without_redis_the_caller_is_told_that_nothing_has_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Retryable, match="lock service"), RedisFence(f"redis://127.0.0.1:{port}").hold("x", owner="a"):
        raise AssertionError("the block does not run")


@pytest.mark.property(43)
def test_a_redis_that_hangs_is_given_up_soon() -> None:
    start = time.monotonic()
    with ScriptedServer(silent, reads=False) as server, \
            pytest.raises(Retryable), RedisFence(f"redis://127.0.0.1:{server.port}").hold("x", owner="a"):
        raise AssertionError("the block does not run")
    assert time.monotonic() - start < SOON_S


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
