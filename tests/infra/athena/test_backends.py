"""What only shows below the API: limits that a backend watches itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local import guard
from infra.local.athena.backends.duckdb import DuckDbBackend
from infra.local.athena.backends.port import LIMIT_EXCEEDED, Backend, Job
from infra.local.athena.backends.trino import TrinoBackend
from infra.local.athena.catalog import Catalog
from infra.local.athena.errors import QueryCancelled
from infra.local.athena.statements import Unload
from infra.local.athena.storage import Store
from tests.infra.athena.harness import DATABASE, Stack

SQL = "SELECT * FROM ledger_entries WHERE dt >= DATE '2026-01-01' AND dt < DATE '2026-01-04'"


@pytest.fixture
def backend(stack: Stack) -> Iterator[Backend]:
    with guard.applied(stack.aws):
        store = Store()
        yield TrinoBackend(stack.trino, store) if stack.trino else DuckDbBackend(Catalog(), store)


def test_a_scan_above_the_limit_ends(stack: Stack, backend: Backend) -> None:
    unlimited = Job()
    rows = backend.select(SQL, DATABASE, unlimited)
    assert len(rows.values) == 12
    assert backend.select(SQL, DATABASE, Job(unlimited.scanned)).columns == rows.columns
    target = stack.target()
    for limit in (1, unlimited.scanned - 1):
        with pytest.raises(QueryCancelled, match=LIMIT_EXCEEDED):
            backend.select(SQL, DATABASE, Job(limit))
        with pytest.raises(QueryCancelled, match=LIMIT_EXCEEDED):
            backend.unload(Unload(SQL, f"{target}{limit}/", {"compression": "SNAPPY"}), DATABASE, Job(limit))


def test_a_job_that_was_stopped_before_it_began(stack: Stack, backend: Backend) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(QueryCancelled):
        backend.select(SQL, DATABASE, job)
    target = stack.target()
    with pytest.raises(QueryCancelled):
        backend.unload(Unload(SQL, target, {"compression": "SNAPPY"}), DATABASE, job)
    assert stack.keys(target) == []


def test_conditions_leave_out_objects_and_no_rows(stack: Stack, backend: Backend) -> None:
    def counted(where: str) -> tuple[str | None, int]:
        job = Job()
        rows = backend.select(f"SELECT count(entry_id) FROM ledger_entries WHERE {where}", DATABASE, job)
        return rows.values[0][0], job.scanned

    whole = counted("dt >= DATE '2026-01-01' AND dt < DATE '2026-01-04'")
    assert whole[0] == "12"
    for where, rows in (("dt = DATE '2026-01-02'", "4"), ("dt = DATE '2026-01-02' AND hr = '05'", "4"),
                        ("dt = DATE '2026-01-02' AND \"$path\" LIKE '%plain%'", "2"),
                        ("dt BETWEEN DATE '2026-01-02' AND DATE '2026-01-03'", "8")):
        found = counted(where)
        assert found[0] == rows
        assert found[1] < whole[1]
    assert counted("dt = DATE '2026-01-02' AND hr = '06'") == ("0", 0)
