"""In simulated histories every delivery that went wrong is named by the first hourly run that can know, no other."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recon.match.arrivals import LOOK_BACK, arrivals
from recon.match.due import Expectation
from recon.match.feed_book import FeedBook, FeedFile
from recon.match.open_days import default_calendar
from recon.worlds.clock import HOUR
from recon.worlds.clock import moment as instant
from recon.worlds.model import FeedFile as Delivery
from recon.worlds.model import History
from recon.worlds.planting import defective_history
from recon.worlds.view import Index
from tests.factories.true_feeds import NAMED, true_at

Named = set[tuple[str, str]]


@functools.cache
def history_of(seed: int, payments: int, days: int) -> History:
    """A history with its deliveries; nothing is written."""
    return defective_history(seed, payments, days)


def offered(history: History) -> list[FeedFile]:
    """Every delivery as feed_files would tell it."""
    order = sorted(history.files, key=lambda f: f.received_at)
    ids = {id(f): f"{number:05d}" for number, f in enumerate(order)}
    latest: dict[tuple[Any, ...], str] = {}
    found = []
    for file in order:
        scope = (file.account.index, file.report, file.covers_from)
        replaced = latest.get(scope) if file.status == "accepted" else None
        if file.status != "duplicate":
            latest[scope] = ids[id(file)]
        found.append(_offered(file, ids[id(file)], replaced))
    return found


def _offered(file: Delivery, file_id: str, replaced: str | None) -> FeedFile:
    return FeedFile(
        file_id, None, file.name, file.account.gateway, file.account.name, file.report, file.role,
        str(file.batch) if file.batch else None, (instant(file.covers_from), instant(file.covers_until)),
        instant(file.received_at), len(file.lines) + len(file.batch_rows), file.status, replaced, (), frozenset(),
        f"feed_files/{file_id}.parquet",
    )  # fmt: skip


def expectations(history: History) -> list[Expectation]:
    """What the lake of the history would expect."""
    found = []
    for account, due in history.expectations():
        zone = ZoneInfo(due.time_zone)
        calendar = default_calendar(due.calendar, (instant(history.start) - 2 * LOOK_BACK).date(),
                                    (instant(history.until) + 2 * LOOK_BACK).date())
        hour, minute = (int(part) for part in due.cut_off.split(":"))
        found.append(Expectation(account.gateway, account.name, due.report, "daily", zone,
                                 (instant(0) + timedelta(hours=hour, minutes=minute)).time(), due.lag_business_days,
                                 timedelta(hours=due.grace_hours), calendar))
    return found


def every_hour(history: History) -> Iterator[tuple[int, Named, Named]]:
    """(as_of, what is named, what is true) through the whole history."""
    book, expected, index = FeedBook(offered(history)), expectations(history), Index.of(history)
    for as_of in range(history.start + HOUR, history.until, HOUR):
        at = instant(as_of)
        model = arrivals(book.known_at(at), expected, [], lambda *_: "warning", as_of=at,
                         ledger_from=instant(history.start))
        yield as_of, {(f["class"], f["subject_id"]) for f in model["findings"]}, {
            (row.divergence, row.subject) for row in true_at(index, as_of)}  # fmt: skip


@pytest.mark.parametrize(("seed", "payments", "days"), [(1, 5_000, 45), (5, 300, 40), (8, 100, 12)])
def test_what_is_named_each_hour_is_what_went_wrong_by_then(seed: int, payments: int, days: int) -> None:
    history = history_of(seed, payments, days)
    seen: set[str] = set()
    for as_of, named, true in every_hour(history):
        assert named == true, instant(as_of)
        seen |= {divergence for divergence, _ in true}
    assert seen == set(NAMED) or days < 40
