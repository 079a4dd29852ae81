"""One file read into `lines`, with what it claims and what its controls found. Nothing is written here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from recon.feeds import compile as compiled
from recon.feeds import controls
from recon.feeds.faults import WARNING, Fault, FileRefused, refuse
from recon.feeds.fields import Context, Reference
from recon.feeds.forms import expected
from recon.feeds.identify import identify
from recon.feeds.known import naive
from recon.feeds.options import ReadOptions
from recon.feeds.parser import SETTLEMENT, Claim, Parser
from recon.feeds.registry import OPENERS, PARSERS
from recon.feeds.sheet import Sheet, open_sheet
from recon.feeds.timefields import undecidable
from recon.feeds.times import known_zone

_ACCOUNT = "gateway_account in arrivals.json beside the file, or --gateway-account NAME"


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that could be read: `facts` are columns of its feed_files row, `faults` what its controls found."""

    parser: Parser
    facts: dict[str, Any]
    faults: tuple[Fault, ...]


def read(con: duckdb.DuckDBPyConnection, path: Path, name: str, options: ReadOptions) -> Reading:
    """Read the file at `path`, delivered as `name`, into table `lines`. Raises FileRefused with every fault."""
    sheet = open_sheet(path, OPENERS)
    parser, header = identify(sheet.preview, PARSERS, name, options)
    ctx = Context(parser.header(header), replace(options, batch_id=_said_batch(parser, name, options)), parser.gateway)
    try:
        claim = parser.claim(sheet.preview[: header.line - 1])
        if claim.account and not options.gateway_account:
            ctx.options = replace(ctx.options, gateway_account=claim.account)
        return _read(con, sheet, parser, ctx, claim)
    except FileRefused as refused:
        refused.report_type, refused.gateway = parser.name, parser.gateway
        raise
    except duckdb.Error as error:
        raise refuse(f"could not be read ({str(error).splitlines()[0][:200]})", accepted="a readable report") from error


def _read(con: duckdb.DuckDBPyConnection, sheet: Sheet, parser: Parser, ctx: Context, claim: Claim) -> Reading:
    account = _given_account(parser, ctx.options)
    _needs_reference(parser, ctx)
    loaded = sheet.load(con, ctx.header, expected(parser.fields, ctx))
    compiled.learn(con, parser, ctx)
    ctx.options = _with_days(ctx.options, claim, compiled.zone_of(parser, ctx)[1])
    compiled.make_lines(con, parser, ctx, account, loaded)
    faults = [*controls.run(con, parser), *undecidable(ctx, parser.fields)]
    totals = controls.totals(con, parser)
    if not totals["rows"]:
        if not account:
            raise refuse("no rows, so nothing says which gateway account it is of", accepted=_ACCOUNT)
        faults.append(Fault("a header and no rows: nothing happened, or nothing was exported", level=WARNING))
    totals["scope"] = _scope(con, parser)
    return Reading(parser, _facts(con, parser, ctx, account, totals), tuple(faults))


def _facts(
    con: duckdb.DuckDBPyConnection, parser: Parser, ctx: Context, account: str, totals: dict[str, Any]
) -> dict[str, Any]:
    options = ctx.options
    accounts = [row[0] for row in con.execute("SELECT DISTINCT gateway_account FROM lines").fetchall()]
    batch = _batch(con, parser, options)
    if totals["scope"] is None and batch is not None and parser.batch_in_name:
        totals["scope"] = f"{account} batch {batch}"
    return {
        "content_id": controls.content_id(con, parser),
        "gateway": parser.gateway,
        "gateway_account": accounts[0] if len(accounts) == 1 else (account or None if not accounts else None),
        "report_type": parser.name,
        "role": parser.role,
        "layout": parser.layout(ctx.header),
        "time_zone": compiled.zone_of(parser, ctx)[1] or None,
        "batch_id": batch,
        "covers_from": naive(options.covers_from),
        "covers_until": naive(options.covers_until),
        "rows": totals["rows"],
        "control_totals": json.dumps(totals),
        "provides": json.dumps(compiled.provided(parser, ctx)),
    }


def _with_days(options: ReadOptions, claim: Claim, zone: str) -> ReadOptions:
    """The claimed local days as the interval that the file covers, unless somebody said another one."""
    zone = zone or options.time_zone or ""
    if options.covers_from or options.covers_until or not (claim.day_from and claim.day_until and known_zone(zone)):
        return options
    start, end = (datetime.combine(day, time(), ZoneInfo(zone)) for day in (claim.day_from, claim.day_until))
    return replace(options, covers_from=start, covers_until=end) if start < end else options


def _given_account(parser: Parser, options: ReadOptions) -> str:
    """The account that was said; needed where the file does not name it."""
    if options.gateway_account is None and parser.account is None:
        raise refuse(
            "the file does not say which gateway account it is of",
            accepted=_ACCOUNT,
        )
    return options.gateway_account or ""


def _needs_reference(parser: Parser, ctx: Context) -> None:
    """A column that was asked for may be absent with all others of its kind, but not beside others: a misspelt name."""
    asked = ctx.options.payment_ref_columns
    for field in parser.fields:
        if isinstance(field, Reference) and asked and not any(map(ctx.has, asked)) and not ctx.has(field.header):
            there = [name for name in ctx.header.names if "metadata" in name.lower()]
            if there:
                raise refuse(
                    "no such column to take the payment reference from", line=ctx.header.line, column=asked[0],
                    accepted=" or ".join(map(repr, there)),
                )  # fmt: skip


def _scope(con: duckdb.DuckDBPyConnection, parser: Parser) -> str | None:
    if parser.scope is None:
        return None
    row = con.execute(f"SELECT {parser.scope} FROM lines").fetchone()
    return None if row is None or row[0] is None else str(row[0])


def _batch(con: duckdb.DuckDBPyConnection, parser: Parser, options: ReadOptions) -> str | None:
    """The batch of a file that is one batch: from its rows, else from what was said of it or its name."""
    if parser.role == SETTLEMENT:
        found = [row[0] for row in con.execute("SELECT DISTINCT batch_id FROM lines LIMIT 2").fetchall()]
        if found:
            return found[0] if len(found) == 1 else None
    return options.batch_id


def _said_batch(parser: Parser, name: str, options: ReadOptions) -> str | None:
    printed = re.search(parser.batch_in_name, name) if parser.batch_in_name else None
    return options.batch_id or (printed.group(1) if printed else None)
