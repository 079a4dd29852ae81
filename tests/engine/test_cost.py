"""What a query reads of the lake: every time it reads a table, the columns it needs, the days it keeps to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipeline.schemas.tables import TABLES
from recon.engine import cost, dialect, queries
from recon.engine.cost import READ_WHOLE_BYTES, TAIL_BYTES, Scan
from recon.engine.footers import Footer
from recon.engine.port import Scalar
from tests.engine.harness import HEADER

FROM, UNTIL = datetime(2026, 1, 2, 5, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
DAYS = "dt >= CAST(:a AS DATE) AND dt <= CAST(:b - INTERVAL '1' SECOND AS DATE)"


def scans(sql: str, inputs: str = "ledger_entries", parameters: str = "none", **params: Scalar) -> list[Scan]:
    """The scans of a statement."""
    query = queries.parse("q", HEADER.format(inputs=inputs, parameters=parameters) + sql)
    return cost.scans(dialect.bind(query, params))


def footer(day: str, size_bytes: int, **column_bytes: int) -> Footer:
    """A footer of one object of a day."""
    return Footer(f"ledger_entries/dt={day}/hr=00/a.parquet", 1, size_bytes, {}, column_bytes)


def test_columns_are_those_that_the_statement_names() -> None:
    assert scans("SELECT e.entry_id FROM ledger_entries AS e WHERE e.step = 'CAPTURE' ORDER BY e.entry_id") == [
        Scan("ledger_entries", frozenset({"entry_id", "step"}))]


def test_scratch_tables_and_partitions_count_nothing() -> None:
    sql = ("SELECT m.journal_id FROM movements AS m "
           "INNER JOIN ledger_entries AS e ON m.journal_id = e.journal_id AND e.hr = '05'")
    assert scans(sql, "movements, ledger_entries") == [Scan("ledger_entries", frozenset({"journal_id"}))]


def test_a_clause_that_is_used_twice_is_read_twice() -> None:
    sql = ("WITH a AS (SELECT entry_id FROM ledger_entries), "
           "b AS (SELECT entry_id FROM a UNION ALL SELECT entry_id FROM a) "
           "SELECT b.entry_id FROM b WHERE EXISTS (SELECT 1 FROM b AS c WHERE c.entry_id = b.entry_id)")
    assert scans(sql) == [Scan("ledger_entries", frozenset({"entry_id"}))] * 4


def test_days_are_read_from_the_conditions() -> None:
    sql = f"SELECT entry_id FROM ledger_entries WHERE {DAYS}"
    [scan] = scans(sql, parameters="a timestamp, b timestamp", a=FROM, b=UNTIL)
    assert (scan.first, scan.last) == (date(2026, 1, 2), date(2026, 1, 3))


@pytest.mark.parametrize("condition, first", [
    ("dt >= DATE '2026-01-02'", date(2026, 1, 2)),
    ("step = 'CAPTURE' AND (dt >= DATE '2026-01-02')", date(2026, 1, 2)),
    ("dt >= DATE '2026-01-02' OR step = 'CAPTURE'", None),
    ("NOT dt >= DATE '2026-01-02'", None),
    ("dt >= CAST(DATE '2026-01-02' - INTERVAL '3' DAY AS DATE)", None),
    ("dt >= CAST(date_add('day', 3, DATE '2026-01-02') AS DATE)", None),
])
def test_a_condition_that_does_not_bound_every_row_bounds_nothing(condition: str, first: date | None) -> None:
    [scan] = scans(f"SELECT entry_id FROM ledger_entries WHERE {condition}")
    assert (scan.first, scan.last) == (first, None)


def test_small_objects_count_whole_and_large_ones_by_column() -> None:
    sql = f"SELECT entry_id FROM ledger_entries WHERE {DAYS}"
    query = queries.parse("q", HEADER.format(inputs="ledger_entries", parameters="a timestamp, b timestamp") + sql)
    bound = dialect.bind(query, {"a": FROM, "b": UNTIL})
    large = READ_WHOLE_BYTES + 1
    footers = {"ledger_entries": [
        footer("2026-01-01", 10), footer("2026-01-02", 20), footer("2026-01-04", 40),
        footer("2026-01-03", large, entry_id=1_000, step=500_000)]}
    assert cost.scan_bytes(bound, footers) == 20 + TAIL_BYTES + 1_000


def test_every_shipped_query_can_be_estimated() -> None:
    for name in queries.names():
        query = queries.load(name)
        values = {parameter: _value(kind) for parameter, kind in query.parameters.items()}
        read = {scan.table for scan in cost.scans(dialect.bind(query, values))}
        assert read == {table for table in query.inputs if table in TABLES}, name


def _value(kind: str) -> Scalar:
    return FROM if kind == "timestamp" else "x" if kind == "varchar" else 1
