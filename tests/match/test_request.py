"""Parameters are checked before anything is read; each refusal says what would be accepted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recon.match.request import BadRequest, Request


def parse(**given: str) -> Request:
    return Request.parse(**({"window": "T+7", "as_of": "2026-03-17", "lake": "lake"} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("window", "as_of", "start", "end"),
    [
        ("T+7", "2026-03-17", "2026-03-10T00:00", "2026-03-11T00:00"),
        ("T+14", "2026-03-17", "2026-03-03T00:00", "2026-03-04T00:00"),
        ("T+30", "2026-03-17T00:00:00Z", "2026-02-15T00:00", "2026-02-16T00:00"),
        ("hourly", "2026-03-17T14:00:00Z", "2026-03-17T12:00", "2026-03-17T13:00"),
        ("hourly", "2026-03-17T14:00:00+01:00", "2026-03-17T11:00", "2026-03-17T12:00"),
    ],
)
def test_cohorts(window: str, as_of: str, start: str, end: str) -> None:
    request = parse(window=window, as_of=as_of)
    assert request.cohort_from == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert request.cohort_to == datetime.fromisoformat(end).replace(tzinfo=UTC)
    assert request.known_at == request.as_of


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": "T+8"}, "accepted: hourly, T\\+7, T\\+14, T\\+30"),
        ({"as_of": "17.03.2026"}, "takes a date, e.g. 2026-03-31"),
        ({"as_of": "2026-02-30"}, "does not exist"),
        ({"as_of": "2026-03-17T05:00:00Z"}, "is not a day"),
        ({"window": "hourly"}, "RFC 3339"),
        ({"window": "hourly", "as_of": "2026-03-17T14:30:00Z"}, "not on the hour"),
        ({"window": "hourly", "as_of": "2026-03-17T14:00:00"}, "RFC 3339"),
        ({"known_at": "yesterday"}, "RFC 3339"),
        ({"known_at": "now"}, "resolved by the command line"),
        ({"engine": "postgres"}, "accepted: duckdb, athena, trino"),
        ({"lake": ""}, "lake is empty"),
    ],
)
def test_refusals_say_what_is_accepted(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        parse(**given)


def test_known_at_may_be_a_day_or_an_instant() -> None:
    assert parse(known_at="2026-04-01").known_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert parse(known_at="2026-04-01T02:00:00+02:00").known_at == datetime(2026, 4, 1, tzinfo=UTC)
