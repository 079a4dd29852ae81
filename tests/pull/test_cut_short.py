"""A pull that is killed, cut off or met by another one."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from recon.lake import Lake
from recon.pull import pull as pulling
from recon.pull.listing import PATH
from recon.pull.pull import Progress, pull
from recon.store.aws import AwsRefused
from recon.store.port import StoreRefused
from tests.pull.bucket import ENTRIES, LANDED, OF_WINDOW, STATES, WINDOW, filled, here, killed_at, listed, parquet


def test_a_pull_that_was_killed_goes_on_where_it_was(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = filled()
    pull(bucket, lake, WINDOW)
    # As a kill leaves it: objects, none of them listed, and a temporary file.
    (lake / PATH).unlink()
    (lake / ".pull").mkdir()
    (lake / ".pull" / "half").write_bytes(b"half")
    (lake / STATES).write_bytes(b"x" * len(bucket.objects[STATES][0]))
    bucket.streamed.clear()
    # Until the next pull a run takes the file's time, which is the landing.
    assert [item.landed_at for item in Lake(lake).objects("ledger_entries")] == [LANDED]
    done = pull(bucket, lake, WINDOW)
    assert (bucket.streamed, done.fetched, done.unchanged) == ([STATES], [STATES], 3)
    assert here(lake) == sorted([*OF_WINDOW, PATH])
    assert listed(lake)[ENTRIES]["digest"] == hashlib.sha256(bucket.objects[ENTRIES][0]).hexdigest()


def test_a_process_that_is_killed_leaves_whole_objects(lake: Path) -> None:
    bucket = filled()
    for number in range(40):
        bucket.put(ENTRIES.replace("part-0", f"part-{number}"), parquet("ledger_entries", number))
    killed = get_context("spawn").Process(target=killed_at, args=(dict(bucket.objects), lake, 20))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -9
    done = pull(bucket, lake, WINDOW)
    assert (done.found, done.refused) == (43, [])
    assert len(done.fetched) < 43
    assert sorted(listed(lake)) == sorted(path for path in bucket.objects if WINDOW.holds(path))
    assert all((lake / path).read_bytes() == bucket.objects[path][0] for path in listed(lake))


def test_what_ends_a_pull_leaves_what_it_has_brought(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "AT_ONCE", 1)
    bucket = filled()

    def expire(path: str) -> None:
        if len(bucket.streamed) == 2:
            raise AwsRefused(f"{path}: the AWS credentials have expired")

    bucket.before = expire
    with pytest.raises(StoreRefused, match="have expired"):
        pull(bucket, lake, WINDOW)
    assert sorted(listed(lake)) == bucket.streamed == OF_WINDOW[:2]
    assert here(lake) == sorted([*OF_WINDOW[:2], PATH])
    bucket.before = lambda path: None
    assert pull(bucket, lake, WINDOW).fetched == OF_WINDOW[2:]


def test_the_listing_is_written_now_and_then(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "AT_ONCE", 1)
    monkeypatch.setattr(pulling, "LISTED_EVERY", 2)
    bucket, seen = filled(), list[int]()

    def look(path: str) -> None:
        if len(bucket.streamed) == 3:
            deadline = time.monotonic() + 20
            while not (lake / PATH).exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.append(len(listed(lake)))

    bucket.before = look
    pull(bucket, lake, WINDOW)
    assert seen == [2]


def test_two_at_once_do_the_work_of_one(lake: Path) -> None:
    bucket, waited = filled(), threading.Event()

    def hold(path: str) -> None:
        # The first goes on once the second has met its lock.
        assert waited.wait(20)

    bucket.before = hold
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(pull, bucket, lake, WINDOW, Progress(waiting=waited.set)) for _ in range(2)]
        done = [future.result() for future in both]
    assert sorted(len(one.fetched) for one in done) == [0, 4]
    assert len(bucket.streamed) == 4
    assert here(lake) == sorted([*OF_WINDOW, PATH])
