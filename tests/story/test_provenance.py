"""Every payment that was asked for leads to everything that came of it, and what is missing is said and explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.local.story.provenance import LINKS, Asked, Trail, counts, linked, write


def trail(status: str = "COMMITTED", **more: Any) -> Trail:
    """Of one payment, with everything."""
    whole: dict[str, Any] = {
        "payments": {"run-1": {"payment_id": 1, "status": status, "gateway": "stripe", "gateway_ref": "pi_1",
                               "trace_id": "1-a-b", "journals": ["j1"]}},
        "executions": {1: ["pay-1-x-1"]}, "book": {1: [{"number": 7, "operation_ref": "ch_1"}]},
        "entries": {1: [("e1", "ledger_entries/dt=2026-01-01/hr=10/a.parquet")]},
        "lines": {1: [{"native_id": "txn_1", "file": "a.csv", "line_no": 2}]}, "unsettled": {},
        "webhooks": {1: ["evt"]}, "injected": {}}
    return Trail(**{**whole, **more})


def row(made: Trail, *statuses: int) -> dict[str, Any]:
    """The row of the one payment."""
    return linked([Asked("run-1", "m", "plain", statuses or (201,))], made)[0]


def test_a_captured_payment_has_every_link() -> None:
    found = row(trail())
    assert found["links"] == list(LINKS)
    assert found["missing"] == found["unexplained"] == []


@pytest.mark.parametrize(("more", "link"), [
    ({"executions": {}}, "execution"), ({"book": {}}, "book"), ({"entries": {}}, "lake_object"),
    ({"entries": {1: [("e1", "x"), ("e2", None)]}}, "lake_object"), ({"lines": {}, "unsettled": {1: 1}}, "settlement"),
    ({"unsettled": {1: 1}}, "settlement"), ({"webhooks": {}}, "webhook"),
])
def test_a_link_that_is_missing_is_named(more: dict[str, Any], link: str) -> None:
    found = row(trail(**more))
    assert found["missing"] == found["unexplained"] == [link]


@pytest.mark.parametrize(("more", "label", "link"), [
    ({"entries": {1: [("e1", None)]}}, "lake_gap", "lake_object"),
    ({"lines": {}, "unsettled": {1: 1}}, "missing_at_gateway", "settlement"),
])
def test_what_was_injected_explains_its_own_link_alone(more: dict[str, Any], label: str, link: str) -> None:
    found = row(trail(injected={1: [label]}, **more))
    assert (found["missing"], found["unexplained"]) == ([link], [])
    other = row(trail(injected={1: ["amount_mismatch"]}, **more))
    assert other["unexplained"] == [link]


def test_a_payment_that_nobody_answered_or_wrote_down_lacks_almost_everything() -> None:
    found = linked([Asked("run-2", "m", "plain", (0, 0))], trail())[0]
    assert found["unexplained"] == ["http_status", "payment", "trace", "execution", "webhook"]
    assert found["payment_id"] is None


@pytest.mark.parametrize(("status", "gone"), [
    ("REJECTED", ["book", "journal", "lake_object", "settlement"]), ("DECLINED", ["book", "settlement"]),
    ("VOIDED", ["book", "settlement"]), ("AUTHORIZED", ["settlement", "webhook"])])
def test_each_ending_needs_its_own_links(status: str, gone: list[str]) -> None:
    without: dict[str, dict[str, Any]] = {"book": {"book": {}}, "lake_object": {"entries": {}},
                                          "settlement": {"lines": {}}, "webhook": {"webhooks": {}}}
    more: dict[str, Any] = {}
    for name in gone:
        more |= without.get(name, {})
    made = trail(status, **more)
    if "journal" in gone:
        made.payments["run-1"]["journals"] = []
    assert row(made)["missing"] == []


def test_money_that_moved_needs_its_line_however_the_payment_ended() -> None:
    assert row(trail("VOIDED", lines={}, unsettled={1: 2}))["unexplained"] == ["settlement"]


def test_where_nobody_listens_no_webhook_is_missed() -> None:
    assert row(trail(webhooks=None))["missing"] == []


def test_links_are_counted_and_written(tmp_path: Path) -> None:
    rows = [row(trail()), row(trail(entries={1: [("e1", None)]}, injected={1: ["lake_gap"]})), row(trail(book={}))]
    found = counts(rows)
    assert found["lake_object"] == {"linked": 2, "injected": 1, "unexplained": 0}
    assert found["book"] == {"linked": 2, "injected": 0, "unexplained": 1}
    write(rows, tmp_path / "provenance.parquet")
    back = pq.read_table(tmp_path / "provenance.parquet").to_pylist()
    assert back[1]["entries"] == [{"id": "e1", "object": None}]
    assert back[0]["settlement"] == [{"native_id": "txn_1", "file": "a.csv", "line_no": 2}]
    assert back[2]["unexplained"] == ["book"]
