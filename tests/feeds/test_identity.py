"""What a file is to those that are known: news, a duplicate, a restatement, or one that must not be trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.feeds.ingest import Outcome, ingest
from recon.feeds.options import ReadOptions
from tests.feeds.offering import NOW, offer, stored
from tests.feeds.stripe_files import COLUMNS, NINE, row, write

ACCOUNT = {"gateway_account": "acct_1"}
DAY = {"covers_from": datetime(2026, 3, 2, tzinfo=UTC), "covers_until": datetime(2026, 3, 3, tzinfo=UTC)}


class Offers:
    """Files offered one after the other, an hour apart, to one lake."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lake, self.at = folder, folder / "lake", NOW

    def __call__(self, name: str, rows: list[dict[str, str]], columns: Any = COLUMNS, **options: Any) -> Outcome:
        self.at += timedelta(hours=1)
        path = write(self.folder / name, rows, columns)
        return offer(path, self.lake, **(ACCOUNT | {"received_at": self.at} | options))


@pytest.fixture
def give(tmp_path: Path) -> Offers:
    return Offers(tmp_path)


def test_the_same_bytes_twice_are_a_duplicate(give: Offers) -> None:
    first, again = give("a.csv", [row(1)]), give("b.csv", [row(1)])
    assert (first.status, again.status) == ("accepted", "duplicate")
    assert first.row["file_id"] == again.row["file_id"]
    assert len(stored(give.lake, "settlement_lines")) == 1


def test_the_same_lines_in_another_order_layout_and_spelling_are_a_duplicate(give: Offers) -> None:
    give("a.csv", [row(1), row(2)])
    turned = [row(2, gross="10", currency="USD"), row(1, fee=".59")]
    again = give("b.csv", turned, [*COLUMNS[::-1], "description"])
    assert again.status == "duplicate"
    assert again.row["content_id"]


def test_the_same_lines_of_another_account_are_news(give: Offers) -> None:
    give("a.csv", [row(1)])
    assert give("b.csv", [row(1)], gateway_account="acct_2").status == "accepted"


def test_other_content_for_a_known_interval_restates_it(give: Offers) -> None:
    first = give("a.csv", [row(1), row(2)], **DAY)
    second = give("b.csv", [row(1), row(2, gross="11.00", net="10.41")], **DAY)
    third = give("c.csv", [row(1)], **DAY)
    assert [outcome.restates for outcome in (first, second, third)] == [False, True, True]
    assert second.row["supersedes_file_id"] == first.row["file_id"]
    assert third.row["supersedes_file_id"] == second.row["file_id"]
    assert {line["native_id"] for line in stored(give.lake, "settlement_lines")} == {"txn_1", "txn_2"}


def test_other_content_for_a_known_payout_restates_it(give: Offers) -> None:
    first = give("a.csv", [row(1), row(2)])
    assert give("b.csv", [row(1)]).row["supersedes_file_id"] == first.row["file_id"]
    assert not give("c.csv", [row(3, automatic_payout_id="po_2")]).restates


def test_the_same_lines_for_a_longer_interval_are_news(give: Offers) -> None:
    give("a.csv", [row(1)], **DAY)
    longer = DAY | {"covers_until": datetime(2026, 3, 4, tzinfo=UTC)}
    wider = give("b.csv", [row(1)], [*COLUMNS, "description"], **longer)
    assert (wider.status, wider.restates) == ("accepted", False)
    assert give("c.csv", [row(1)], [*COLUMNS, "more"], **DAY).status == "duplicate"


def test_an_earlier_file_that_comes_late_restates_nothing(give: Offers) -> None:
    give("a.csv", [row(1)], **DAY)
    late = give("b.csv", [row(1), row(2)], received_at=NOW - timedelta(days=1), **DAY)
    assert (late.status, late.restates) == ("accepted", False)


def test_an_incomplete_file_supersedes_nothing_and_a_complete_one_supersedes_it(give: Offers) -> None:
    good = give("a.csv", [row(1)], **DAY)
    bad = give("b.csv", [row(1), row(2, net="9.99")], **DAY)
    assert (bad.status, bad.restates) == ("incomplete", False)
    assert len(stored(give.lake, "settlement_lines")) == 3
    better = give("c.csv", [row(1), row(2)], **DAY)
    assert (better.status, better.row["supersedes_file_id"]) == ("accepted", bad.row["file_id"])
    assert good.status == "accepted"


def test_the_same_transaction_twice_in_a_file_is_incomplete(give: Offers) -> None:
    outcome = give("a.csv", [row(1), row(2), row(1)])
    assert outcome.status == "incomplete"
    assert ("txn_1" in outcome.faults[0].problem, outcome.faults[0].value) == (True, "lines 2, 4")


def test_quiet_days_are_each_their_own_file(give: Offers) -> None:
    next_day = {name: at + timedelta(days=1) for name, at in DAY.items()}
    assert give("a.csv", [], **DAY).status == "accepted"
    assert give("b.csv", [], **next_day).status == "accepted"
    assert give("c.csv", [], **DAY).status == "duplicate"
    assert len(stored(give.lake, "feed_files")) == 3


def test_a_report_of_another_kind_restates_nothing(give: Offers) -> None:
    give("a.csv", [row(1)], **DAY)
    other = give("b.csv", [row(1)], NINE, **DAY)
    assert (other.status, other.restates) == ("accepted", False)


def test_files_of_a_folder_come_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    said = {
        "a.csv": {"received_at": "2026-03-05T00:00:00Z", "covers_from": "2026-03-02", "covers_until": "2026-03-03"},
        "z.csv": {"received_at": "2026-03-04T00:00:00Z", "covers_from": "2026-03-02", "covers_until": "2026-03-03",
                  "gateway_account": "acct_1"},
    }  # fmt: skip
    write(tmp_path / "in" / "a.csv", [row(1), row(2)])
    write(tmp_path / "in" / "z.csv", [row(1)])
    (tmp_path / "in" / "arrivals.json").write_text(json.dumps(said), encoding="utf-8")
    outcomes = ingest([tmp_path / "in"], tmp_path / "lake", ReadOptions(gateway_account="acct_1"), lambda: NOW)
    assert [outcome.path.name for outcome in outcomes] == ["z.csv", "a.csv"]
    assert outcomes[1].row["supersedes_file_id"] == outcomes[0].row["file_id"]
    assert [outcome.row["recorded_at"] for outcome in outcomes] == sorted({o.row["recorded_at"] for o in outcomes})
