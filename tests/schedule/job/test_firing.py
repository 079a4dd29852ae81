"""An event becomes a firing, or is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.errors import Refused
from recon.schedule.job.firing import Firing

AT = "2026-03-12T06:00:00Z"


@pytest.mark.parametrize("event, name, as_of", [
    ({"window": "T+7", "scheduled_at": AT}, "T7/2026-03-12", "2026-03-12"),
    ({"window": "T+30", "scheduled_at": "2026-03-12T00:00:00Z"}, "T30/2026-03-12", "2026-03-12"),
    ({"window": "T+14", "scheduled_at": "2026-03-12T01:30:00+02:00"}, "T14/2026-03-11", "2026-03-11"),
    ({"window": "hourly", "scheduled_at": "2026-03-12T06:20:00Z"}, "hourly/2026-03-12T06", "2026-03-12T06:00:00Z"),
    ({"window": "T+7", "scheduled_at": AT, "as_of": "2026-03-10", "attempt": 3}, "T7/2026-03-10", "2026-03-10"),
])
def test_an_event_says_which_run_is_due(event: dict[str, Any], name: str, as_of: str) -> None:
    firing = Firing.parse(event)
    assert (firing.name, firing.parameters()["as_of"]) == (name, as_of)
    assert firing.folder.startswith(f"{name}/2026-03-1")


@pytest.mark.parametrize("event, said", [
    ({"window": "T+8", "scheduled_at": AT}, "window of the event is 'T\\+8'; accepted: hourly"),
    ({"scheduled_at": AT}, "window of the event is None"),
    ({"window": "T+7"}, "scheduled_at of the event is None"),
    ({"window": "T+7", "scheduled_at": "<aws.scheduler.scheduled-time>"}, "which the scheduler fills in"),
    ({"window": "T+7", "scheduled_at": "2026-02-30T06:00:00Z"}, "does not exist"),
    ({"window": "T+7", "scheduled_at": "tomorrow"}, "is not an instant; accepted: RFC 3339"),
    ({"window": "T+7", "scheduled_at": AT, "as_of": "2026-02-29"}, "'2026-02-29' does not exist"),
    ({"window": "T+7", "scheduled_at": AT, "as_of": 20260312}, "as_of of the event is 20260312"),
    ({"window": "T+7", "scheduled_at": AT, "as_of": "2026-03-13"}, "lies after scheduled_at"),
    ({"window": "hourly", "scheduled_at": AT, "as_of": "2026-03-12T05:30:00Z"}, "is not on the hour"),
    ({"window": "T+7", "scheduled_at": AT, "attempt": 0}, "whole number from 1"),
    ({"window": "T+7", "scheduled_at": AT, "attempt": True}, "whole number from 1"),
    ({"window": "T+7", "scheduled_at": AT, "lake": "s3://other"}, "the event has lake; accepted are window"),
])
def test_what_is_no_firing_is_refused_by_name(event: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        Firing.parse(event)
    assert refused.value.exit_code == 2


def test_what_is_no_object_is_refused_too() -> None:
    with pytest.raises(Refused, match="the event is 'T\\+7'; accepted is a JSON object"):
        Firing.parse("T+7")  # type: ignore[arg-type]


@given(st.sampled_from(["hourly", "T+7", "T+14", "T+30"]),
       st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_the_event_of_a_firing_is_that_firing(window: str, at: datetime) -> None:
    firing = Firing.parse({"window": window, "scheduled_at": at.isoformat()})
    assert Firing.parse(firing.event()) == firing
    again = firing.again()
    assert (again.folder, again.attempt) == (firing.folder, 2)
    assert Firing.parse(again.event()) == again
