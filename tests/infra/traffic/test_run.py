"""Traffic through the deployed pipeline."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.errors import LocalRefused
from infra.local.stack import Stack
from infra.local.state import State, holding, write
from infra.local.traffic.progress import Shown
from infra.local.traffic.run import Wanted, drive


def driven(stack: Stack, payments: int, seed: int) -> dict[str, object]:
    assert stack.pipeline is not None
    summary = drive(stack.environment(), stack.pipeline.deployment.keys, Wanted(payments, 4, seed, 240.0),
                    Shown(Console(quiet=True)))
    assert summary.holds, [(check.name, check.faults) for check in summary.checks if not check.holds]
    return summary.to_dict()


@pytest.mark.property(3, 4, 11, 41, 61)
def test_mixed_traffic_leaves_nothing_open_and_every_book_equal(pipeline_stack: Stack) -> None:
    found = driven(pipeline_stack, 40, 3)
    assert found["payments_asked"] == 40
    assert len(found["kinds"]) > 12  # type: ignore[arg-type]


def with_state(folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """`pipeline traffic` where a stack with these settings runs in `folder`."""
    with holding(folder):
        write(folder, State(os.getpid(), {}, environment, {}, {"merchant_a": "key"}))
        done = CliRunner().invoke(app, ["traffic", "--payments", "1", "--folder", str(folder)])
    return (2 if isinstance(done.exception, LocalRefused) else done.exit_code), str(done.exception)


def test_a_stack_without_the_pipeline_is_refused(tmp_path: Path) -> None:
    code, said = with_state(tmp_path / "stack", {})
    assert (code, "takes no payments" in said) == (2, True)


def test_a_stack_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    code, said = with_state(tmp_path / "stack", {
        "PAYMENTS_API": "http://127.0.0.1:9", "PAYMENTS_GATEWAYS": "http://127.0.0.1:9/_control",
        "PAYMENTS_DATABASE": "host=127.0.0.1 port=9 dbname=payments user=u password=secret-word"})
    assert (code, "PostgreSQL does not answer" in said, "secret-word" in said) == (2, True, False)


def test_the_numbers_are_checked_before_anything_starts(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["traffic", "--payments", "many", "--folder", str(tmp_path)])
    assert done.exit_code == 2
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == "[]"
