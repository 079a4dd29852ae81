"""A declaration turned into SQL: `raw` (text of the needed columns) to fields (typed values) to `lines`."""

from __future__ import annotations

import re

import duckdb

from pipeline.schemas.render import duckdb_type
from pipeline.schemas.tables import table
from recon.feeds import times
from recon.feeds.faults import KEPT, Fault, FileRefused
from recon.feeds.fields import Amount, ApiAmount, ApiRate, Check, Context, Field, Rate
from recon.feeds.parser import Parser
from recon.feeds.sheet import Loaded

WRITTEN_LATER = frozenset({"line_id", "file_id", "report_type", "received_at", "recorded_at", "gateway", "dt"})
"""Columns that do not come from the lines themselves."""


def learn(con: duckdb.DuckDBPyConnection, parser: Parser, ctx: Context) -> None:
    """Fill `ctx` with what compiling needs: printed codes, ranges of local times, the decimal separator."""
    looks = dict.fromkeys(name for field in parser.fields for name in field.looks(ctx))
    spans = dict.fromkeys(name for field in parser.fields for name in field.spans(ctx))
    numbers = [ctx.text(field.header) for field in parser.fields if _printed_number(field) and ctx.has(field.header)]
    outputs = [f"list(DISTINCT {ctx.text(name)})" for name in looks]
    # Times are printed so that their text sorts as they do.
    outputs += [f"{bound}({ctx.text(name)})" for name in spans for bound in ("min", "max")]
    outputs += [_any(numbers, ",")]
    *learned, commas = con.execute(f"SELECT {', '.join(outputs)} FROM raw").fetchone() or ()
    for name, values in zip(looks, learned, strict=False):
        ctx.printed[name] = values or []
    bounds = learned[len(looks) :]
    for name, low, high in zip(spans, bounds[::2], bounds[1::2], strict=True):
        ctx.span[name] = times.parsed(low), times.parsed(high)
        if None in ctx.span[name] and low is not None:
            local = times.local_sql(ctx.text(name))
            ctx.span[name] = con.execute(f"SELECT min({local}), max({local}) FROM raw").fetchone() or (None, None)
    if commas:
        ctx.comma = con.execute(f"SELECT {_any(numbers, '.')} FROM raw").fetchone() == (False,)


def make_lines(con: duckdb.DuckDBPyConnection, parser: Parser, ctx: Context, account: str, loaded: Loaded) -> None:
    """Table `lines`: the parser's columns in the lake's types, in file order, beside the line number.

    One pass gives values and verdicts; only a file with a fault is looked at again, to say where and why. Raises
    FileRefused with every fault there is: of shape (from loading), of each cell, of each row.
    """
    values = ", ".join(f'{field.sql(ctx)} AS "{field.name}"' for field in parser.fields)
    steps = "".join(f", {sql} AS {name}" for name, sql in ctx.steps.items())
    fields = f"(SELECT *, {values} FROM (SELECT rowid AS row, *{steps} FROM raw)) AS fields"
    checks = _checks(parser, ctx)
    faulty = " OR ".join(f"({one.bad}) IS TRUE" for one in checks)
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in _targets(parser, ctx, account).items())
    try:
        con.execute(
            f"CREATE OR REPLACE TABLE lines AS SELECT CAST(row + {loaded.first_line} AS BIGINT) AS line_no, {columns}, "
            f"{faulty} AS _faulty FROM {fields}"
        )
    except duckdb.OutOfRangeException:
        # A sum that does not fit is the fault of a row that a check names.
        _refuse(con, checks, fields, loaded)
        raise
    if loaded.faults or con.execute("SELECT 1 FROM lines WHERE _faulty LIMIT 1").fetchall():
        _refuse(con, checks, fields, loaded)
    if parser.numbered:
        _number(con)


def _checks(parser: Parser, ctx: Context) -> list[Check]:
    checks = [one for field in parser.fields for one in field.checks(ctx)]
    for rule in parser.rules:
        told = (rule.problem, rule.accepted)
        checks.append(Check(rule.column, rule.bad, f"CAST({rule.value} AS VARCHAR)", lambda *_, told=told: told))
    return checks


