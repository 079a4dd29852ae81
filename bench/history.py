"""An hourly increment and a T+7 run on a month of payments: against a bare scan, and with ten times the history.

`python -m bench.history --payments 10000000 --lake build/past` keeps the lake for another time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from bench.past.longer import with_history
from bench.past.plan import PLANTED, Past, day_of
from bench.past.write import write_past
from bench.ratio import Ratio
from recon.match.request import SEARCH_BACK
from recon.worlds.clock import DAY, HOUR, moment

BAR_HOURLY = 3.0
BAR_HISTORY = 1.1
MEMORY_BYTES = 4_000_000_000
_PAST = Past(1_000_000, 30)
_PAST_SMALL = Past(4_000, 15)
_ROUNDS = 5
_AT_HOUR = 9
"""An hour with as many payments as the mean one."""
_TIMES_LONGER = 10
_OUT = Path("build/bench-history.json")

Found = dict[str, Any]


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Two figures: the hourly run against a bare scan of what it needs, and T+7 with tenfold history against none."""
    past = _PAST_SMALL if small else _PAST
    write_past(past, scratch / "lake", workers=2)
    yield from figures(past, scratch / "lake", scratch, rounds=1 if small else _ROUNDS)


def figures(past: Past, lake: Path, scratch: Path, *, rounds: int) -> Iterator[Ratio]:
    """The figures on a lake that holds `past`: medians of `rounds`, each run and scan in a process of its own."""
    yield _hourly(past, lake, rounds)
    yield _t7(past, lake, scratch, rounds)


def _hourly(past: Past, lake: Path, rounds: int) -> Ratio:
    hour = past.until - DAY + _AT_HOUR * HOUR
    as_of = f"{moment(hour + 2 * HOUR):%Y-%m-%dT%H}:00:00Z"
    ours, scans = _in_turns(
        rounds, lambda: _once("run", "hourly", as_of, lake), lambda: _once("scan", "hourly", as_of, lake)
    )
    check(ours[0], past.payments_of(hour), dict.fromkeys(PLANTED[1:], 1))
    return Ratio("hourly increment", _seconds(ours), _seconds(scans), BAR_HOURLY, facts=_facts(past, ours, scans))


def _t7(past: Past, lake: Path, scratch: Path, rounds: int) -> Ratio:
    until = day_of(past.until)
    first = until - timedelta(days=7) - SEARCH_BACK
    days = (until - first).days
    short, long = scratch / "short", scratch / "long"
    with_history(lake, short, first, until, 0)
    with_history(lake, long, first, until, _TIMES_LONGER * days)
    ours, others = _in_turns(
        rounds, lambda: _once("run", "T+7", until, long), lambda: _once("run", "T+7", until, short)
    )
    begins = past.until - 7 * DAY
    movements = sum(past.payments_of(hour) for hour in range(begins, begins + DAY, HOUR))
    check(ours[0], movements, dict.fromkeys(PLANTED, DAY // HOUR))
    same = ("divergences", "totals", "read_bytes")
    assert [ours[0][name] for name in same] == [others[0][name] for name in same], "history changes what a run says"
    facts = _facts(past, ours, others) | {"days": days, "days_before": _TIMES_LONGER * days}
    return Ratio("T+7 with ten times the history", _seconds(ours), _seconds(others), BAR_HISTORY, facts=facts)


def check(found: Found, movements: int, planted: dict[str, int]) -> None:
    """A benchmark of wrong results is worthless: every movement is accounted for, and what was planted is found."""
    totals, lost = found["totals"], planted.get("missing_at_gateway", 0)
    assert found["classes"] == planted, found["classes"]
    assert totals["unexplained_minor"] == 0, totals
    assert totals["movements"] == movements == totals["matched"] + totals["pending"] + lost, (totals, movements)
    assert found["peak_bytes"] < MEMORY_BYTES, f"{found['peak_bytes']} bytes of memory"


def _facts(past: Past, ours: Sequence[Found], others: Sequence[Found]) -> Found:
    return {
        "payments": past.payments,
        "days": past.days,
        "seconds_of_each": [round(found["seconds"], 2) for found in ours],
        "yardstick_of_each": [round(found["seconds"], 2) for found in others],
        "stages": ours[0]["stages"],
        "read_bytes": ours[0]["read_bytes"],
        "peak_bytes": max(found["peak_bytes"] for found in ours),
    }


def _in_turns(rounds: int, ours: Callable[[], Found], other: Callable[[], Found]) -> tuple[list[Found], list[Found]]:
    # The first of each fills the file cache for all that follow.
    ours(), other()
    pairs = [(ours(), other()) for _ in range(rounds)]
    return [one for one, _ in pairs], [two for _, two in pairs]


def _seconds(found: Sequence[Found]) -> float:
    return float(median(one["seconds"] for one in found))


def _once(*words: object) -> Found:
    command = [sys.executable, "-m", "bench.past.once", *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: Found = json.loads(done.stdout)
    return found


def main() -> int:
    """The same figures at a size of one's own; 1 when a bar is missed."""
    asked = argparse.ArgumentParser(prog="bench.history", description=__doc__)
    asked.add_argument("--payments", type=int, default=_PAST.payments)
    asked.add_argument("--days", type=int, default=_PAST.days, help="at least 15")
    asked.add_argument("--rounds", type=int, default=_ROUNDS)
    asked.add_argument("--lake", type=Path, default=Path("build/past"), help="made where it is not there yet")
    chosen = asked.parse_args()
    past, console = Past(chosen.payments, chosen.days), Console(highlight=False)
    if not (chosen.lake / "business_days").exists():
        shutil.rmtree(chosen.lake, ignore_errors=True)
        write_past(past, chosen.lake, workers=2, told=console.print)
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-history-") as scratch:
        for figure in figures(past, chosen.lake, Path(scratch), rounds=chosen.rounds):
            console.print(f"{figure.name}: {figure.ratio:.2f} of {figure.bar:g}")
            found.append(figure)
    report = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": [f.to_dict() for f in found]}
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {_OUT}")
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
