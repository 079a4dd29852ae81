"""A figure is ours less what is not counted, as a multiple of the yardstick."""

from __future__ import annotations

from functools import partial

import pytest

from bench.ratio import Ratio, alternate
from bench.run import benchmarks


@pytest.mark.parametrize(
    "seconds, allowance, ratio, met", [(6.0, 0.0, 3.0, True), (8.0, 2.0, 3.0, True), (6.2, 0.0, 3.1, False)]
)
def test_a_ratio_is_met_up_to_its_bar(seconds: float, allowance: float, ratio: float, met: bool) -> None:
    figure = Ratio("ingest", seconds, 2.0, bar=3.0, allowance=allowance)
    assert figure.ratio == pytest.approx(ratio)
    assert figure.met is met
    assert figure.to_dict()["met"] is met


def test_work_is_timed_in_turns() -> None:
    turns: list[str] = []
    seconds = alternate(partial(turns.append, "ours"), partial(turns.append, "yardstick"), rounds=2)
    assert turns == ["ours", "yardstick", "ours", "yardstick"]
    assert len(seconds) == 2
    assert min(seconds) >= 0


def test_every_benchmark_is_found() -> None:
    assert {"ingest", "notebook"} <= set(benchmarks())
