"""One timing in a process of its own: `python -m bench.past.once run|scan WINDOW AS_OF LAKE` prints it as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import duckdb

from recon.engine import dialect, queries
from recon.engine.cost import scans
from recon.engine.duckdb import DuckDbEngine
from recon.engine.port import Call
from recon.lake import Lake, LakeObject
from recon.match import inputs as run_inputs
from recon.match import plan
from recon.match.request import Request
from recon.match.run import reconcile
from recon.settings import from_environment

_HOUR = timedelta(hours=1)
_RANGES = (("search_from", "as_of"), ("cohort_from", "cohort_to"), ("hours_from", "hours_until"))
"""Parameters that say which hours a query reads."""


def run(request: Request) -> dict[str, Any]:
    """A whole reconciliation: seconds, memory, and what it said."""
    start = time.perf_counter()
    result = reconcile(request)
    seconds = time.perf_counter() - start
    files = result.manifest["lake"]["files"]
    summary = result.summary
    return {
        "seconds": seconds,
        "stages": summary["seconds"],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "read_bytes": sum(item["size_bytes"] for item in files if item["table"] in run_inputs.WINDOWED),
        "classes": {name: said["rows"] for name, said in summary["classes"].items()},
        "totals": {name: sum(total[name] for total in summary["totals"])
                   for name in ("movements", "matched", "pending", "unexplained_minor")},
        "divergences": result.divergences.drop_columns(["run_id"]).to_pylist(),
    }  # fmt: skip


def scan(request: Request) -> dict[str, Any]:
    """A bare scan of what the run's queries name: every object and column once, decoded and thrown away."""
    wanted = list(needed(request))
    settings = from_environment()
    start = time.perf_counter()
    with duckdb.connect(config={"threads": settings.threads, "memory_limit": settings.memory}) as con:
        con.execute("SET enable_progress_bar = false")
        for columns, paths in wanted:
            shown = ", ".join(f'max("{column}")' for column in columns)
            con.execute(f"SELECT count(*), {shown} FROM read_parquet($paths)", {"paths": list(paths)}).fetchall()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "objects": sum(len(paths) for _, paths in wanted)}


def needed(request: Request) -> Iterator[tuple[list[str], list[str]]]:
    """(columns, full paths) of objects that are read alike: by the plan of a run and the look-up of charges.

    An object counts for a query when its hour, or for lines its day, meets the hours that the query asks for.
    """
    lake = Lake(request.lake)
    with DuckDbEngine(lake.root) as engine:
        objects = run_inputs.select(lake, request, engine).objects
    found: dict[str, set[str]] = defaultdict(set)
    for name, params in _calls(request):
        for reading in scans(dialect.bind(queries.load(name), params)):
            for item in _within(objects[reading.table], params):
                found[item.path] |= reading.columns
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, columns in found.items():
        folders = {part.partition("=")[0] for part in PurePosixPath(path).parts}
        alike[tuple(sorted(columns - folders))].append(f"{lake.root}/{path}")
    yield from ((list(columns), paths) for columns, paths in alike.items())


def _calls(request: Request) -> list[Call]:
    look_up: Call = ("payment_outcomes", {"search_from": request.search_from, "as_of": request.as_of})
    return [("feed_files", {}), *plan.calls(request), look_up]


def _within(objects: Sequence[LakeObject], params: Mapping[str, Any]) -> Iterator[LakeObject]:
    ranges = [(params[first], params[until]) for first, until in _RANGES if first in params]
    for item in objects:
        span = _span(item.path)
        if span is None or all(start < span[1] and span[0] < end for start, end in ranges):
            yield item


def _span(path: str) -> tuple[datetime, datetime] | None:
    """The hours that an object's folders say; None for one of a table without partitions."""
    parts = dict(part.partition("=")[::2] for part in PurePosixPath(path).parts if "=" in part)
    if "dt" not in parts:
        return None
    start = datetime.fromisoformat(f"{parts['dt']}T{parts.get('hr', '00')}:00:00+00:00")
    return start, start + (_HOUR if "hr" in parts else 24 * _HOUR)


def main() -> int:
    """Times what the command line names."""
    what, window, as_of, lake = sys.argv[1:]
    request = Request.parse(window=window, as_of=as_of, lake=lake)
    print(json.dumps({"run": run, "scan": scan}[what](request), default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
