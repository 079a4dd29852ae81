"""An ingest that is killed at any moment leaves the old lake or the new one, and can be repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.feeds import land
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from tests.feeds.offering import NOW, offer, stored
from tests.feeds.stripe_files import COLUMNS, row, write

ACCOUNT: dict[str, Any] = {"gateway_account": "acct_1"}
STEPS = ("keep_raw", "write_lines", "write_batches", "write_row")


class Killed(BaseException):
    """Stands for the end of the process."""


def _dies(step: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def dying(*given: Any) -> None:
        if not before:
            step(*given)
        raise Killed

    return dying


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_ingest_is_repeated(step: str, before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = tmp_path / "lake"
    offer(write(tmp_path / "a.csv", [row(1)]), lake, **ACCOUNT)
    path = write(tmp_path / "b.csv", [row(2), row(3, created_utc="2026-03-07 00:00:00")])
    with monkeypatch.context() as patch:
        patch.setattr(land, step, _dies(getattr(land, step), before=before))
        with pytest.raises(Killed):
            offer(path, lake, **ACCOUNT)
    known = [file["name"] for file in stored(lake, "feed_files")]
    finished = step == "write_row" and not before
    assert known == (["a.csv", "b.csv"] if finished else ["a.csv"])
    again = offer(path, lake, **(ACCOUNT | {"received_at": NOW + timedelta(hours=1)}))
    assert again.status == ("duplicate" if finished else "accepted")
    assert [line["native_id"] for line in stored(lake, "settlement_lines")] == ["txn_1", "txn_2", "txn_3"]
    assert not (lake / ".ingest").exists()


def test_what_was_left_behind_under_other_days_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = tmp_path / "lake"
    columns = [name for name in COLUMNS if not name.endswith("_utc")]
    path = write(tmp_path / "a.csv", [row(1, created="2026-03-02 20:00:00")], columns)
    with monkeypatch.context() as patch:
        patch.setattr(land, "write_row", _dies(land.write_row, before=True))
        with pytest.raises(Killed):
            offer(path, lake, time_zone="UTC", **ACCOUNT)
    offer(path, lake, time_zone="America/Los_Angeles", **ACCOUNT)
    assert [line["occurred_at"] for line in stored(lake, "settlement_lines")] == ["2026-03-03 04:00:00.000"]


def test_two_ingests_at_once_take_turns(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    paths = [write(tmp_path / f"{n}.csv", [row(n, automatic_payout_id=f"po_{n}")]) for n in range(6)]
    same = write(tmp_path / "same.csv", [row(9)])

    def run(chosen: list[Path]) -> None:
        ingest(chosen, lake, ReadOptions(received_at=NOW, **ACCOUNT), lambda: NOW)

    threads = [threading.Thread(target=run, args=([*part, same],)) for part in (paths[:3], paths[3:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = stored(lake, "feed_files")
    assert sorted(file["status"] for file in files) == ["accepted"] * 7 + ["duplicate"]
    assert len(stored(lake, "settlement_lines")) == 7
