"""What a pull brings, what it leaves alone, and what it says of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.lake import Lake
from recon.pull.listing import PATH
from recon.pull.pull import Progress, pull
from recon.pull.remote import TABLES, Window
from tests.pull.bucket import (
    CONTROL,
    ENTRIES,
    EVENTS,
    LANDED,
    OF_WINDOW,
    STATES,
    WINDOW,
    Bucket,
    filled,
    here,
    listed,
    parquet,
)

LATER = LANDED + timedelta(hours=3)


def test_the_windows_objects_come_with_what_a_run_asks_of_them(lake: Path) -> None:
    bucket = filled()
    done = pull(bucket, lake, WINDOW)
    assert done.fetched == OF_WINDOW
    assert (done.found, done.unchanged, done.gone, done.refused) == (4, 0, [], [])
    assert done.tables == dict.fromkeys(sorted(TABLES), 1)
    assert done.fetched_bytes == sum(len(bucket.objects[path][0]) for path in OF_WINDOW)
    assert (done.first, done.last) == (date(2026, 3, 9), date(2026, 3, 12))
    assert here(lake) == sorted([*OF_WINDOW, PATH])
    for table in TABLES:
        [item] = Lake(lake).objects(table)
        body = bucket.objects[item.path][0]
        assert (item.rows, item.digest, item.landed_at) == (3, hashlib.sha256(body).hexdigest(), LANDED)
        assert (lake / item.path).read_bytes() == body
        assert Lake(lake).changed([item], [item.digest or ""]) == []
        assert Lake(lake).objects(table, known_at=LANDED) == []


def test_what_no_reader_takes_for_an_object_is_left(lake: Path) -> None:
    bucket = filled()
    for name in ("_tmp.parquet", ".x.parquet", "notes.txt", "deeper/part.parquet"):
        bucket.put(ENTRIES.replace("part-0.parquet", name), b"x")
    bucket.put("ledger_entries/dt=2026-03-10/loose.parquet", b"x")
    bucket.put("ledger_entries/dt=2026-03-10/x=1/loose.parquet", b"x")
    bucket.put("errors/ledger_entries/dt=2026-03-10/hr=00/x.parquet", b"x")
    bucket.put("lake_files/part-0.parquet", b"x")
    assert pull(bucket, lake, WINDOW).fetched == OF_WINDOW


def test_again_brings_what_is_new_or_has_changed(lake: Path) -> None:
    bucket = filled()
    pull(bucket, lake, WINDOW)
    assert (pull(bucket, lake, WINDOW).fetched, len(bucket.streamed)) == ([], 4)
    bucket.put(ENTRIES, parquet("ledger_entries", 5), LATER)
    bucket.put(STATES.replace("part-0", "part-1"))
    done = pull(bucket, lake, WINDOW)
    assert done.fetched == sorted([ENTRIES, STATES.replace("part-0", "part-1")])
    assert done.unchanged == 3
    assert (listed(lake)[ENTRIES]["rows"], listed(lake)[ENTRIES]["landed_at"]) == (5, LATER.replace(tzinfo=None))
    # The same size and another tag.
    bucket.put(ENTRIES, parquet("ledger_entries", 5, "y"))
    bucket.put(ENTRIES, parquet("ledger_entries", 5, "z"))
    assert pull(bucket, lake, WINDOW).fetched == [ENTRIES]
    # What was removed here comes again.
    (lake / EVENTS).unlink()
    assert pull(bucket, lake, WINDOW).fetched == [EVENTS]


def test_windows_add_up(lake: Path) -> None:
    bucket = filled()
    days = [date(2026, 3, day) for day in (10, 11, 12, 13)]
    assert pull(bucket, lake, Window(days[0], days[1])).fetched == sorted([CONTROL, ENTRIES])
    assert pull(bucket, lake, Window(days[1], days[2])).fetched == sorted([EVENTS, STATES])
    assert sorted(listed(lake)) == OF_WINDOW
    wide = pull(bucket, lake, Window(date(2026, 3, 1), days[3]))
    assert (len(wide.fetched), wide.unchanged, len(listed(lake))) == (2, 4, 6)


def test_what_has_gone_from_s3_stays_and_is_told(lake: Path) -> None:
    bucket = filled()
    pull(bucket, lake, WINDOW)
    del bucket.objects[ENTRIES]
    done = pull(bucket, lake, WINDOW)
    assert (done.gone, done.found, done.unchanged) == ([ENTRIES], 3, 3)
    assert (lake / ENTRIES).is_file()
    assert sorted(listed(lake)) == OF_WINDOW
    assert pull(bucket, lake, Window(WINDOW.until, WINDOW.until + timedelta(days=1))).gone == []


def test_what_goes_while_it_is_listed_is_not_there(lake: Path) -> None:
    bucket = filled()
    bucket.before = lambda path: bucket.objects.pop(STATES, None) and None
    done = pull(bucket, lake, WINDOW)
    assert done.fetched == sorted({*OF_WINDOW} - {STATES})
    assert (done.found, done.unchanged, done.gone, done.refused) == (3, 0, [], [])


@pytest.mark.parametrize("body, said", [
    (b"", "cannot be read as Parquet"), (b"not parquet at all", "cannot be read as Parquet"),
    (parquet("ledger_entries")[:-9], "cannot be read as Parquet"),
    (parquet("ledger_entries")[:200] + b"PAR1", "cannot be read as Parquet"),
], ids=["empty", "text", "cut", "mended"])
def test_a_corrupt_object_is_refused_by_name_and_the_others_stay(lake: Path, body: bytes, said: str) -> None:
    bucket = filled()
    bucket.put(ENTRIES, body)
    done = pull(bucket, lake, WINDOW)
    assert [path for path, _ in done.refused] == [ENTRIES]
    assert said in done.refused[0][1]
    assert str(lake) not in done.refused[0][1]
    others = sorted({*OF_WINDOW} - {ENTRIES})
    assert (done.fetched, sorted(listed(lake))) == (others, others)
    assert here(lake) == sorted([*others, PATH])
    bucket.put(ENTRIES)
    assert pull(bucket, lake, WINDOW).fetched == [ENTRIES]


def test_an_object_that_is_put_anew_corrupt_leaves_the_one_that_was(lake: Path) -> None:
    bucket = filled()
    pull(bucket, lake, WINDOW)
    before = listed(lake)[ENTRIES]
    bucket.put(ENTRIES, b"broken", LATER)
    assert [path for path, _ in pull(bucket, lake, WINDOW).refused] == [ENTRIES]
    assert listed(lake)[ENTRIES] == before
    assert pq.read_metadata(lake / ENTRIES).num_rows == 3


def test_bytes_that_do_not_come_to_their_end_are_asked_for_again(lake: Path) -> None:
    bucket, tries = filled(), Counter[str]()

    def short(path: str, body: bytes) -> bytes:
        tries[path] += 1
        return body[:-7] if path == ENTRIES and tries[path] < 3 else body

    bucket.sent = short
    advanced: list[int] = []
    done = pull(bucket, lake, WINDOW, Progress(advance=advanced.append))
    assert (done.refused, tries[ENTRIES]) == ([], 3)
    assert sum(advanced) == done.fetched_bytes
    bucket.sent = lambda path, body: body + b"more" if path == STATES else body
    bucket.put(STATES, parquet("payment_states", 4))
    [(path, reason)] = pull(bucket, lake, WINDOW).refused
    assert path == STATES
    assert "bytes arrived" in reason


PATHS = st.sampled_from([f"{table}/dt=2026-03-{day}/hr=0{hour}/{name}.parquet" for table in TABLES[:2]
                         for day in (10, 11) for hour in (0, 1) for name in "ab"])
STEPS = st.one_of(st.tuples(st.just("put"), PATHS, st.integers(0, 3)), st.tuples(st.just("drop"), PATHS),
                  st.tuples(st.just("pull"), st.integers(10, 11), st.integers(1, 2)))


@given(st.lists(STEPS, max_size=20))
def test_whatever_comes_and_goes_the_lake_is_what_was_last_seen(tmp_path_factory: pytest.TempPathFactory,
                                                                steps: list[tuple[Any, ...]]) -> None:
    lake, bucket, expected = tmp_path_factory.mktemp("lake"), Bucket(), dict[str, bytes]()
    for kind, *what in steps:
        if kind == "put":
            bucket.put(what[0], parquet(what[0].split("/")[0], what[1]))
        elif kind == "drop":
            bucket.objects.pop(what[0], None)
        else:
            window = Window(date(2026, 3, what[0]), date(2026, 3, what[0] + what[1]))
            done = pull(bucket, lake, window)
            expected |= {path: body for path, (body, _) in bucket.objects.items() if window.holds(path)}
            assert done.gone == sorted(path for path in expected if window.holds(path) and path not in bucket.objects)
    assert {path: (lake / path).read_bytes() for path in here(lake) if path != PATH} == expected
    rows = listed(lake) if expected else {}
    assert {path: row["digest"] for path, row in rows.items()} == {
        path: hashlib.sha256(body).hexdigest() for path, body in expected.items()}  # fmt: skip
