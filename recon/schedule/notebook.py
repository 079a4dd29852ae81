"""What a notebook calls: reconciliation, latency, the asker's own questions, a run's end; refusals are plain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from recon.engine import adhoc
from recon.errors import Refused
from recon.latency import output as latency_output
from recon.latency.request import Request as LatencyRequest
from recon.latency.result import LatencyResult
from recon.latency.run import measure as measure_request
from recon.match import output
from recon.match.request import Request, instant, midnight
from recon.match.result import RunResult
from recon.match.run import reconcile as reconcile_request
from recon.schedule import progress, record

if TYPE_CHECKING:
    import pandas as pd


class Refusal(Refused):
    """A refusal as a notebook shows it: the plain message, no stack."""

    def _render_traceback_(self) -> list[str]:
        return [f"Refused: {self}"]


def reconcile(
    *, window: str, as_of: str, lake: str, engine: str, known_at: str | None = None, manifest: str | None = None
) -> RunResult:
    """Run one window on a lake with the notebook's own parameters (see Request.parse). Raises Refusal."""
    with _plainly():
        request = Request.parse(
            window=window, as_of=as_of, lake=lake, engine=engine, known_at=known_at, manifest=manifest
        )
        return reconcile_request(request, progress=progress.tell)


def ask(
    sql: str,
    /,
    *,
    lake: str,
    engine: str = "duckdb",
    days: adhoc.Days | None = None,
    known_at: str | datetime | None = None,
    **parameters: object,
) -> pd.DataFrame:
    """The rows of one SELECT in the subset of recon/sql over the lake's tables, `:name` taken from `parameters`.

    Tables kept by days need `days`, the first and the one after the last. `known_at` (a date, an RFC 3339 instant or
    an aware time) leaves out what the pipeline landed later, and is :known_at in the statement. Whole numbers are
    Int64, decimals Decimal, times naive UTC. Raises Refusal, for what the statement alone shows before anything is
    sent.
    """
    with _plainly():
        if isinstance(known_at, str):
            known_at = (midnight if len(known_at) == len("2026-03-31") else instant)(known_at, "known_at")
        return adhoc.frame(
            adhoc.ask(
                sql, parameters, lake=lake, engine=engine, days=days, known_at=known_at, progress=progress.tell
            )
        )


def measure(
    *, since: str, until: str, lake: str, engine: str, gateway: str = "all", region: str | None = None
) -> LatencyResult:
    """Measure the payments of a window with the notebook's own parameters (see latency's Request.parse).

    Raises Refusal.
    """
    with _plainly():
        request = LatencyRequest.parse(
            since=since, until=until, lake=lake, engine=engine, gateway=gateway, region=region
        )
        return measure_request(request, progress=progress.tell)


def finish(result: RunResult | LatencyResult, out: str) -> record.Record:
    """Write the files of a run into the folder `out` and return the record of them. Raises Refusal."""
    with _plainly():
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(result, LatencyResult):
            latency_output.write(result, folder)
            return record.of(folder, record.LATENCY.files)
        output.write(result, folder)
        return record.of(folder)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise Refusal(str(refused)) from None
