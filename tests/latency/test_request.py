"""What a measurement can be asked for, and what is said to what it cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon.errors import Refused
from recon.latency.request import Request
from recon.latency.run import measure, preflight
from tests.factories.latency import Lives

GIVEN = {"since": "2026-03-05", "until": "2026-03-06T12:00:00+02:00", "lake": "lake"}


def test_days_and_instants_are_utc() -> None:
    request = Request.parse(**GIVEN)
    assert request.since == datetime(2026, 3, 5, tzinfo=UTC)
    assert request.until == datetime(2026, 3, 6, 10, tzinfo=UTC)
    assert request.follow_until == request.until + timedelta(days=1)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"since": "yesterday"}, "since 'yesterday' is not an instant; accepted: RFC 3339"),
        ({"since": "2026-02-30"}, "since '2026-02-30' does not exist"),
        ({"since": "2026-03-06T10:00:00Z"}, "accepted: a window that holds some time"),
        ({"until": "2026-03-05T10:00:00.000001Z"}, "finer than a millisecond"),
        ({"gateway": "paypal"}, "gateway 'paypal' is unknown; accepted: all, stripe, adyen"),
        ({"engine": "spark"}, "accepted: duckdb, athena, trino"),
        ({"lake": ""}, "lake is empty"),
        ({"region": "https://x"}, "accepted: such as eu-central-1"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_accepted(given: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said.replace("(", r"\(")):
        Request.parse(**(GIVEN | given))


@pytest.mark.parametrize("lacking", ["payment_states", "payment_events"])
def test_a_lake_without_states_or_events_is_refused_at_once(lacking: str, tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1)
    lake = lives.write(tmp_path / "lake")
    for path in sorted((lake / lacking).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (lake / lacking).rmdir()
    request = Request.parse(**(GIVEN | {"lake": str(lake)}))
    for refuses in (preflight, measure):
        with pytest.raises(Refused, match=f"no table {lacking} in lake"):
            refuses(request)
