"""Every shipped query gives the same rows on DuckDB, on Trino, and through Athena's API: no waivers."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from infra.local.stack import Stack
from recon.engine import queries
from recon.match.result import RunResult
from tests.differential.lakes import CASES, MORE_CASES, WINDOWS, Case, Made, measured, on_stack, run
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
    alike(expected, answers)
    assert result.divergences.drop_columns(["run_id"]).equals(outcome.divergences.drop_columns(["run_id"]))
    assert result.matches.equals(outcome.matches)
    return result


def alike(expected: list[Answer], answers: list[Answer]) -> None:
    """Call by call and row by row."""
    for ours, theirs in zip(expected, answers, strict=True):
        assert (theirs.query, theirs.params, theirs.columns) == (ours.query, ours.params, ours.columns)
        assert theirs.rows == ours.rows, f"{ours.query} {dict(ours.params)}"


def same_measured(window: tuple[str, str, str, str], engine: str, made: Made, stack: Stack) -> None:
    """How long payments took, measured on an engine on the lake's copy on S3, is what DuckDB says of the folder."""
    outcome, expected = measured(window, "duckdb", str(made.path(window[0])))
    address = made.upload(window[0], stack)
    with on_stack(stack, window[0]):
        result, answers = measured(window, engine, address)
    alike(expected, answers)
    assert result.figures.equals(outcome.figures)


@pytest.mark.trino
@pytest.mark.parametrize("engine", ["trino", "athena"])
@pytest.mark.parametrize("window", WINDOWS, ids=[f"{lake}-{gateway}" for lake, _, _, gateway in WINDOWS])
def test_trino_and_athena_on_it_measure_as_duckdb(window: tuple[str, str, str, str], engine: str, made: Made,
                                                  trino_stack: Stack) -> None:
    same_measured(window, engine, made, trino_stack)


@pytest.mark.parametrize("engine", ["duckdb", "athena"])
def test_a_bucket_and_athena_measure_as_a_folder(engine: str, made: Made, stack: Stack) -> None:
    same_measured(WINDOWS[0], engine, made, stack)


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
    for window in WINDOWS:
        for answer in measured(window, "duckdb", str(made.path(window[0])))[1]:
            rows[answer.query] += len(answer.rows)
    assert {name for name in queries.names() if not rows[name]} == set()
