"""Every figure names its units, adds up, never mixes currencies and is the same for the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboards import figures, items, money
from dashboards.figures.aging import bucket
from recon.match.result import RunResult
from tests.factories.run_result import ACCOUNTS, CURRENCIES, ITEMS, Item, build

ALL: list[Callable[[RunResult], Any]] = [getattr(figures, name) for name in figures.__all__]


def _drawn(figure: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(figure.to_json())
    return drawn


@pytest.mark.parametrize("draw", ALL, ids=figures.__all__)
def test_a_figure_has_title_axes_with_units_and_hover(draw: Callable[[RunResult], Any]) -> None:
    drawn = _drawn(draw(build()))
    layout = drawn["layout"]
    assert layout["title"]["text"]
    titled = [axis for name, axis in layout.items() if name.startswith(("xaxis", "yaxis")) and axis.get("title")]
    assert titled
    assert all(axis["title"]["text"] for axis in titled)
    assert all(trace["hovertemplate"].endswith("<extra></extra>") for trace in drawn["data"])


@pytest.mark.parametrize("draw", ALL, ids=figures.__all__)
def test_a_figure_of_an_empty_run_says_so(draw: Callable[[RunResult], Any]) -> None:
    result = build([])
    empty = {**result.summary, "totals": [], "feeds": [], "classes": {}}
    object.__setattr__(result, "summary", empty)
    drawn = _drawn(draw(result))
    assert not drawn["data"]
    assert drawn["layout"]["annotations"][0]["text"]


@pytest.mark.parametrize("draw", ALL, ids=figures.__all__)
def test_a_figure_is_the_same_for_the_same_run(draw: Callable[[RunResult], Any]) -> None:
    assert draw(build()).to_json() == draw(build()).to_json()


def test_every_bridge_leads_from_ledger_to_gateway() -> None:
    result = build(unexplained={(0, "EUR"): 12_345})
    drawn = _drawn(figures.bridge(result))
    assert len(drawn["data"]) == len(ACCOUNTS) * len(CURRENCIES)
    by_name = {items.name(items.account(total)): total for total in result.summary["totals"]}
    buttons = drawn["layout"]["updatemenus"][0]["buttons"]
    assert buttons[0]["label"] == "adyen · ShopEU · EUR", "what is unexplained comes first"
    for trace, button in zip(drawn["data"], buttons, strict=True):
        total = by_name[button["label"]]
        assert trace["measure"][0] == "absolute"
        assert trace["measure"][-1] == "total"
        steps = [_minor(text, total["currency"]) for text in trace["text"]]
        assert steps[0] == total["ledger_minor"]
        assert sum(steps[:-1]) == steps[-1] == total["gateway_minor"]
        assert button["args"][1]["yaxis.title.text"] == f"Amount ({total['currency']})"


def test_a_bridge_of_many_classes_folds_the_small_ones() -> None:
    many = [Item(f"class_{n}", 0, "EUR", n, None, n * 100, n * 100, 5) for n in range(1, 15)]
    trace = _drawn(figures.bridge(build(many)))["data"][0]
    assert "8 other<br>classes" in trace["x"]
    assert len(trace["x"]) == 12


def test_classes_and_largest_show_one_currency_at_a_time() -> None:
    drawn = _drawn(figures.classes(build()))
    assert [trace.get("visible", True) for trace in drawn["data"]] == [True, True, False, False, False]
    assert [button["label"] for button in drawn["layout"]["updatemenus"][0]["buttons"]] == list(CURRENCIES)
    largest = _drawn(figures.largest(build(), limit=2))
    assert largest["data"][0]["text"] == ["+12,499.00 EUR", "−84.50 EUR"]
    assert max(len(trace["y"]) for trace in largest["data"]) == 2


@pytest.mark.parametrize(
    "hours, label",
    [(0, "under 24 h"), (23, "under 24 h"), (24, "1 to 3 days"), (72, "3 to 7 days"), (168, "7 to 30 days"),
     (720, "over 30 days")],
)  # fmt: skip
def test_age_buckets_are_half_open(hours: int, label: str) -> None:
    assert bucket(timedelta(hours=hours)) == label


def test_every_item_is_in_one_age_bucket() -> None:
    drawn = _drawn(figures.aging(build()))
    assert sum(sum(trace["y"]) for trace in drawn["data"]) == len(ITEMS)
    assert [trace["name"] for trace in drawn["data"]] == ["break", "warning", "timing", "info"]


def test_match_rates_tell_what_they_are_a_share_of() -> None:
    drawn = _drawn(figures.match_rate(build()))
    assert [trace["name"] for trace in drawn["data"]] == ["by count", "by value"]
    assert "99.83 %: 1,198 of 1,200" in drawn["data"][0]["customdata"]
    assert all(0 <= share <= 100 for trace in drawn["data"] for share in trace["x"])


def test_feeds_show_state_arrival_and_due_time() -> None:
    drawn = _drawn(figures.feeds(build()))
    assert [trace["name"] for trace in drawn["data"]] == ["accepted", "incomplete", "late", "arrived", "due"]
    late = next(trace for trace in drawn["data"] if trace["name"] == "late")
    assert late["customdata"][0].endswith("not here yet")
    assert drawn["layout"]["shapes"][0]["x0"] == "2026-03-08T00:00:00+00:00"


def _minor(text: str, currency: str) -> int:
    plain = text.replace(",", "").replace(money.MINUS, "-").replace("+", "")
    assert len(plain.partition(".")[2]) == money.exponent(currency)
    return int(plain.replace(".", ""))
