"""What queries will read of the lake, from the footers of the objects that they would read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from pipeline.schemas.tables import TABLES
from recon.engine.footers import Footer

READ_WHOLE_BYTES = 3 * 1024 * 1024
"""Trino reads objects up to this size in one piece, whatever the columns (parquet.small-file-threshold)."""

TAIL_BYTES = 48 * 1024
"""What it reads of the end of a larger one to find the footer."""


_SCRATCH_BYTES = {"ledger_entries": 400, "settlement_lines": 1_200}
"""What a run reads of its own scratch tables, per row of the lake that it reads: measured on worlds of several sizes.

Scratch tables of more than READ_WHOLE_BYTES are read by column, so that a large run reads less than this says.
"""

_SECOND = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("SECOND"))


@dataclass(frozen=True, slots=True)
class Scan:
    """One place where a statement reads a lake table: columns, and the days (both inclusive) it keeps to."""

    table: str
    columns: frozenset[str]
    first: date | None = None
    last: date | None = None


def scan_bytes(bound: exp.Expr, footers: Mapping[str, Sequence[Footer]]) -> int:
    """Bytes of the lake's objects that one run of a statement with its parameters bound reads.

    Tables without footers, which are scratch tables, count nothing.
    """
    return sum(_object_bytes(footer, scan.columns)
               for scan in scans(bound)
               for footer in footers.get(scan.table, ())
               if _within(footer.path, scan))


def scratch_bytes(footers: Mapping[str, Sequence[Footer]]) -> int:
    """Bytes that a run over these objects will read of the scratch tables that it makes on the way."""
    return sum(per_row * footer.rows for table, per_row in _SCRATCH_BYTES.items() for footer in footers.get(table, ()))


def scans(bound: exp.Expr) -> list[Scan]:
    """Every time that the statement reads a lake table: a WITH clause is read anew wherever it is used."""
    scopes = traverse_scope(bound)
    times: dict[int, int] = defaultdict(int)
    if scopes:
        times[id(scopes[-1])] = 1
    # Inner scopes come first, so that whoever uses a scope has been counted before the scope itself.
    for scope in reversed(scopes):
        used = [source for _, source in scope.selected_sources.values() if isinstance(source, Scope)]
        for inner in (*used, *scope.subquery_scopes, *scope.set_operation_scopes):
            times[id(inner)] += times[id(scope)]
    return [scan for scope in scopes for scan in _of_scope(scope) for _ in range(times[id(scope)])]


def _of_scope(scope: Scope) -> list[Scan]:
    tables = {alias: source.name for alias, (_, source) in scope.selected_sources.items()
              if isinstance(source, exp.Table) and source.name in TABLES}
    columns: dict[str, set[str]] = defaultdict(set)
    for column in scope.columns:
        for alias, table in tables.items():
            if column.table in ("", alias) and column.name in _declared(table):
                columns[alias].add(column.name)
    days = {alias: _days(scope, alias) for alias in tables}
    return [Scan(table, frozenset(columns[alias]), *days[alias]) for alias, table in tables.items()]


def _days(scope: Scope, alias: str) -> tuple[date | None, date | None]:
    """The days that `dt >= …` and `dt <= …` of the scope's WHERE leave, where it says so."""
    first = last = None
    where = scope.expression.args.get("where")
    # Only what holds for every row bounds it: not one side of an OR.
    for condition in where.this.flatten() if where and isinstance(where.this, exp.And) else [where and where.this]:
        if not isinstance(condition, exp.GTE | exp.LTE):
            continue
        column, bound = condition.this, condition.expression
        if not (isinstance(column, exp.Column) and column.name == "dt" and column.table in ("", alias)):
            continue
        day = _day(bound)
        if isinstance(condition, exp.GTE):
            first = day
        else:
            last = day
    return first, last


def _day(bound: exp.Expr) -> date | None:
    """The day of CAST(:as_of AS DATE) or CAST(:as_of - INTERVAL '1' SECOND AS DATE); None for another expression."""
    value, back = _inside(bound), timedelta()
    if isinstance(value, exp.Sub) and value.expression == _SECOND:
        value, back = _inside(value.this), timedelta(seconds=1)
    if not (isinstance(value, exp.Literal) and value.is_string):
        return None
    return (datetime.fromisoformat(value.name) - back).date()


def _inside(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return node


def _within(path: str, scan: Scan) -> bool:
    for part in path.split("/"):
        if part.startswith("dt="):
            day = date.fromisoformat(part[3:])
            return (scan.first is None or scan.first <= day) and (scan.last is None or day <= scan.last)
    return True


def _object_bytes(footer: Footer, columns: frozenset[str]) -> int:
    if footer.size_bytes <= READ_WHOLE_BYTES:
        return footer.size_bytes
    return TAIL_BYTES + sum(size for name, size in footer.column_bytes.items() if name in columns)


def _declared(table: str) -> set[str]:
    return {column.name for column in TABLES[table].columns}
