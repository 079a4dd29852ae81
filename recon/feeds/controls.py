"""Sums and identities that a report must satisfy. A failed one leaves the file readable but `incomplete`."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import Decimal

import duckdb

from recon.feeds.faults import KEPT, WARNING, Fault
from recon.feeds.parser import GroupControl, Parser, RowControl

_NAMED = 50
"""Broken rows of one control that are named one by one."""


def run(con: duckdb.DuckDBPyConnection, parser: Parser) -> list[Fault]:
    """Every control of the parser over `lines`: what failed, with lines or groups; unknown types as warnings."""
    found: list[Fault] = []
    if parser.rows:
        counts = con.execute(f"SELECT {', '.join(f'count(*) FILTER (WHERE {c.bad})' for c in parser.rows)} FROM lines")
        for control, number in zip(parser.rows, counts.fetchone() or (), strict=True):
            if number:
                found += _rows(con, control, number)
    for group in parser.groups:
        found += _groups(con, group)
    if parser.table == "settlement_lines":
        found += _held(con)
    return found[:KEPT]


def totals(con: duckdb.DuckDBPyConnection, parser: Parser) -> dict[str, object]:
    """Rows and, for settlement lines, sums per account, batch and net currency, in minor units."""
    if parser.table != "settlement_lines":
        return {"rows": (con.execute("SELECT count(*) FROM lines").fetchone() or (0,))[0]}
    rows = con.execute(
        "SELECT gateway_account, net_currency, count(*), sum(settled_gross_minor), sum(fee_minor), sum(net_minor), "
        "min(occurred_at), max(occurred_at) FROM lines GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    names = ("gateway_account", "currency", "rows", "settled_gross_minor", "fee_minor", "net_minor", "first", "last")
    sums = [dict(zip(names, (_plain(value) for value in row), strict=True)) for row in rows]
    return {"rows": sum(row[2] for row in rows), "sums": sums}


def content_id(con: duckdb.DuckDBPyConnection, parser: Parser) -> str | None:
    """Digest of the lines in any order: equal for the same report under another name, row order or layout.

    None without rows. It adds up 92 bits of each line's MD5, so it needs no sort and no memory. Columns that follow
    from others say nothing more.
    """
    follow = {"line_no", "zone_source", *parser.follow}
    columns = [name for (name,) in con.execute("SELECT column_name FROM (DESCRIBE lines)").fetchall()]
    filled = con.execute(f"SELECT {', '.join(f'count({_quoted(name)})' for name in columns)} FROM lines").fetchone()
    if filled is None or not filled[0]:
        return None
    counted = sorted(zip(columns, filled, strict=True))
    names = [name for name, count in counted if count and name not in follow and not name.startswith("_")]
    parts = ", '|', ".join(_number(name) for name in names)
    # Shifted so that the sum of billions of digests still fits.
    digest = f"sum(CAST(md5_number(concat({parts})) >> 36 AS HUGEINT))"
    row = con.execute(f"SELECT count(*), {digest} FROM lines").fetchone()
    assert row is not None
    return hashlib.sha256(json.dumps([names, *(int(value) for value in row)]).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else int(value) if isinstance(value, Decimal) else value


def _number(name: str) -> str:
    return f"epoch_ms({name})" if name.endswith("_at") else _quoted(name)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _rows(con: duckdb.DuckDBPyConnection, control: RowControl, number: int) -> list[Fault]:
    query = f"SELECT line_no, {control.shown} FROM lines WHERE {control.bad} ORDER BY line_no LIMIT {_NAMED}"
    named = [
        Fault(control.problem, line, control.column, str(shown), level=control.level)
        for line, shown in con.execute(query).fetchall()
    ]
    if number > _NAMED:
        named.append(Fault(f"{control.problem}: {number - _NAMED} more lines", level=control.level))
    return named


def _groups(con: duckdb.DuckDBPyConnection, control: GroupControl) -> list[Fault]:
    failed = f"SELECT 1 FROM lines WHERE {control.where} GROUP BY {control.by} HAVING {control.bad} LIMIT 1"
    if not con.execute(failed).fetchall():
        return []
    query = (
        f"SELECT concat_ws(' ', {control.by}), {control.shown} FROM lines WHERE {control.where} GROUP BY {control.by} "
        f"HAVING {control.bad} ORDER BY 1 LIMIT {_NAMED}"
    )
    return [
        Fault(f"{control.problem}: {group}", value=str(shown), level=control.level)
        for group, shown in con.execute(query).fetchall()
    ]


def _held(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    query = "SELECT raw_type, count(*), min(line_no) FROM lines WHERE kind = 'held' GROUP BY 1 ORDER BY 1"
    return [
        Fault(f"unknown type, held and not compared ({number} lines)", line, value=raw, level=WARNING)
        for raw, number, line in con.execute(query).fetchall()
    ]
