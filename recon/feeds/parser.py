"""What a report's parser is: a declaration. Everything it does is in compile.py, controls.py and ingest.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from recon.feeds.fields import Field
from recon.feeds.header import Header, Shape

SETTLEMENT, STATUS, CONTROL = "settlement", "status", "control"


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows for which `bad` (SQL over the fields) holds cannot be read safely: the file is refused, naming `column`."""

    column: str
    bad: str
    problem: str
    accepted: str
    value: str = "NULL"


@dataclass(frozen=True, slots=True)
class RowControl:
    """Lines for which `bad` (SQL over the lines) holds break an identity; `shown` (SQL text) says by what.

    `level` is `incomplete` (the file is kept but flagged) or `warning`.
    """

    problem: str
    bad: str
    shown: str
    level: str = "incomplete"
    column: str | None = None


@dataclass(frozen=True, slots=True)
class GroupControl:
    """Groups of lines (`by`, SQL list) for which `bad` (an aggregate) holds; `shown` (aggregate text) says by what."""

    problem: str
    by: str
    bad: str
    shown: str
    where: str = "true"
    level: str = "incomplete"


@dataclass(frozen=True, slots=True)
class Claim:
    """What lines above the header say: whose file it is, and the local days it holds in full (the second excluded)."""

    account: str | None = None
    day_from: date | None = None
    day_until: date | None = None


@dataclass(frozen=True, slots=True)
class Parser:
    """One report of one gateway.

    `fields` are read from the file; `lines` maps columns of the lake table (or, for a control report, of the batches
    query) to SQL over the fields; a field named like a column needs no entry. `needs` names the fields without which a
    column is not decidable, where that is not plain from its SQL. `batches` is SQL over `lines`.
    `account` is the field that names the gateway account, None when the file does not say. `numbered` is True where
    native_id is built from the row and equal rows are told apart by counting them in file order. `follow` names columns
    that others decide, so that the content's digest can leave them out. `scope` is SQL over `lines` naming what the
    file speaks for: a later file of the same scope restates it. `header` tells which of two columns printed
    under one name comes first; `claim` reads the lines above the header.
    """

    name: str
    gateway: str
    role: str
    shape: Shape
    fields: tuple[Field, ...]
    lines: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    rows: tuple[RowControl, ...] = ()
    groups: tuple[GroupControl, ...] = ()
    batches: str | None = None
    account: str | None = None
    numbered: bool = False
    scope: str | None = None
    follow: tuple[str, ...] = ()
    name_hint: str | None = None
    batch_in_name: str | None = None
    layout: Callable[[Header], str] = lambda header: f"{len(header.names)} columns"
    header: Callable[[Header], Header] = lambda header: header
    claim: Callable[[Sequence[tuple[str, ...]]], Claim] = lambda preamble: Claim()

    @property
    def table(self) -> str | None:
        """The lake table that the lines go to; None for a control report."""
        return {SETTLEMENT: "settlement_lines", STATUS: "status_lines"}.get(self.role)
