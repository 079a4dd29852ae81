"""From prepared tables to facts: the movements and lines that are decided one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from recon.engine.port import Engine
from recon.match.facts import Claim, Line, Movement
from recon.match.feed_book import FeedBook, interval_table
from recon.match.knowledge import Knowledge, Outcome
from recon.match.request import Request


def prepare(
    engine: Engine, request: Request, book: FeedBook, due: Sequence[tuple[str, str, datetime, datetime, datetime]]
) -> None:
    """Movements, lines, pairs beyond doubt, and what is left open, as scratch tables of the engine.

    Payments outside the cohort that are answered alone, and that nothing else names, are left out early: of an hour's
    search range nearly all. Nothing that is said of the cohort depends on them.
    """
    engine.register("known_files", book.known_files())
    engine.register("coverage", book.coverage_table())
    engine.register("due_calendar", interval_table(due, ("from_at", "until_at", "due_at")))
    search = {"search_from": request.search_from, "as_of": request.as_of}
    cohort = {"cohort_from": request.cohort_from, "cohort_to": request.cohort_to}
    engine.materialize("clearing", "clearing", **search)
    engine.materialize("reported", "reported", **search)
    engine.materialize("told_again", "told_again")
    engine.materialize("tangled_payments", "tangled_payments")
    engine.materialize("answered_alone", "answered_alone", **cohort)
    engine.materialize("other_lines", "other_lines")
    _name_alone(engine)
    engine.materialize("movements", "movements", **cohort)
    engine.materialize("lines", "lines", **cohort)
    for name in ("pairs_by_operation", "pairs_by_gateway", "pairs_by_payment", "matched", "loose_lines", "touched"):
        engine.materialize(name, name)
    engine.materialize("loose_movements", "loose_movements", as_of=request.as_of)


def _name_alone(engine: Engine) -> None:
    """Makes `named_alone`: whom a line names that is not answered alone, and whom those share a reference with."""
    named, before = engine.materialize("named_alone", "named_alone"), 0
    while named > before:
        named, before = engine.materialize("named_alone", "named_in_turn"), named


def open_movements(engine: Engine) -> list[Movement]:
    """Movements to be decided one by one."""
    return [_movement(row) for row in engine.fetch("open_movements").to_pylist()]


def open_lines(engine: Engine) -> list[Line]:
    """Lines to be decided one by one, with those already matched in the same payments."""
    return [_line(row) for row in engine.fetch("open_lines").to_pylist()]


def settle_claims(engine: Engine, claims: Sequence[Claim]) -> None:
    """Make all claims, those beyond doubt and those decided one by one, the scratch table `claims`."""
    engine.register(
        "decided_claims",
        pa.table(
            {
                "journal_id": pa.array([c.movement.journal_id for c in claims], pa.string()),
                "line_id": pa.array([c.line.line_id for c in claims], pa.string()),
                "rule": pa.array([c.rule for c in claims], pa.string()),
            }
        ),
    )
    engine.materialize("claims", "claims")


def knowledge(
    engine: Engine, request: Request, book: FeedBook, charges: Sequence[Line], short: Sequence[Movement]
) -> Knowledge:
    """What the ledger says of `charges` that it does not answer, and what was authorised of `short` movements."""
    return Knowledge(
        outcomes=_outcomes(engine, request, charges) if charges else {},
        authorised_minor=_authorised(engine, request, short) if short else {},
        files={file_id: file.name for file_id, file in book.by_id().items()},
    )


def _outcomes(engine: Engine, request: Request, charges: Sequence[Line]) -> dict[str, Outcome]:
    engine.register(
        "wanted_payments",
        pa.table(
            {
                "line_id": pa.array([line.line_id for line in charges], pa.string()),
                "gateway": pa.array([line.gateway for line in charges], pa.string()),
                "gateway_account": pa.array([line.gateway_account for line in charges], pa.string()),
                "gateway_ref": pa.array([line.gateway_ref for line in charges], pa.string()),
                "payment_id": pa.array(
                    [int(line.payment_ref) if line.payment_ref else None for line in charges], pa.int64()
                ),
            }
        ),
    )
    rows = engine.fetch("payment_outcomes", search_from=request.search_from, as_of=request.as_of).to_pylist()
    found: dict[str, list[Outcome]] = {}
    for row in rows:
        outcome = Outcome(row["payment_id"], bool(row["captured"]), bool(row["given_up"]), row["trace_id"])
        found.setdefault(row["line_id"], []).append(outcome)
    # A line whose references name two payments says nothing certain about either.
    return {line_id: outcomes[0] for line_id, outcomes in found.items() if len(outcomes) == 1}


def _authorised(engine: Engine, request: Request, short: Sequence[Movement]) -> dict[tuple[str, str, str], int]:
    engine.register(
        "wanted_refs",
        pa.table(
            {
                "gateway_account": pa.array([m.gateway_account for m in short], pa.string()),
                "gateway_ref": pa.array([m.gateway_ref for m in short], pa.string()),
            }
        ),
    )
    rows = engine.fetch("authorised", known_at=request.known_at).to_pylist()
    return {(row["gateway_account"], row["gateway_ref"], row["currency"]): row["authorised_minor"] for row in rows}


def _movement(row: Mapping[str, Any]) -> Movement:
    return Movement(
        journal_id=row["journal_id"],
        payment_id=row["payment_id"],
        step=row["step"],
        kind=row["kind"],
        sequence=row["sequence"],
        gateway=row["gateway"],
        gateway_account=row["gateway_account"],
        operation_ref=row["operation_ref"],
        gateway_ref=row["gateway_ref"],
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        event_at=_utc(row["event_at"]),
        is_double=row["is_double"],
        in_cohort=row["in_cohort"],
        is_decidable=row["is_decidable"],
        due_at=_utc(row["due_at"]) if row["due_at"] else None,
        trace_id=row["trace_id"],
        source_path=row["source_path"],
    )


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        line_id=row["line_id"],
        native_id=row["native_id"],
        file_id=row["file_id"],
        line_no=row["line_no"],
        gateway=row["gateway"],
        gateway_account=row["gateway_account"],
        kind=row["kind"],
        raw_type=row["raw_type"],
        operation_ref=row["operation_ref"],
        charge_ref=row["charge_ref"],
        gateway_ref=row["gateway_ref"],
        payment_ref=row["payment_ref"],
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        occurred_at=_utc(row["occurred_at"]),
        received_at=_utc(row["received_at"]),
        batch_id=row["batch_id"],
        in_cohort=row["in_cohort"],
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
