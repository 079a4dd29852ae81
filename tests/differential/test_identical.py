"""Every shipped query gives the same rows on DuckDB, on Trino, and through Athena's API: no waivers."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from infra.local.stack import Stack
from recon.engine import queries
from recon.match.result import RunResult
from tests.differential.lakes import CASES, MORE_CASES, Case, Made, on_stack, run
from tests.differential.recorder import Answer

ALL = [pytest.param(case, id=f"{case.lake}-{case.window}", marks=pytest.mark.xdist_group(case.lake))
       for case in CASES] + [
    pytest.param(case, id=f"{case.lake}-{case.window}-{case.as_of}",
                 marks=[pytest.mark.nightly, pytest.mark.xdist_group(case.lake)]) for case in MORE_CASES]


@cache
def on_duckdb(case: Case, made: Made) -> tuple[list[Answer], RunResult]:
    """The answers of DuckDB on the lake's folder: what the others are held against."""
    result, answers = run(case, "duckdb", str(made.path(case.lake)))
    return answers, result


def same(case: Case, engine: str, made: Made, stack: Stack) -> RunResult:
    """The run on an engine whose answers on the lake's copy on S3 are DuckDB's, call by call and row by row."""
    expected, outcome = on_duckdb(case, made)
    address = made.upload(case.lake, stack)
    with on_stack(stack, case.lake):
        result, answers = run(case, engine, address)
    for ours, theirs in zip(expected, answers, strict=True):
        assert (theirs.query, theirs.params, theirs.columns) == (ours.query, ours.params, ours.columns)
        assert theirs.rows == ours.rows, f"{ours.query} {dict(ours.params)}"
    assert result.divergences.drop_columns(["run_id"]).equals(outcome.divergences.drop_columns(["run_id"]))
    assert result.matches.equals(outcome.matches)
    return result


@pytest.mark.trino
@pytest.mark.parametrize("engine", ["trino", "athena"])
@pytest.mark.parametrize("case", ALL)
def test_trino_and_athena_on_it_answer_as_duckdb(case: Case, engine: str, made: Made, trino_stack: Stack) -> None:
    scan = same(case, engine, made, trino_stack).summary["scan"]
    if case.lake != "rare_cases":  # There nearly all is overhead of tiny objects.
        assert abs(scan["estimated_bytes"] - scan["scanned_bytes"]) * 10 <= scan["scanned_bytes"], scan


@pytest.mark.parametrize("engine", ["duckdb", "athena"])
def test_a_bucket_and_athena_answer_as_a_folder(engine: str, made: Made, stack: Stack) -> None:
    same(CASES[0], engine, made, stack)


def test_every_shipped_query_is_compared_and_on_rows(made: Made) -> None:
    """A query that none of the cases runs, or that gives no row in any, would be compared in name only."""
    rows: Counter[str] = Counter()
    for case in CASES:
        for answer in on_duckdb(case, made)[0]:
            rows[answer.query] += len(answer.rows)
    assert {name for name in queries.names() if not rows[name]} == set()
