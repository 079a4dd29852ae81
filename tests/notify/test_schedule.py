"""When webhooks are tried again: the standard's schedule, later by some jitter, later still where a receiver asks."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Misused
from pipeline.notify.deliveries import LONGEST_DELAY_S
from pipeline.notify.posting import Answer
from pipeline.notify.schedule import JITTER, LONGEST_WISH_S, STANDARD, Schedule, wish
from tests.notify.parts import AT, Network

DELAYS = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


@pytest.mark.property(71)
def test_attempts_come_as_the_standard_says_and_then_no_more() -> None:
    network = Network([Answer(500, "answered")])
    outcomes = [outcome for outcome in network.run() if outcome != "early"]
    assert outcomes == ["failed"] * 9 + ["exhausted"]
    assert [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(network.sent)] == DELAYS
    assert network.sent[-1].at - network.sent[0].at == timedelta(hours=75, minutes=35, seconds=5)
    ((delivery, reason),) = network.given_up
    assert (delivery.attempt, reason) == (10, "answered 500")


@pytest.mark.property(71)
@given(st.integers(0, 8), st.floats(0, 1), st.floats(0, 10 * LONGEST_WISH_S))
def test_jitter_only_lengthens_and_by_no_more_than_its_share(attempt: int, draw: float, wish_s: float) -> None:
    asked = max(DELAYS[attempt], min(wish_s, LONGEST_WISH_S))
    delay = Schedule.of(STANDARD).after(attempt, lambda: draw, wish_s=wish_s)
    assert delay is not None
    assert asked <= delay <= asked * (1 + JITTER) + 1e-6
    assert Schedule.of(STANDARD).after(9, lambda: draw, wish_s=wish_s) is None


@pytest.mark.property(71)
@given(st.lists(st.integers(0, 90_000), min_size=2, max_size=4), st.floats(0, 1))
def test_what_the_queue_cannot_hold_back_goes_round_until_it_is_due_and_not_once_more(
    delays: list[int], draw: float
) -> None:
    network = Network([Answer(None, "timeout")], schedule=",".join(map(str, delays)), draw=draw)
    outcomes = network.run()
    assert [outcome for outcome in outcomes if outcome != "early"] == ["failed"] * (len(delays) - 1) + ["exhausted"]
    for (earlier, later), delay in zip(pairwise(network.sent), delays[1:], strict=True):
        gap = (later.at - earlier.at).total_seconds()
        # Half a second early is as good as in time.
        assert delay * (1 + JITTER * draw) - 0.51 <= gap <= delay * (1 + JITTER * draw) + 1
    hops = sum(max(0, -(-delay * (1 + JITTER * draw) // LONGEST_DELAY_S)) for delay in delays[1:])
    assert outcomes.count("early") <= hops


@pytest.mark.property(71)
@pytest.mark.parametrize("header, seconds", [
    (None, 0), ("", 0), ("120", 120), (" 7 ", 7), ("-5", 0), ("soon", 0), ("1e9", 0), ("9" * 400, LONGEST_WISH_S),
    ("Sun, 01 Mar 2026 12:02:00 GMT", 120), ("Sun, 01 Mar 2026 11:00:00 GMT", 0), ("Sun, 99 Mar 2026 12:02:00 GMT", 0),
])
def test_a_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    assert wish(header, at=AT) == seconds


@pytest.mark.property(71)
@pytest.mark.parametrize("status, asked, gap", [(429, "60", 60), (503, "60", 60), (500, "60", 5), (429, "1", 5),
                                                (429, "999999", LONGEST_WISH_S)])
def test_a_receiver_that_asks_for_time_gets_it_within_bounds(status: int, asked: str, gap: float) -> None:
    network = Network([Answer(status, "answered", asked), Answer(200, "answered")])
    assert [outcome for outcome in network.run() if outcome != "early"] == ["failed", "delivered"]
    assert (network.sent[1].at - network.sent[0].at).total_seconds() == gap


@pytest.mark.parametrize("text", ["", "soon", "0,-1", "0,1e9", "nan", "1;2"])
def test_a_schedule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Misused, match="seconds before each attempt"):
        Schedule.of(text)
