"""Figures and tables of how long payments take: titled, with units, plain where empty, the same for the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboards import latency, latency_tables, latency_words
from dashboards.figures import latency as figures
from dashboards.trace import Link, link
from recon.latency.request import Request
from recon.latency.result import LatencyResult
from recon.latency.run import measure
from tests.factories.latency import mixed

Draw = Callable[[LatencyResult], Any]
ALL: list[Draw] = [getattr(figures, name) for name in figures.__all__]
EACH = pytest.mark.parametrize("draw", ALL, ids=figures.__all__)
SECTIONS = ["headline", "end_to_end", "steps", "hours", "outcomes", "trouble", "doubt", "settled", "slowest",
            "timeline"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(mixed(tmp_path_factory.mktemp("lives")))


def _of(lake: str, **more: str) -> LatencyResult:
    window = {"since": "2026-03-05T08:00:00Z", "until": "2026-03-05T12:00:00Z"}
    return measure(Request.parse(lake=lake, **(window | more)))


@pytest.fixture(scope="module")
def result(lake: str) -> LatencyResult:
    return _of(lake)


@pytest.fixture(scope="module")
def nothing(lake: str) -> LatencyResult:
    return _of(lake, since="2026-03-01", until="2026-03-02")


def _drawn(figure: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(figure.to_json())
    return drawn


@EACH
def test_a_figure_has_title_axes_with_units_and_hover(draw: Draw, result: LatencyResult) -> None:
    drawn = _drawn(draw(result))
    assert drawn["layout"]["title"]["text"]
    assert drawn["data"]
    titles = [axis["title"]["text"] for name, axis in drawn["layout"].items()
              if name.startswith(("xaxis", "yaxis")) and axis.get("title", {}).get("text")]
    assert titles
    assert all(trace["hovertemplate"].endswith("<extra></extra>") for trace in drawn["data"])


@EACH
def test_a_figure_without_payments_says_so(draw: Draw, nothing: LatencyResult) -> None:
    drawn = _drawn(draw(nothing))
    assert not drawn["data"]
    assert drawn["layout"]["annotations"][0]["text"].endswith(".")


@EACH
def test_a_figure_is_the_same_for_the_same_rows(draw: Draw, lake: str, result: LatencyResult) -> None:
    assert draw(result).to_json() == draw(_of(lake)).to_json()


@EACH
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_one_gateway_alone_is_drawn_alone(draw: Draw, gateway: str, lake: str) -> None:
    text = draw(_of(lake, gateway=gateway)).to_json()
    assert latency_words.gateway({"stripe": "adyen", "adyen": "stripe"}[gateway])[0] not in text.replace(
        "Money: the day of payout (Stripe), the day on which the batch was booked (Adyen).", "")


def test_without_settlement_lines_a_sentence_takes_the_place_of_the_plot(result: LatencyResult) -> None:
    unknown = [{**row, "paid_after": None, "reported_after": None} for row in result.settled]
    for rows, said in (([], "Nothing was captured"), (unknown, "No settlement line of these payments")):
        drawn = _drawn(figures.settled(replace(result, settled=rows)))
        assert not drawn["data"]
        assert said in drawn["layout"]["annotations"][0]["text"]


def test_without_trouble_sentences_take_the_place_of_plots(result: LatencyResult) -> None:
    calm = replace(result, trouble=[], figures=result.figures.slice(0, 0))
    for draw, said in ((figures.trouble, "undone, in doubt or recovered"), (figures.doubt, "in doubt or needed")):
        assert said in _drawn(draw(calm))["layout"]["annotations"][0]["text"]


def test_panels_of_one_kind_have_one_scale(result: LatencyResult) -> None:
    for draw in (figures.outcomes, figures.trouble, figures.end_to_end, figures.step_distributions):
        layout = _drawn(draw(result))["layout"]
        ranges = {tuple(axis["range"]) for name, axis in layout.items() if name.startswith("yaxis") and "range" in axis}
        assert len(ranges) == 1


def test_the_timeline_is_on_one_axis_of_seconds_for_every_attempt(result: LatencyResult) -> None:
    drawn = _drawn(figures.timeline(result))
    calls = [trace for trace in drawn["data"] if trace["name"] == "gateway's answer"]
    assert calls[0]["y"] == ["Authorise", "Void", "Void"]
    assert calls[0]["base"][0] == pytest.approx(0.05)
    recovery = next(trace for trace in drawn["data"] if "Recovery" in trace["y"] and "base" in trace)
    assert recovery["x"][recovery["y"].index("Recovery")] == pytest.approx(0.92)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_shows_something_also_of_nothing(name: str, result: LatencyResult,
                                                       nothing: LatencyResult) -> None:
    for measured in (result, nothing):
        parts = [dict(part.bundle()) for part in getattr(latency, name)(measured).parts]
        assert parts
        assert all(len(part) == 1 for part in parts)


def test_the_headline_tells_what_did_not_end(result: LatencyResult, nothing: LatencyResult) -> None:
    assert "1 payment of 27 did not come to an end." in latency_tables.headline(result).text
    assert "No payment entered in this window." in latency_tables.headline(nothing).text


def test_a_trace_is_a_link_where_its_region_is_known(result: LatencyResult) -> None:
    trace_id = "1-6b034a10-820bbc3e2f09152192a1dabc"
    assert link(None, trace_id) == trace_id
    assert not isinstance(link("eu-west-1", "trace-7"), Link)
    assert link("eu-west-1", None) == "–"
    assert "<a " not in latency_tables.slowest(result).text
    linked = latency_tables.slowest(replace(result, region="eu-west-1")).text
    assert linked.count('<a href="https://eu-west-1.console.aws.amazon.com/') == len(result.slowest)
    assert "#xray:traces/1-0000001e-000000000000000000000000" in linked


@pytest.mark.parametrize(
    "ms, said", [(0.5, "0.50 ms"), (9.99, "9.99 ms"), (842.4, "842 ms"), (1_240, "1.24 s"), (125_000, "2 min 05 s"),
                 (11_040_000, "3 h 04 min")],
)  # fmt: skip
def test_lengths_are_told_as_people_do(ms: float, said: str) -> None:
    assert latency_words.duration(ms) == said


def test_a_long_window_of_hours_is_still_drawn(result: LatencyResult) -> None:
    hours = [datetime(2026, 3, day, hour, tzinfo=UTC) for day in range(1, 8) for hour in range(24)]
    rows = [{"gateway": "stripe", "hour_at": hour, "last_status": "COMMITTED", "payments": 5} for hour in hours]
    drawn = _drawn(figures.outcomes(replace(result, outcomes=rows)))
    assert len(drawn["data"][0]["x"]) == len(set(drawn["data"][0]["x"])) == 7 * 24


def test_every_word_of_a_table_is_escaped(result: LatencyResult) -> None:
    odd = [{**row, "trace_id": "<script>"} for row in result.slowest]
    assert "<script>" not in latency_tables.slowest(replace(result, slowest=odd)).text
