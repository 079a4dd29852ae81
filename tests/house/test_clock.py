"""Only the edges read the clock: the command line, the function of schedules, and handlers through utc_now.

The rest is told the time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.tree import ROOT, called, modules, tracked

READERS = ("now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime")
EDGES = ("recon/cli/", "recon/schedule/handler.py")
OWNERS = ("datetime", "date", "time", "Timestamp", "pendulum")


def readings(source: str) -> Iterator[str]:
    """Each place in `source` that asks for the time of day, as `line: call`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            owner, _, method = called(node).rpartition(".")
            if method in READERS and owner.rpartition(".")[2] in OWNERS:
                yield f"{node.lineno}: {called(node)}()"


def test_only_the_command_line_and_the_function_of_schedules_read_the_clock() -> None:
    code = [(p, text) for p, text in modules("pipeline", "recon", "dashboards") if not p.startswith(EDGES)]
    assert [f"{path}:{reading}" for path, text in code for reading in readings(text)] == [
        "pipeline/times.py:14: datetime.now()"]


def test_only_handlers_have_the_clock_of_the_machine() -> None:
    users = [path for path, text in modules("pipeline", "recon", "dashboards") if re.search(r"\butc_now\b", text)]
    assert [path for path in users if not path.startswith("pipeline/handlers/")] == ["pipeline/times.py"]


def test_no_query_reads_the_clock() -> None:
    clock = re.compile(r"\b(?:current_(?:date|time|timestamp)|localtime(?:stamp)?|now\s*\()", re.IGNORECASE)
    queries = [path for path in tracked() if path.endswith(".sql")]
    assert [path for path in queries if clock.search((ROOT / path).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "datetime.datetime.now()", "date.today()", "time.time()"])
def test_a_reading_is_found(call: str) -> None:
    assert list(readings(f"at = {call}"))


@pytest.mark.parametrize("call", ["time.perf_counter()", "time.monotonic()", "clock.now()", "row.time()"])
def test_measuring_and_asking_others_pass(call: str) -> None:
    assert not list(readings(f"at = {call}"))
