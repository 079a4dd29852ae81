"""Local times to UTC: the rules of every labelled zone, the skipped hour refused, the doubled one told by its label."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.feeds.times import LABELS, changes_in, local_sql, parsed, to_utc_sql

CON = duckdb.connect()


def utc(text: str, zone: str, label: str | None = None) -> datetime | None:
    """What a printed local time gives."""
    CON.execute("CREATE OR REPLACE TABLE cell AS SELECT ? AS printed, ? AS label", [text, label])
    low = high = datetime.fromisoformat(text)
    sql = to_utc_sql(f"({local_sql('printed')})", zone, low, high, "label" if label else None)
    ((value,),) = CON.execute(f"SELECT {sql} FROM cell").fetchall()
    assert value is None or isinstance(value, datetime)
    return value


@given(st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)), st.sampled_from(sorted(set(LABELS.values()))))
def test_every_instant_comes_back(at: datetime, zone: str) -> None:
    at = at.replace(microsecond=0)
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    other = local.replace(fold=1 - local.fold)
    twice = other.utcoffset() != local.utcoffset()
    read = utc(local.strftime("%Y-%m-%d %H:%M:%S"), zone, local.tzname() if twice else None)
    assert read == at


@pytest.mark.parametrize(
    "text,label,expected",
    [("2026-03-29 01:59:59", "CET", "2026-03-29 00:59:59"), ("2026-03-29 03:00:00", "CEST", "2026-03-29 01:00:00"),
     ("2026-03-29 02:30:00", "CET", None), ("2026-10-25 02:30:00", "CEST", "2026-10-25 00:30:00"),
     ("2026-10-25 02:30:00", "CET", "2026-10-25 01:30:00"), ("2026-10-25 02:30:00", None, None),
     ("2026-10-25 03:00:00", "CET", "2026-10-25 02:00:00"), ("2026-07-01 12:00:00", "CET", "2026-07-01 10:00:00")],
)  # fmt: skip
def test_clock_changes_of_amsterdam(text: str, label: str | None, expected: str | None) -> None:
    wanted = None if expected is None else datetime.fromisoformat(expected)
    assert utc(text, "Europe/Amsterdam", label) == wanted


def test_a_label_of_the_wrong_season_means_its_zone() -> None:
    assert utc("2023-09-07 05:10:54", "America/Los_Angeles", "PST") == datetime(2023, 9, 7, 12, 10, 54)


def test_changes_are_known_to_the_second() -> None:
    found = [change.at for change in changes_in("Europe/Amsterdam", 2026)]
    assert found == [datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)]
    assert changes_in("Asia/Tokyo", 2026) == ()


@pytest.mark.parametrize(
    "text",
    ["2026-02-30 00:00:00", "2026-13-01 00:00:00", "2026-01-01 24:00:00", "2026-01-01 23:59:60", "01/02/2026 10:00",
     "2026-1-1 10:00:00", "1999-12-31 00:00:00", "2026-01-01T10:00:00+01:00", "1767225600", "soon"],
)  # fmt: skip
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert parsed(text) is None
    CON.execute("CREATE OR REPLACE TABLE cell AS SELECT ? AS printed", [text])
    assert CON.execute(f"SELECT {local_sql('printed')} FROM cell").fetchone() == (None,)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))
def test_text_and_sql_read_times_alike(at: datetime) -> None:
    text = at.strftime("%Y-%m-%d %H:%M:%S")
    CON.execute("CREATE OR REPLACE TABLE cell AS SELECT ? AS printed", [text])
    assert CON.execute(f"SELECT {local_sql('printed')} FROM cell").fetchone() == (parsed(text),)
