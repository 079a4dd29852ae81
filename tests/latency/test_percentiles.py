"""Percentiles are the nearest rank, exactly, whatever the lengths are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.engine.duckdb import DuckDbEngine
from recon.latency.bins import bins, table
from recon.latency.result import Bin

_KINDS: dict[str, pa.DataType] = {
    "payment_id": pa.int64(), "measure": pa.string(), "step": pa.string(), "number": pa.int64(), "us": pa.int64(),
    "gateway": pa.string(), "hour_at": pa.timestamp("ms")}  # fmt: skip
SPANS = pa.schema(_KINDS)
HOURS = [datetime(2026, 3, 5, 9), datetime(2026, 3, 5, 10)]
_ONE = st.tuples(st.sampled_from(["stripe", "adyen"]), st.sampled_from(HOURS),
                 st.one_of(st.integers(0, 5), st.integers(0, 10**12)))  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDbEngine]:
    with DuckDbEngine(str(tmp_path_factory.mktemp("lake"))) as made:
        yield made


def nearest_rank(lengths: list[int], percent: int) -> int:
    """The definition: the smallest length with at least `percent` of all at or below it."""
    return next(value for value in sorted(lengths)
                if sum(other <= value for other in lengths) * 100 >= percent * len(lengths))


def _spans(drawn: list[tuple[str, datetime, int]]) -> pa.Table:
    return pa.Table.from_pylist([
        {"payment_id": number, "measure": "step", "step": "capture", "number": 1, "us": us, "gateway": gateway,
         "hour_at": hour} for number, (gateway, hour, us) in enumerate(drawn)], schema=SPANS)  # fmt: skip


@given(st.lists(_ONE, min_size=1, max_size=60))
def test_percentiles_are_nearest_ranks_of_every_group(engine: DuckDbEngine,
                                                      drawn: list[tuple[str, datetime, int]]) -> None:
    engine.register("latency_spans", _spans(drawn))
    engine.materialize("latency_lengths", "latency_lengths")
    rows: list[dict[str, Any]] = engine.fetch("latency_figures").to_pylist()
    groups = {(gateway, hour): [us for name, at, us in drawn if gateway in ("all", name) and hour in (None, at)]
              for gateway in ("all", "stripe", "adyen") for hour in (None, *HOURS)}
    assert {(row["gateway"], row["hour_at"]) for row in rows} == {key for key, held in groups.items() if held}
    assert len(rows) == sum(1 for held in groups.values() if held)
    for row in rows:
        held = groups[row["gateway"], row["hour_at"]]
        assert [row["p50_us"], row["p95_us"], row["p99_us"]] == [nearest_rank(held, share) for share in (50, 95, 99)]
        assert [row["spans"], row["min_us"], row["max_us"], row["total_us"]] == [
            len(held), min(held), max(held), sum(held)]


@given(st.lists(_ONE, min_size=1, max_size=30))
def test_every_length_is_in_one_bin(engine: DuckDbEngine, drawn: list[tuple[str, datetime, int]]) -> None:
    engine.register("latency_spans", _spans(drawn))
    engine.materialize("latency_lengths", "latency_lengths")
    engine.register("latency_bins", table(bins()))
    rows: list[dict[str, Any]] = engine.fetch("latency_histogram").to_pylist()
    assert sum(row["spans"] for row in rows) == len(drawn)
    for row in rows:
        one = bins()[row["bin"]]
        assert row["spans"] == sum(gateway == row["gateway"] and one.from_us <= us < one.until_us
                                   for gateway, _, us in drawn)


def test_bins_meet_without_a_gap_from_zero_up() -> None:
    made = bins()
    assert made[0] == Bin(0, 0, 100)
    assert all(one.until_us == other.from_us for one, other in pairwise(made))
    assert made[-1].until_us > 10**15
