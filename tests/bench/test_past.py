"""The lake of the benchmark of history is clean but for what is planted, at any size, and whatever lies before it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.history import check
from bench.past.longer import with_history
from bench.past.once import needed, run, scan
from bench.past.plan import PLANTED, Past, day_of
from bench.past.write import write_past
from recon.match.request import Request
from recon.worlds.clock import DAY, HOUR, moment

PAST = Past(1_500, 15)
HOUR_OF = PAST.until - DAY + 9 * HOUR


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small past."""
    root = tmp_path_factory.mktemp("past") / "lake"
    write_past(PAST, root, workers=1)
    return root


def request_of(lake: Path, window: str) -> Request:
    """The run that the benchmark times."""
    as_of = f"{moment(HOUR_OF + 2 * HOUR):%Y-%m-%dT%H:%M:%SZ}" if window == "hourly" else str(day_of(PAST.until))
    return Request.parse(window=window, as_of=as_of, lake=str(lake))


def test_an_hour_finds_what_is_planted_and_the_rest_is_matched_or_waits_for_its_file(lake: Path) -> None:
    found = run(request_of(lake, "hourly"))
    check(found, PAST.payments_of(HOUR_OF), dict.fromkeys(PLANTED[1:], 1))
    waiting = {row["gateway"] for row in found["divergences"]}
    assert (found["totals"]["pending"] > 0, waiting) == (True, {"stripe"})


def test_a_day_is_matched_but_for_what_is_planted_whatever_lies_before_it(lake: Path, tmp_path: Path) -> None:
    begins = PAST.until - 7 * DAY
    movements = sum(PAST.payments_of(hour) for hour in range(begins, begins + DAY, HOUR))
    found = run(request_of(lake, "T+7"))
    check(found, movements, dict.fromkeys(PLANTED, 24))
    assert found["totals"]["pending"] == 0
    until = day_of(PAST.until)
    with_history(lake, tmp_path / "long", until - timedelta(days=14), until, 3)
    longer = run(request_of(tmp_path / "long", "T+7"))
    assert longer["divergences"] == found["divergences"]
    assert longer["read_bytes"] == found["read_bytes"]


def test_a_wrong_result_is_no_figure(lake: Path) -> None:
    found = run(request_of(lake, "hourly"))
    found["totals"]["unexplained_minor"] = 1
    with pytest.raises(AssertionError):
        check(found, PAST.payments_of(HOUR_OF), dict.fromkeys(PLANTED[1:], 1))


def test_a_payment_has_nine_entries_in_three_journals_that_balance(lake: Path) -> None:
    rows = pq.read_table(lake / "ledger_entries").to_pylist()
    assert set(Counter(row["payment_id"] for row in rows).values()) == {9}
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row["journal_id"]] += row["amount_minor"] * (1 if row["direction"] == "D" else -1)
    assert set(sums.values()) == {0}
    assert len(sums) * 3 == len(rows)
    ids = [row["entry_id"] for row in rows if row["event_at"].hour == 0 and row["event_at"].date() == day_of(HOUR_OF)]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {26}


def test_control_says_how_many_entries_there_are_and_which(lake: Path) -> None:
    folder = f"dt={day_of(HOUR_OF)}/hr=09"
    entries = pq.read_table(lake / "ledger_entries" / folder / "part-0.parquet").to_pylist()
    ids: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for row in entries:
        ids[row["currency"], row["step"], row["payment_id"] % 256].append(row["entry_id"])
    told = pq.read_table(lake / "ledger_control" / folder / "part-0.parquet").to_pylist()
    assert {(row["currency"], row["step"], row["bucket"]): row["entry_count"] for row in told} == {
        key: len(of) for key, of in ids.items()
    }
    digests = {row["digest"] for row in told}
    assert digests == {hashlib.sha256("\n".join(sorted(of)).encode()).hexdigest() for of in ids.values()}


def test_the_bare_scan_reads_each_object_once_and_only_what_a_query_asks_for(lake: Path) -> None:
    paths = [path.removeprefix(f"{lake}/") for _, of in needed(request_of(lake, "hourly")) for path in of]
    assert len(paths) == len(set(paths)) == scan(request_of(lake, "hourly"))["objects"]
    of_entries = {path.split("/")[1] for path in paths if path.startswith("ledger_entries/")}
    days = [day_of(PAST.until - (8 - n) * DAY) for n in range(8)]
    assert of_entries == {f"dt={day}" for day in days}
