"""Files of quiet days are the same bytes, and each speaks for its own day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from recon.match.feed_book import FeedBook, FeedFile

DAY = timedelta(days=1)
FIRST = datetime(2026, 4, 1, tzinfo=UTC)
QUIET = FeedFile("same", None, "quiet.csv", "adyen", "shop", "settlement_details", "settlement", "1",
                 (FIRST, FIRST + DAY), FIRST + 2 * DAY, 0, "accepted", None, (), frozenset(), "feed_files/1.parquet")


def of_day(number: int, **more: Any) -> FeedFile:
    """The quiet file of a day."""
    begins = FIRST + number * DAY
    return replace(QUIET, batch_id=str(number + 1), covers=(begins, begins + DAY), received_at=begins + 2 * DAY, **more)


def test_quiet_days_in_a_row_are_all_covered() -> None:
    book = FeedBook([of_day(number) for number in range(4)])
    assert book.coverage(("adyen", "shop")) == [(FIRST, FIRST + 4 * DAY)]
    assert book.known_files().num_rows == 1


def test_a_quiet_day_that_is_restated_takes_no_other_with_it() -> None:
    busy = of_day(1, file_id="other", rows=3, supersedes="same")
    book = FeedBook([of_day(0), of_day(1), of_day(2), busy])
    assert {(file.batch_id, file.rows) for file in book.current} == {("1", 0), ("2", 3), ("3", 0)}
    assert book.coverage(("adyen", "shop")) == [(FIRST, FIRST + 3 * DAY)]