def _refuse(con: duckdb.DuckDBPyConnection, checks: list[Check], fields: str, loaded: Loaded) -> None:
    counts = con.execute(f"SELECT {', '.join(f'count(*) FILTER (WHERE {one.bad})' for one in checks)} FROM {fields}")
    failed = [(one, number) for one, number in zip(checks, counts.fetchone() or (), strict=True) if number]
    faults = list(loaded.faults)
    for one, _ in failed:
        query = f"SELECT row, {one.value}, {one.context} FROM {fields} WHERE {one.bad} ORDER BY row LIMIT {KEPT}"
        for row, value, context in con.execute(query).fetchall():
            problem, accepted = one.explain(value, context)
            faults.append(Fault(problem, loaded.line_of(row), one.column, value, accepted))
    if faults:
        faults.sort(key=lambda fault: fault.line or 0)
        raise FileRefused(faults[:KEPT], sum(number for _, number in failed) + len(loaded.faults))


def provided(parser: Parser, ctx: Context) -> list[str]:
    """Columns of the lake table that this file's header can fill; the others stay empty and undecidable."""
    present = {field.name for field in parser.fields if field.reads(ctx)}
    filled = set()
    for name, sql in parser.lines.items():
        words = set(parser.needs.get(name) or re.findall(r"[a-z_]+", sql))
        words &= {field.name for field in parser.fields} - {"kind"}
        if words & present:
            filled.add(name)
    filled |= present
    if parser.table is None:
        return sorted(filled)
    return [column.name for column in table(parser.table).columns if column.name in filled]


def _targets(parser: Parser, ctx: Context, account: str) -> dict[str, str]:
    read = {field.name: f'"{field.name}"' for field in parser.fields}
    if parser.table is None:
        return {"gateway_account": _text(account), **dict(parser.lines)}
    given = read | dict(parser.lines)
    targets = {}
    for column in table(parser.table).columns:
        if column.name in WRITTEN_LATER or column.name == "line_no":
            continue
        sql = given.get(column.name, "NULL")
        if column.name == "gateway_account":
            sql = f'"{parser.account}"' if parser.account else _text(account)
        elif column.name == "zone_source":
            sql = _text(zone_of(parser, ctx)[0])
        targets[column.name] = f"CAST({sql} AS {duckdb_type(column)})"
    # Names that begin with an underscore are steps of a control or of the batches; they are never written. Status
    # lines have no native_id of their own in the lake, but their line_id is made of it.
    return targets | {name: sql for name, sql in parser.lines.items() if name.startswith("_") or name == "native_id"}


def zone_of(parser: Parser, ctx: Context) -> tuple[str, str]:
    """(what decided the zone of the file's times, the zone)."""
    for field in parser.fields:
        if field.name in ("occurred_at", "closed_at"):
            return field.zone(ctx)
    return "", ""


def _number(con: duckdb.DuckDBPyConnection) -> None:
    """Append the occurrence among equal rows. Nearly all are the first of their kind, so only the others are sorted."""
    con.execute(
        "CREATE OR REPLACE TABLE again AS SELECT line_no, "
        "row_number() OVER (PARTITION BY gateway_account, native_id ORDER BY line_no) AS nth FROM lines "
        "WHERE hash(gateway_account, native_id) IN (SELECT hash(gateway_account, native_id) FROM lines GROUP BY 1 "
        "HAVING count(*) > 1)"
    )
    if con.execute("SELECT count(*) FROM again").fetchone() == (0,):
        return
    con.execute(
        "UPDATE lines SET native_id = left(native_id, -1) || again.nth FROM again "
        "WHERE lines.line_no = again.line_no AND again.nth > 1"
    )


def _printed_number(field: Field) -> bool:
    return isinstance(field, Amount | Rate) and not isinstance(field, ApiAmount | ApiRate)


def _any(texts: list[str], mark: str) -> str:
    if not texts:
        return "false"
    return "bool_or(" + " OR ".join(f"coalesce(contains({text}, '{mark}'), false)" for text in texts) + ")"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
