"""How reports arrive, and what one cycle must name of them, whichever cohort it reconciles."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.match.arrival_periods import nearest_rank
from recon.match.arrivals import LOOK_BACK, arrivals
from recon.match.due import Calendar, Expectation
from recon.match.feed_book import FeedBook, FeedFile
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY as BUILT
from tests.match.harness import run, said

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
EVERY_DAY = Calendar("ALL", tuple((FIRST + number * DAY).date() for number in range(-60, 120)))
DAILY = Expectation("adyen", "shop", "settlement_details", "daily", ZoneInfo("UTC"), time(12), 0, HOUR, EVERY_DAY)
"""Due at 13:00 of the day after."""


def file_of(number: int, rows: int = 100, **more: Any) -> FeedFile:
    """The file of a day, here at six in the morning of the next."""
    begins = FIRST + number * DAY
    made = FeedFile(f"id-{number:03d}", None, f"day-{number}.csv", "adyen", "shop", "settlement_details", "settlement",
                    str(100 + number), (begins, begins + DAY), begins + DAY + 6 * HOUR, rows, "accepted", None, (),
                    frozenset(), f"feed_files/{number}.parquet")
    return replace(made, **more)


def told(
    files: Sequence[FeedFile], as_of: datetime, expected: Sequence[Expectation] = (DAILY,),
    ledger_from: datetime | None = FIRST,
) -> dict[str, Any]:
    """The arrival model of what was known at `as_of`."""
    return arrivals(FeedBook(files).known_at(as_of), expected, [], lambda divergence, window: f"{divergence} {window}",
                    as_of=as_of, ledger_from=ledger_from)


def named(files: Sequence[FeedFile], as_of: datetime, **more: Any) -> list[tuple[str, str]]:
    """(class, what it is about) of all findings."""
    return [(f["class"], f["subject_id"].rpartition(":settlement_details:")[2] or f["subject_id"])
            for f in told(files, as_of, **more)["findings"]]


def at(number: int, hour: int = 0) -> datetime:
    """An hour of a day."""
    return FIRST + number * DAY + hour * HOUR


def test_a_report_that_comes_as_it_should_is_complete_and_nothing_is_named() -> None:
    model = told([file_of(number) for number in range(10)], at(10, 9))
    [report] = model["reports"]
    assert model["findings"] == []
    assert report["completeness"] == {"periods": 10, "accepted": 10, "incomplete": 0, "late": 0, "waiting": 0,
                                      "complete_bps": 10_000}
    assert report["timeliness"]["p99_s"] == report["timeliness"]["max_s"] == 6 * 3600
    assert (report["timeliness"]["on_time"], report["timeliness"]["came_late"]) == (10, 0)
    assert report["timeliness"]["next"] == {
        "covers_from": "2026-03-12T00:00:00Z", "covers_until": "2026-03-13T00:00:00Z",
        "likely_by": "2026-03-13T06:00:00Z", "due_at": "2026-03-13T13:00:00Z",
    }  # fmt: skip


def test_a_file_is_late_from_the_instant_at_which_it_was_due_until_it_comes() -> None:
    files = [file_of(number) for number in range(5)]
    assert named(files[:4], at(5, 12)) == []
    assert named(files[:4], at(5, 13)) == [("feed_late", "2026-03-06T00:00:00Z")]
    late = replace(files[4], received_at=at(5, 15))
    assert named([*files[:4], late], at(5, 15)) == [("feed_late", "2026-03-06T00:00:00Z")]
    assert named([*files[:4], late], at(5, 16)) == []
    [report] = told([*files[:4], late], at(5, 16))["reports"]
    assert (report["timeliness"]["on_time"], report["timeliness"]["came_late"]) == (4, 1)
    assert report["timeliness"]["max_s"] == 15 * 3600


@pytest.mark.parametrize(("days", "window"), [(1, "hourly"), (7, "T+7"), (15, "T+14"), (31, "T+30")])
def test_what_is_late_for_long_is_as_grave_as_the_run_of_that_age_will_say(days: int, window: str) -> None:
    [finding] = told([file_of(number) for number in range(40) if number != 5], at(6 + days, 14))["findings"]
    assert finding["severity"] == f"feed_late {window}"


def test_what_is_older_than_the_look_back_is_left_to_the_runs_that_named_it() -> None:
    files = [file_of(number) for number in range(80) if number != 5]
    assert len(named(files, at(6) + LOOK_BACK - HOUR)) == 1
    assert named(files, at(6) + LOOK_BACK) == []


def test_a_cut_file_is_named_as_soon_as_it_is_here_and_not_called_short_too() -> None:
    cut = file_of(9, rows=3, status="incomplete", faults=({"problem": "the batch does not add up"},))
    files = [*(file_of(number) for number in range(9)), cut]
    [finding] = told(files, at(10, 7))["findings"]
    assert (finding["class"], finding["file"]) == ("feed_incomplete", "day-9.csv")
    assert "the batch does not add up" in finding["reason"]
    whole = file_of(9, file_id="whole", supersedes=cut.file_id, received_at=at(12))
    assert named([*files, whole, *(file_of(number) for number in (10, 11))], at(12, 7)) == []


def test_a_file_with_far_too_few_rows_is_named_within_one_cycle_of_its_landing() -> None:
    files = [*(file_of(number) for number in range(18)), file_of(18, rows=24)]
    assert named(files, at(19, 6)) == []
    [finding] = told(files, at(19, 7))["findings"]
    assert (finding["class"], finding["subject_id"], finding["severity"]) == (
        "feed_short", "feed:adyen:shop:settlement_details:2026-03-20T00:00:00Z", "warning")  # fmt: skip
    assert "24 row(s), less than a quarter of 100" in finding["reason"]
    assert named([*files[:18], file_of(18, rows=25)], at(19, 7)) == []


def test_week_ends_are_compared_with_week_ends() -> None:
    """2 March 2026 is a Monday."""
    files = [file_of(number, rows=20 if number % 7 in (5, 6) else 100) for number in range(35)]
    assert all(named(files[:number], at(number, 12)) == [] for number in range(1, 35))
    assert named([*files[:33], file_of(33, rows=4)], at(34, 7)) == [("feed_short", "2026-04-04T00:00:00Z")]


def test_quiet_days_among_the_former_ones_make_a_quiet_day_nothing_special() -> None:
    quiet = [file_of(number, rows=0 if number == 2 else 100) for number in range(18)]
    assert named([*quiet, file_of(18, rows=0)], at(19, 7)) == []
    busy = [file_of(number) for number in range(18)]
    assert named([*busy, file_of(18, rows=0)], at(19, 7)) == [("feed_short", "2026-03-20T00:00:00Z")]


def test_a_shop_that_has_become_small_is_named_three_times_and_then_known() -> None:
    files = [file_of(number, rows=100 if number < 19 else 5) for number in range(35)]
    assert [subject for _, subject in named(files, at(35, 7))] == [
        "2026-03-23T00:00:00Z", "2026-03-24T00:00:00Z", "2026-03-25T00:00:00Z"]  # fmt: skip


def test_without_enough_former_files_no_count_is_too_low() -> None:
    assert named([*(file_of(number) for number in range(5)), file_of(5, rows=1)], at(6, 7)) == []


def test_a_file_that_ends_before_its_period_does_is_named_before_the_rest_is_due() -> None:
    half = file_of(9, covers=(at(9), at(9, 15)))
    files = [*(file_of(number) for number in range(9)), half]
    [finding] = told(files, at(10, 7))["findings"]
    assert finding["class"] == "feed_short"
    [due] = told(files, at(10, 13))["findings"]
    assert (due["class"], due["subject_id"], due["file"]) == ("feed_late", finding["subject_id"], "day-9.csv")
    assert due["cause"] == finding["cause"]
    rest = file_of(9, file_id="rest", covers=(at(9, 15), at(10)), received_at=at(10, 8))
    assert named([*files, rest], at(10, 9)) == []


def test_a_report_that_is_used_to_come_in_parts_is_not_short_while_the_rest_may_still_come() -> None:
    parts = [file_of(number, file_id=f"{number}-{half}", covers=(at(number, 12 * half), at(number, 12 * half + 12)))
             for number in range(9) for half in (0, 1)]  # fmt: skip
    assert named([*parts, file_of(9, covers=(at(9), at(9, 12)))], at(10, 7)) == []


def test_a_number_that_is_missing_between_batches_is_named_as_soon_as_the_next_one_is_here() -> None:
    files = [file_of(number, batch_id=str(100 + number + (number > 5))) for number in range(8)]
    assert named(files, at(7, 6)) == []
    [finding] = told(files, at(7, 7))["findings"]
    assert (finding["class"], finding["subject_id"], finding["file"], finding["first_seen_at"]) == (
        "batch_gap", "batch:adyen:shop:106:", "day-6.csv", "2026-03-09T06:00:00Z")  # fmt: skip


def test_files_offered_again_restated_or_refused_are_counted_and_not_named() -> None:
    files = [
        *(file_of(number) for number in range(9)),
        file_of(3, name="again.csv", status="duplicate", received_at=at(8)),
        file_of(4, file_id="new", name="new.csv", supersedes="id-004", received_at=at(8)),
        file_of(5, file_id="bad", name="bad.csv", status="refused", received_at=at(8), covers=None,
                faults=({"problem": "no header"},)),
    ]  # fmt: skip
    model = told(files, at(9, 7))
    [report] = model["reports"]
    assert model["findings"] == []
    assert report["accuracy"] == {
        "files": 12, "accepted": 10, "incomplete": 0, "duplicate": 1, "refused": 1, "restated": 1, "rows": 1000,
        "refusals": [{"file": "bad.csv", "received_at": "2026-03-10T00:00:00Z", "reasons": ["no header"]}],
    }  # fmt: skip
    assert report["timeliness"]["delays"] == 9


def test_a_report_of_which_nothing_ever_came_is_waited_for_from_where_the_ledger_begins() -> None:
    assert named([], at(2, 13), ledger_from=at(0, 9)) == [
        ("feed_late", "2026-03-02T00:00:00Z"), ("feed_late", "2026-03-03T00:00:00Z")]  # fmt: skip
    model = told([], at(2, 13), ledger_from=None)
    assert model["findings"] == []
    [report] = model["reports"]
    assert (report["completeness"]["complete_bps"], report["timeliness"]["p99_s"]) == (None, None)


def test_a_report_that_begins_in_the_middle_of_a_day_is_waited_for_from_the_next() -> None:
    assert named([file_of(0, covers=(at(0, 11), at(1))), file_of(1)], at(2, 13)) == []


def test_a_report_that_nobody_waits_for_has_its_row_and_is_never_late() -> None:
    model = told([file_of(0), file_of(3)], at(9), expected=())
    [report] = model["reports"]
    assert (report["expected"], report["completeness"]["periods"], model["findings"]) == (False, 0, [])
    assert report["timeliness"]["next"] is None


@given(st.lists(st.sampled_from([1, 20, 100, 101]), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_rows_read_says_nothing(counts: list[int], rng: random.Random) -> None:
    files = [file_of(number, rows=rows) for number, rows in enumerate(counts) if number % 11 != 7]
    shuffled = rng.sample(files, len(files))
    assert told(shuffled, at(31)) == told(files, at(31))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.integers(1, 100))
def test_the_nearest_rank_is_the_smallest_value_that_covers_its_percentage(values: list[int], percent: int) -> None:
    ordered = sorted(values)
    found = nearest_rank(ordered, percent)
    assert found is not None
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)


def test_an_hourly_run_names_a_late_feed_outside_its_cohort_and_writes_no_row_for_it(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("before", BUILT - 3 * DAY, BUILT - 2 * DAY, received_at=BUILT - DAY)
    lake.feed("after", BUILT - DAY, BUILT, received_at=BUILT)
    lake.pair(1, 1000)
    result = run(lake, tmp_path, window="hourly", as_of="2026-03-10T20:00:00Z")
    assert said(result) == []
    [finding] = result.summary["arrivals"]["findings"]
    assert (finding["class"], finding["subject_id"], finding["severity"]) == (
        "feed_late", "feed:stripe:acct_1:payout_reconciliation:2026-03-08T00:00:00Z", "timing")  # fmt: skip


def test_an_hourly_run_names_a_short_file_that_landed_in_its_hour(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    for number in range(-12, 1):
        begins = BUILT + number * DAY
        lake.feed(f"f{number}", begins, begins + DAY, rows=40 if number else 9, received_at=begins + DAY + HOUR)
    lake.movement(1, 1000, at=BUILT + 25 * HOUR)
    before, after = (run(lake, tmp_path / str(hour), window="hourly", as_of=f"2026-03-11T0{hour}:00:00Z")
                     for hour in (1, 2))  # fmt: skip
    assert [before.summary["arrivals"]["findings"], said(before), said(after)] == [[], [], []]
    assert [(f["class"], f["file"]) for f in after.summary["arrivals"]["findings"]] == [("feed_short", "f0.csv")]
