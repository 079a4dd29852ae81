"""Policy and calendars are data: the lake's own are used, the shipped ones else, and a wrong one is refused by name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from recon.errors import Refused
from recon.lake import Lake
from recon.match.due import Calendar, Expectation
from recon.match.open_days import default_calendar
from recon.match.policy import Policy
from tests.factories.lake import LakeBuilder
from tests.match.harness import rows, run, said

WEEKDAYS = tuple(d for d in (date(2026, 3, 1) + timedelta(days=n) for n in range(60)) if d.weekday() < 5)


def expectation(**more: object) -> Expectation:
    given: dict[str, object] = {
        "gateway": "adyen", "gateway_account": "M1", "report_type": "settlement_details", "cadence": "daily",
        "zone": ZoneInfo("Europe/Amsterdam"), "cut_off": time(6), "lag_business_days": 1,
        "grace": timedelta(hours=6), "calendar": Calendar("C", WEEKDAYS)}  # fmt: skip
    return Expectation(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("event", "due"), [
    ("2026-03-10T09:00", "2026-03-12T11:00"),
    ("2026-03-10T23:30", "2026-03-13T11:00"),
    ("2026-03-13T09:00", "2026-03-17T11:00"),
    ("2026-03-14T09:00", "2026-03-17T11:00"),
    ("2026-03-27T09:00", "2026-03-31T10:00"),
])  # fmt: skip
def test_due_counts_open_days_in_the_accounts_own_zone(event: str, due: str) -> None:
    """Just before midnight UTC it is the next day in Amsterdam; weekends do not count; summer time moves it."""
    at = datetime.fromisoformat(event).replace(tzinfo=UTC)
    assert expectation().due_at(at) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(("cadence", "count"), [
    ("hourly", 72), ("daily", 4), ("business_daily", 3), ("weekly", 1), ("monthly", 1)])  # fmt: skip
def test_periods_cover_the_interval_without_hole_or_overlap(cadence: str, count: int) -> None:
    start = datetime(2026, 3, 12, tzinfo=UTC)
    end = start + timedelta(days=3)
    periods = list(expectation(cadence=cadence).periods(start, end))
    assert len(periods) == count
    assert periods[0][0] <= start
    assert periods[-1][1] >= end
    assert all(before[1] == after[0] for before, after in pairwise(periods))


def test_a_calendar_that_the_lake_lacks_comes_by_its_name() -> None:
    target = default_calendar("TARGET", date(2026, 4, 1), date(2026, 4, 10))
    assert target.open_days == (date(2026, 4, 1), date(2026, 4, 2), *(date(2026, 4, day) for day in range(7, 11)))
    with pytest.raises(Refused, match="calendar 'MOON' is neither in business_days"):
        default_calendar("MOON", date(2026, 4, 1), date(2026, 4, 10))


def test_a_run_without_business_days_uses_the_named_calendar(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.rows["feed_expectations"][0]["calendar"] = "US"
    journal = lake.movement(1, 1000)
    assert said(run(lake, tmp_path)) == [("missing_at_gateway", f"movement:{journal}", 1000)]


@pytest.mark.parametrize("own", [{"T+7": "warning"}, "warning"])
def test_the_lakes_policy_decides_the_severity(tmp_path: Path, own: object) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000)
    path = lake.write(tmp_path / "lake")
    (path / "policy").mkdir()
    (path / "policy" / "policy.json").write_text(json.dumps({"classes": {"missing_at_gateway": {"severity": own}}}))
    [row] = rows(run(path, tmp_path))
    assert row["severity"] == "warning"


@pytest.mark.parametrize(("text", "message"), [
    ("{", "not a policy"),
    ('{"classes": {"lost": {}}}', "class 'lost' is unknown; accepted: ambiguous_match"),
    ('{"classes": {"lake_gap": {"severity": "bad"}}}', "severity 'bad' of lake_gap"),
    ('{"classes": {"lake_gap": {"severity": {"T+9": "break"}}}}', "at 'T\\+9'"),
])  # fmt: skip
def test_a_wrong_policy_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "policy.json").write_text(text)
    with pytest.raises(Refused, match=message):
        Policy.load(Lake(tmp_path))


def test_every_class_has_a_severity_for_every_window_and_a_cause(tmp_path: Path) -> None:
    policy = Policy.load(Lake(tmp_path))
    for name in policy.classes:
        assert policy.root_cause(name)
        assert {policy.severity(name, window) for window in ("hourly", "T+7", "T+14", "T+30")}
