"""A question in the asker's own SQL: the same answer on every engine, refused before anything is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from recon.engine import adhoc
from recon.engine.budget import OverBudget
from recon.engine.question import QuestionRefused
from recon.errors import Refused
from tests.engine.harness import Bench, opened, sample

DAYS = ("2026-01-01", "2026-01-03")
TOTALS = """
SELECT e.account, count(*), sum(CAST(e.amount_minor AS DECIMAL(38, 0))) AS total_minor, min(e.amount_minor) AS least,
       max(e.event_at) AS last_at, max(e.dt) AS last_day, bool_or(e.payment_id > :above) AS some
FROM ledger_entries AS e
WHERE e.currency = :currency AND e.event_at >= :since
GROUP BY e.account
ORDER BY e.account DESC
"""
TOTALLED: dict[str, Any] = {"above": 10, "currency": "EUR", "since": datetime(2026, 1, 1, tzinfo=UTC)}


def fill(bench: Bench) -> None:
    """Three days of a ledger, and a feed file."""
    for day, account, amount in ((1, "a", 5), (2, "b", 2**62), (3, "c", 7)):
        bench.write("ledger_entries", f"ledger_entries/dt=2026-01-0{day}/hr=05/x.parquet", sample(
            "ledger_entries", account=[account] * 2, amount_minor=[amount, amount], currency=["EUR", "EUR"],
            event_at=[datetime(2026, 1, day, 5), datetime(2026, 1, day, 5, 0, 0, 7000)]))
    bench.write("feed_files", "feed_files/f.parquet", sample("feed_files", received_at=[
        datetime(2026, 1, 1, 23), datetime(2026, 1, 2, 1)]))


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[str]:
    """The lake in a folder."""
    with opened("duckdb", tmp_path, None) as bench:
        fill(bench)
        yield bench.root


def ask(sql: str, lake: str, *, days: adhoc.Days | None = DAYS, known_at: datetime | None = None,
        **parameters: object) -> list[tuple[Any, ...]]:
    """The rows of a question on the local engine."""
    rows = adhoc.ask(sql, parameters, lake=lake, engine="duckdb", days=days, known_at=known_at)
    return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def test_every_engine_gives_the_same_exact_frame(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bench)
    told: list[str] = []
    found = adhoc.frame(adhoc.ask(TOTALS, TOTALLED, lake=bench.root, engine=bench.engine.name, days=DAYS,
                                  progress=told.append))
    pd.testing.assert_frame_equal(found, pd.DataFrame({
        "account": ["b", "a"], "_col1": pd.array([2, 2], "Int64"), "total_minor": [Decimal(2**63), Decimal(10)],
        "least": pd.array([2**62, 5], "Int64"),
        "last_at": pd.Series([datetime(2026, 1, day, 5, 0, 0, 7000) for day in (2, 1)], dtype="datetime64[ms]"),
        "last_day": [date(2026, 1, 2), date(2026, 1, 1)], "some": pd.array([None, None], "boolean")}))
    assert told[0] == "list ledger_entries"
    assert f"ask {bench.engine.name}" in told
    with pytest.raises(QuestionRefused, match=f"engine {bench.engine.name} cannot answer: .*amonut_minor"):
        adhoc.ask("SELECT e.amonut_minor FROM ledger_entries AS e", {}, lake=bench.root, engine=bench.engine.name,
                  days=DAYS)
    if bench.engine.name != "duckdb":
        monkeypatch.setattr(adhoc, "bytes_budget", lambda: 100)
        with pytest.raises(OverBudget, match=rf"the question would read about \d.* with engine {bench.engine.name}, "
                                             "and the budget is 100 bytes; set RECON_BYTES_BUDGET to more"):
            adhoc.ask(TOTALS, TOTALLED, lake=bench.root, engine=bench.engine.name, days=DAYS)


def test_days_are_half_open_and_what_has_no_days_is_read_whole(lake: str) -> None:
    accounts = "SELECT e.account FROM ledger_entries AS e WHERE e.sequence = 1 ORDER BY e.account"
    assert ask(accounts, lake) == [("a",), ("b",)]
    assert ask(accounts, lake, days=(date(2026, 1, 3), date(2026, 1, 4))) == [("c",)]
    assert ask(accounts, lake, days=("2027-01-01", "2027-01-02")) == []
    assert ask("SELECT count(*) AS n FROM feed_files AS f", lake, days=None) == [(2,)]


def test_what_landed_later_is_left_out_and_the_statement_may_say_known_at(lake: str) -> None:
    known_at = datetime(2026, 1, 2, tzinfo=UTC)
    for day in (1, 2):
        landed = datetime(2026, 1, day, 6, tzinfo=UTC).timestamp()
        os.utime(Path(lake, f"ledger_entries/dt=2026-01-0{day}/hr=05/x.parquet"), (landed, landed))
    assert ask("SELECT DISTINCT e.account FROM ledger_entries AS e", lake, known_at=known_at) == [("a",)]
    by_row = "SELECT count(*) AS n FROM feed_files AS f WHERE f.received_at < :known_at"
    assert ask(by_row, lake, days=None, known_at=known_at) == [(1,)]
    with pytest.raises(QuestionRefused, match=r"not given: known_at; the statement takes :known_at"):
        ask(by_row, lake)


def test_parameters_have_the_type_of_their_value(lake: str) -> None:
    east = timezone(timedelta(hours=2))
    given: dict[str, object] = {"s": "it's", "b": True, "i": -(2**63), "d": Decimal("1.5"), "day": date(2026, 1, 1),
                                "t": datetime(2026, 1, 1, 2, tzinfo=east)}
    sql = "SELECT :s AS s, :b AS b, :i AS i, :d AS d, :day AS day, :t AS t"
    rows = adhoc.ask(sql, given, lake=lake, engine="duckdb")
    assert rows.schema.types == [pa.string(), pa.bool_(), pa.int64(), pa.decimal128(38, 18), pa.date32(),
                                 pa.timestamp("ms")]
    assert rows.to_pylist() == [given | {"t": datetime(2026, 1, 1)}]


E = "FROM ledger_entries AS e"


@pytest.mark.parametrize("sql, said", [
    (f"SELECT e.amount_minor,\n e.amount_minor / 2 AS half\n{E} WHERE avg(e.sequence) > 1",
     r"(?s)line 2: division: e.amount_minor / 2: .*; safe: keep minor.*line 3: average: AVG.*; safe: take sum and"),
    ("SELECT a.x FROM ledgr AS a", r"no table ledgr; there are batches, .*, status_lines"),
    ("SELECT t.a FROM 'x.parquet' AS t", "line 1: identifier"),
    (f"WITH feed_files AS (SELECT e.account {E}) SELECT f.account FROM feed_files AS f",
     "WITH feed_files has the name of a lake table"),
    (f"SELECT e.account AS a, e.step AS a {E}", "two columns are called a; give each a name of its own with AS"),
    (f"SELECT e.account {E} ORDER BY e.step", "ordered by e.step, which is not among its columns"),
    (f"SELECT e.amount_minor {E} ORDER BY -e.amount_minor", "ordered by -e.amount_minor, which is not among"),
    (f"SELECT e.amount_minor {E} ORDER BY 2", "ordered by 2, which is not among"),
    (f"SELECT e.amount_minor {E} ORDER BY 1 NULLS FIRST", "ordered by 1 NULLS FIRST; an engine that unloads"),
    ("DROP TABLE ledger_entries", "one SELECT was expected; found: DROP"),
    ("SELECT 1 AS a; SELECT 2 AS a", "one SELECT was expected; found: SELECT, SELECT"),
    ("", "one SELECT was expected; found: nothing"),
    ("SELECT (", "the statement is not Trino's SQL"),
    (f"SELECT e.account {E} WHERE e.step = ?", "a parameter without a name: write :name"),
])
def test_a_statement_is_refused_before_anything_is_opened(
    sql: str, said: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adhoc, "Lake", None)
    with pytest.raises(QuestionRefused, match=said):
        ask(sql, "s3://nowhere")


@pytest.mark.parametrize("given, said", [
    ({}, "parameters not given: x; the statement takes :x"),
    ({"y": 1}, "parameters not given: x; not in the statement: y; the statement takes :x"),
    ({"x": 1.5}, "parameter x is a float; accepted: str, bool, .*; an amount is an int of minor units"),
    ({"x": None}, "parameter x is None, which has no type"),
    ({"x": [1]}, "parameter x is a list; accepted"),
    ({"x": 2**63}, "parameter x: 9223372036854775808 does not fit a BIGINT"),
    ({"x": Decimal("0.1234567890123456789")}, r"does not fit DECIMAL\(38, 18\)"),
    ({"x": Decimal("NaN")}, "parameter x: NaN is not a finite number"),
    ({"x": datetime(2026, 1, 1)}, "parameter x: an aware UTC time of whole milliseconds was expected"),
])
def test_parameters_are_refused_by_name(
    given: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adhoc, "Lake", None)
    with pytest.raises(QuestionRefused, match=said):
        ask("SELECT :x AS x", "s3://nowhere", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("days, said", [
    (None, r'ledger_entries: read by days, and none were given; give days=\("2026-03-01", "2026-03-08"\)'),
    (("2026-01-02", "2026-01-02"), "days 2026-01-02 to 2026-01-02 hold no day"),
    ("2026-01-02", "days '2026-01-02': two days were expected"),
    (("2026-01-02", "2026-02-30"), "days: '2026-02-30' is no day"),
    ((datetime(2026, 1, 1, tzinfo=UTC), "2026-02-01"), "days: .* is no day"),
])
def test_days_are_asked_for(days: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adhoc, "Lake", None)
    with pytest.raises(QuestionRefused, match=said):
        ask(f"SELECT e.account {E}", "s3://nowhere", days=days)


def test_a_table_that_the_lake_lacks_is_refused(lake: str) -> None:
    with pytest.raises(Refused, match=r"no table fee_schedules in lake .*: expected folder"):
        ask("SELECT f.bps FROM fee_schedules AS f", lake)
