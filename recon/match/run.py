"""One reconciliation, start to finish: the walk from a request to its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from recon.engine.budget import size
from recon.engine.open import open_engine
from recon.engine.port import Engine
from recon.lake import Lake
from recon.match import inputs as run_inputs
from recon.match.arrivals import LOOK_BACK, arrivals
from recon.match.batch_classes import batch_findings, batches
from recon.match.claim import claim
from recon.match.coherence import Control, repeated_deliveries, unbalanced_journals
from recon.match.due import Expectation, calendars, due_calendar, expectations
from recon.match.facts import Line, Movement
from recon.match.feed_book import NOT_SETTLEMENT, FeedBook
from recon.match.feed_classes import feed_findings
from recon.match.identity import totals
from recon.match.knowledge import Knowledge
from recon.match.open_days import default_calendar
from recon.match.open_items import knowledge, open_lines, open_movements, prepare, settle_claims
from recon.match.plan import Scan, look_up, within_budget
from recon.match.policy import Policy
from recon.match.request import Request
from recon.match.result import MATCHES, RunResult
from recon.match.rows import divergence_rows
from recon.match.settle import settle
from recon.match.summary import Story, summarise
from recon.settings import bytes_budget

_CALENDAR_AHEAD = timedelta(days=60)
"""How far past as_of a due date may lie."""
_CALENDAR_BEHIND = timedelta(days=14)
"""How long before a period the open day may lie from which it runs."""

Progress = Callable[[str], None]
"""Told the name of each stage as it begins."""


class Stages:
    """Seconds by stage."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    def tell(self, what: str) -> None:
        """Say something that is no stage."""
        if self._progress:
            self._progress(what)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        self.tell(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - start, 3)


def preflight(request: Request) -> None:
    """Raises Refused, soon, for what a run would refuse after its kernel has started."""
    lake = Lake(request.lake)
    bytes_budget()
    with open_engine(request.engine, lake.root) as engine:
        Policy.load(lake)
        run_inputs.check(lake, request)
        # Without objects nothing is read, but a catalog that does not know this lake is found out.
        engine.expose("ledger_entries", ())


def reconcile(request: Request, *, engine: Engine | None = None, progress: Progress | None = None) -> RunResult:
    """Reconcile the request's cohort. Reads the lake, never writes to it.

    Raises Refused where the lake, its reference data, its policy or a manifest cannot be used.
    """
    stages = Stages(progress)
    lake = Lake(request.lake)
    chosen = engine or open_engine(request.engine, lake.root, progress=progress)
    try:
        return _reconcile(request, lake, chosen, stages)
    finally:
        if engine is None:
            chosen.close()


def _expected(engine: Engine, request: Request) -> list[Expectation]:
    """Known expectations; a calendar that the lake does not carry comes from the holidays library."""
    rows = engine.fetch("expected_feeds", known_at=request.known_at).to_pylist()
    days = calendars(engine.fetch("calendar_days", known_at=request.known_at).to_pylist())
    for name in sorted({row["calendar"] for row in rows} - set(days)):
        first = min(request.search_from, request.as_of - LOOK_BACK - _CALENDAR_BEHIND)
        days[name] = default_calendar(name, first.date(), request.as_of.date() + _CALENDAR_AHEAD)
    return expectations(rows, days)


def _knowledge(
    engine: Engine, request: Request, book: FeedBook, scan: Scan, charges: Sequence[Line], short: Sequence[Movement]
) -> Knowledge:
    """What the ledger knows of charges and short movements; what it takes to look it up is told and kept in budget."""
    if charges:
        look_up(engine, request, scan)
    return knowledge(engine, request, book, charges, short)


def _landed(engine: Engine, request: Request) -> list[dict[str, Any]]:
    """Lines that landed in the hour of an hourly run."""
    if request.window != "hourly":
        return []
    rows = engine.fetch("landed_lines", landed_from=request.cohort_from, landed_until=request.cohort_to)
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def _reconcile(request: Request, lake: Lake, engine: Engine, stages: Stages) -> RunResult:
    with stages.stage("list the lake"):
        inputs = run_inputs.select(lake, request, engine)
        policy = Policy.load(lake)
        manifest = run_inputs.manifest(request, inputs, policy)
        run_id = run_inputs.run_id(manifest)
        run_inputs.expose(engine, inputs)
        scan = within_budget(engine, request, bytes_budget())
        if scan.estimated_bytes:
            stages.tell(f"about {size(scan.estimated_bytes)} to read, budget {size(scan.budget_bytes)}")
    with stages.stage("read feeds and calendars"):
        book = inputs.book
        expected = _expected(engine, request)
        due = due_calendar(
            [e for e in expected if e.report_type not in NOT_SETTLEMENT], request.search_from, request.as_of
        )
    with stages.stage("match"):
        prepare(engine, request, book, due)
        movements, lines = open_movements(engine), open_lines(engine)
        claims = claim(movements, lines)
        settle_claims(engine, claims.claims)
    with stages.stage("classify"):
        control = Control.read(engine, request)
        findings, waiting = settle(
            movements, claims, control, lambda charges, short: _knowledge(engine, request, book, scan, charges, short)
        )
        known_batches = batches(engine.fetch("batch_rows", known_at=request.known_at).to_pylist(), book)
        findings += feed_findings(engine, request, book, expected)
        findings += batch_findings(request, known_batches, book, expected)
        findings += control.findings(request)
        findings += repeated_deliveries(engine, request)
        findings += unbalanced_journals(engine, request)
        arriving = arrivals(
            book, expected, known_batches, policy.severity, as_of=request.as_of, ledger_from=inputs.ledger_from()
        )
    with stages.stage("add up"):
        identity = totals(engine, findings, waiting)
        divergences = divergence_rows(engine, request, run_id, findings, policy, inputs.landed_at())
        matches = engine.fetch("cohort_claims").cast(pa.schema([field.with_nullable(True) for field in MATCHES]))
        landed = _landed(engine, request)
    story = Story(
        request,
        run_id,
        identity,
        findings,
        divergences,
        known_batches,
        book,
        expected,
        control,
        inputs.later_files,
        inputs.lost,
        landed,
        replace(scan, scanned_bytes=engine.scanned_bytes),
        arriving,
    )
    return RunResult(
        window=request.window,
        as_of=request.as_of,
        known_at=request.known_at,
        cohort_from=request.cohort_from,
        cohort_to=request.cohort_to,
        engine=engine.name,
        run_id=run_id,
        divergences=divergences,
        matches=matches.cast(MATCHES),
        summary=summarise(story, stages.seconds),
        manifest=manifest,
    )
