"""A T+7 notebook run, less the engine's own time, against an empty notebook run through papermill and made HTML."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from bench.ratio import Ratio, alternate

BAR = 2.0
_DAYS = 12
_PER_DAY = 100_000
_PER_DAY_SMALL = 500

_EMPTY = """
import sys, nbformat, papermill, nbconvert
source, done, page = sys.argv[1:]
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
nbformat.write(nbformat.v4.new_notebook(metadata=kernel), source)
papermill.execute_notebook(source, done, progress_bar=False)
html, _ = nbconvert.HTMLExporter().from_filename(done)
open(page, "w", encoding="utf-8").write(html)
"""

_ENGINE = """
import sys, time
from recon.match.request import Request
from recon.match.run import reconcile
start = time.perf_counter()
reconcile(Request.parse(window="T+7", as_of=sys.argv[1], lake=sys.argv[2]))
print(time.perf_counter() - start)
"""


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """One figure: the run of a day's cohort of 100,000 payments (500 when small)."""
    payments = _DAYS * (_PER_DAY_SMALL if small else _PER_DAY)
    world = scratch / "world"
    _recon("world", "--seed", 7, "--payments", payments, "--days", _DAYS, "--out", world)
    _recon("ingest", world / "feeds", "--lake", world / "lake")
    first = min(folder.name.removeprefix("dt=") for folder in (world / "lake" / "ledger_entries").glob("dt=*"))
    as_of = date.fromisoformat(first) + timedelta(days=1 + 7)
    rounds = 1 if small else 3
    engine = min(_engine(as_of, world / "lake") for _ in range(rounds))
    ours, empty = alternate(
        lambda: _recon("run", "--window", "T+7", "--as-of", as_of, "--lake", world / "lake", "--out", scratch / "run"),
        lambda: _python(_EMPTY, scratch / "empty.ipynb", scratch / "done.ipynb", scratch / "done.html"),
        rounds=rounds,
    )
    yield Ratio("T+7 notebook run", ours, empty, BAR, allowance=engine, facts={"payments": payments, "days": _DAYS})


def _engine(as_of: date, lake: Path) -> float:
    return float(_python(_ENGINE, as_of, lake))


def _recon(*words: object) -> None:
    command = [sys.executable, "-m", "recon.cli.app", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    # 3 says that a feed is due and not there yet, which on the last days of a short world is so.
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended {done.returncode}")


def _python(program: str, *words: object) -> str:
    command = [sys.executable, "-c", program, *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout
