"""Rows of the truth, and how they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recon.worlds.clock import moment
from recon.worlds.model import Line, Movement, Run

_AT = pa.timestamp("ms")
_RUN: list[pa.Field[Any]] = [
    pa.field("window", pa.string(), nullable=False),
    pa.field("as_of", _AT, nullable=False),
    pa.field("known_at", _AT, nullable=False),
]

DIVERGENCES = pa.schema(
    [
        *_RUN,
        pa.field("class", pa.string(), nullable=False),
        pa.field("subject_kind", pa.string(), nullable=False),
        pa.field("subject_id", pa.string(), nullable=False),
        pa.field("gateway", pa.string()),
        pa.field("gateway_account", pa.string()),
        pa.field("currency", pa.string()),
        pa.field("payment_id", pa.int64()),
        pa.field("native_id", pa.string()),
        pa.field("batch_id", pa.string()),
        pa.field("diff_minor", pa.int64(), nullable=False),
        pa.field("identity_minor", pa.int64(), nullable=False),
    ]
)
MATCHES = pa.schema(
    [
        *_RUN,
        pa.field("journal_id", pa.string(), nullable=False),
        pa.field("gateway", pa.string(), nullable=False),
        pa.field("gateway_account", pa.string(), nullable=False),
        pa.field("native_id", pa.string(), nullable=False),
    ]
)

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """One divergence that a run must find."""

    divergence: str
    subject: str
    gateway: str | None
    account: str | None
    currency: str | None
    diff: int
    identity: int
    payment_id: int | None = None
    native_id: str | None = None
    batch_id: str | None = None


@dataclass(slots=True)
class RunTruth:
    """All that is true of one run: divergences, claims, and what waits, per gateway, account and currency."""

    run: Run
    rows: list[Truth] = field(default_factory=list)
    claims: list[tuple[Movement, Line]] = field(default_factory=list)
    pending: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[Key, int] = field(default_factory=lambda: defaultdict(int))


def of_move(
    divergence: str,
    move: Movement,
    journal_ids: list[str],
    diff: int,
    *,
    currency: str | None = None,
    line: Line | None = None,
    identity: int | None = None,
) -> Truth:
    """A row whose subject is a movement."""
    return Truth(
        divergence,
        move_subject(move, journal_ids),
        move.account.gateway,
        move.account.name,
        currency or move.currency,
        diff,
        diff if identity is None else identity,
        move.payment.id,
        line.native_id if line else None,
    )


def of_line(divergence: str, line: Line) -> Truth:
    """A row whose subject is a line that the ledger does not answer."""
    named = None if line.keyless else line.payment.id
    return Truth(
        divergence,
        line_subject(line),
        line.account.gateway,
        line.account.name,
        line.currency,
        -line.gross,
        -line.gross,
        named,
        line.native_id,
    )


def move_subject(move: Movement, journal_ids: list[str]) -> str:
    """Subject of a movement."""
    return f"movement:{journal_ids[move.journal]}"


def line_subject(line: Line) -> str:
    """Subject of a line."""
    return f"line:{line.account.gateway}:{line.native_id}"


def key_of(item: Movement | Line) -> Key:
    """Gateway, account and currency that an amount counts in."""
    return item.account.gateway, item.account.name, item.currency


def write_truth(found: list[RunTruth], journal_ids: list[str], folder: Path) -> None:
    """Write divergences.parquet and matches.parquet, sorted."""
    folder.mkdir(parents=True)
    rows = [
        (
            *_of_run(t.run),
            r.divergence,
            r.subject.partition(":")[0],
            r.subject,
            r.gateway,
            r.account,
            r.currency,
            r.payment_id,
            r.native_id,
            r.batch_id,
            r.diff,
            r.identity,
        )
        for t in found
        for r in t.rows
    ]
    claims = [
        (*_of_run(t.run), journal_ids[move.journal], line.account.gateway, line.account.name, line.native_id)
        for t in found
        for move, line in t.claims
    ]
    _write(rows, DIVERGENCES, folder / "divergences.parquet")
    _write(claims, MATCHES, folder / "matches.parquet")


def _of_run(run: Run) -> tuple[str, datetime, datetime]:
    return run.window, moment(run.as_of).replace(tzinfo=None), moment(run.known_at).replace(tzinfo=None)


def _write(rows: Sequence[tuple[object, ...]], schema: pa.Schema, path: Path) -> None:
    ordered = sorted(rows, key=lambda row: tuple(str(value) for value in row))
    columns = [pa.array([row[n] for row in ordered], f.type) for n, f in enumerate(schema)]
    pq.write_table(pa.table(columns, schema=schema), path)
