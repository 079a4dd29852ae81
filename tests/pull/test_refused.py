"""Lakes and folders that a pull does not touch."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recon.pull.listing import PATH
from recon.pull.pull import pull
from recon.pull.remote import PullRefused, Window
from tests.pull.bucket import ENTRIES, WINDOW, Bucket, filled, here


def test_a_window_without_objects_makes_an_empty_lake(lake: Path) -> None:
    done = pull(filled(), lake, Window(date(2026, 5, 1), date(2026, 5, 2)))
    assert (done.found, done.fetched, done.last) == (0, [], date(2026, 3, 12))
    assert here(lake) == []
    assert pull(Bucket(), lake, WINDOW).last is None


def test_two_lakes_do_not_mix(lake: Path) -> None:
    pull(filled(), lake, WINDOW)
    with pytest.raises(PullRefused, match="holds objects of s3://lake; name another folder for those of s3://other"):
        pull(filled("s3://other"), lake, WINDOW)
    assert pull(filled(), lake, WINDOW).unchanged == 4


def test_a_lake_that_no_pull_made_is_left_alone(lake: Path) -> None:
    pull(filled(), lake, WINDOW)
    rows = pq.ParquetFile(lake / PATH).read()
    pq.write_table(rows.drop_columns(["etag"]), lake / PATH)
    with pytest.raises(PullRefused, match="was not written by a pull"):
        pull(filled(), lake, WINDOW)
    (lake / PATH).write_bytes(b"broken")
    with pytest.raises(PullRefused, match=r"part-0\.parquet cannot be read as Parquet: .*; remove it"):
        pull(filled(), lake, WINDOW)


def test_a_folder_that_is_no_day_is_named(lake: Path) -> None:
    bucket = filled()
    bucket.put("payment_states/dt=March/hr=00/x.parquet")
    with pytest.raises(PullRefused, match="payment_states/dt=March: a folder dt=YYYY-MM-DD was expected"):
        pull(bucket, lake, WINDOW)
    assert not lake.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PullRefused, match="file: File exists; accepted: a folder that can be written"):
        pull(filled(), tmp_path / "file", WINDOW)
    lake = tmp_path / "lake"
    (lake / ENTRIES).parent.parent.mkdir(parents=True)
    (lake / ENTRIES).parent.write_text("a file where a folder should be")
    with pytest.raises(PullRefused, match=r"hr=13: .*; accepted: a lake folder that can be written"):
        pull(filled(), lake, WINDOW)
