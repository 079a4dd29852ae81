"""One measurement, start to finish: the walk from a request to its result."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from recon.engine import budget
from recon.engine.open import open_engine
from recon.engine.port import Engine
from recon.lake import Lake
from recon.latency import inputs
from recon.latency.bins import bins, table
from recon.latency.lag import OpenDays, lags
from recon.latency.request import Request
from recon.latency.result import FIGURES, LatencyResult, Row
from recon.latency.summary import summarise
from recon.match.plan import Scan
from recon.match.run import Progress, Stages
from recon.settings import bytes_budget

SLOWEST = 20
"""How many payments are shown one by one."""


def preflight(request: Request) -> None:
    """Raises Refused, soon, for what measuring would refuse after its kernel has started."""
    lake = Lake(request.lake)
    bytes_budget()
    for name in inputs.REQUIRED:
        lake.require(name)
    with open_engine(request.engine, lake.root) as engine:
        # Without objects nothing is read, but a catalog that does not know this lake is found out.
        engine.expose(inputs.REQUIRED[0], ())


def measure(request: Request, *, engine: Engine | None = None, progress: Progress | None = None) -> LatencyResult:
    """Measure the request's payments. Reads the lake, never writes to it.

    Raises Refused where the lake cannot be used or more would be read than the budget allows.
    """
    stages = Stages(progress)
    lake = Lake(request.lake)
    chosen = engine or open_engine(request.engine, lake.root, progress=progress)
    try:
        return _measured(request, lake, chosen, stages)
    finally:
        if engine is None:
            chosen.close()


def _measured(request: Request, lake: Lake, engine: Engine, stages: Stages) -> LatencyResult:
    with stages.stage("list the lake"):
        objects = inputs.select(lake, request)
        run_id = inputs.run_id(lake, request, objects)
        inputs.expose(engine, objects)
        allowed = bytes_budget()
        estimated = budget.within(engine, inputs.calls(request), allowed, scratch=True, what="measuring this window",
                                  instead="measure a shorter one")
    with stages.stage("read payments and events"):
        engine.materialize("latency_moves", "latency_moves", **inputs.moves_of(request))
        engine.materialize("latency_payments", "latency_payments")
        engine.materialize("latency_events", "latency_events", **inputs.events_of(request))
        engine.materialize("latency_spans", "latency_spans")
        engine.materialize("latency_lengths", "latency_lengths")
    with stages.stage("percentiles"):
        chosen_bins = bins()
        engine.register("latency_bins", table(chosen_bins))
        figures = _figures(engine.fetch("latency_figures"))
        counts = {name: _rows(engine.fetch(f"latency_{name}"))
                  for name in ("histogram", "outcomes", "trouble", "attempts")}
    with stages.stage("the slowest"):
        engine.materialize("latency_slowest", "latency_slowest", most=SLOWEST)
        slowest, timeline = (_rows(engine.fetch(name)) for name in ("latency_slow_payments", "latency_timeline"))
    with stages.stage("settlement"):
        open_days = OpenDays(_rows(engine.fetch("expected_feeds", **inputs.known_of(request))),
                             _rows(engine.fetch("calendar_days", **inputs.known_of(request))))
        settled = lags(_rows(engine.fetch("latency_settled", **inputs.settled_of(request))), open_days)
    scan = Scan(estimated, allowed, engine.scanned_bytes)
    return LatencyResult(
        since=request.since, until=request.until, gateway=request.gateway, region=request.region, figures=figures,
        bins=chosen_bins, slowest=slowest, timeline=timeline, settled=settled, **counts,
        summary=summarise(request, run_id=run_id, engine=engine.name, figures=figures, outcomes=counts["outcomes"],
                          trouble=counts["trouble"], settled=settled, objects=objects, scan=scan,
                          seconds=stages.seconds))  # fmt: skip


def _figures(rows: pa.Table) -> pa.Table:
    """Rows of latency_figures as FIGURES: microseconds become milliseconds with three decimals."""
    read = rows.to_pylist()
    return pa.Table.from_pylist([
        {"measure": row["measure"], "step": row["step"], "gateway": row["gateway"], "hour": row["hour_at"],
         "count": row["spans"]} | {f"{name}_ms": row[f"{name}_us"] / 1000
                                   for name in ("min", "p50", "p95", "p99", "max", "total")}
        for row in read], schema=FIGURES)


def _rows(found: pa.Table) -> list[Row]:
    """Rows with aware times."""
    return [{name: _aware(value) for name, value in row.items()} for row in found.to_pylist()]


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
