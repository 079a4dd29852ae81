"""`recon run`: one window reconciled by the notebook, its results put in one folder in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.engine.budget import size
from recon.engine.port import ENGINES
from recon.errors import Refused
from recon.lake import Lake
from recon.match.policy import Policy
from recon.match.request import WINDOWS, Request
from recon.match.run import preflight
from recon.schedule import runner
from recon.schedule.record import RunFailed

_FAIL_ON_MET, _WAITING = 1, 3
_WIDE = 110
"""Terminal columns from which on both totals are shown beside their difference."""

_AMOUNTS = ("ledger", "gateway", "named", "pending", "held", "unexplained")


class NoSuchClass(Refused):
    """--fail-on names a class that no run reports."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    window: Annotated[str, typer.Option(help=f"Which cohort: {', '.join(WINDOWS)}.")],
    as_of: Annotated[str, typer.Option(help="The day of the run, or for hourly its hour: 2026-03-31T14:00:00Z.")],
    lake: Annotated[str, typer.Option(help="Folder of the lake, or s3://bucket/prefix.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an earlier run there is replaced in one step.")],
    engine: Annotated[str, typer.Option(help=f"What runs the SQL: {', '.join(ENGINES)}.")] = "duckdb",
    known_at: Annotated[
        str | None, typer.Option(help="Use only what had arrived by then: an instant, or now. Default: by as_of.")
    ] = None,
    manifest: Annotated[
        str | None, typer.Option(help="The manifest.json of an earlier run (a file, or s3://...), to repeat it.")
    ] = None,
    fail_on: Annotated[
        list[str] | None, typer.Option(metavar="CLASS", help="End with 1 when this class occurs; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json instead of the table.")] = False,
) -> None:
    """Reconcile one window. Ends 0 done, 1 --fail-on met, 2 refused, 3 waiting for a feed that is due."""
    now = datetime.now(UTC)
    if known_at == "now":
        known_at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    request = Request.parse(window=window, as_of=as_of, lake=lake, engine=engine, known_at=known_at, manifest=manifest)
    preflight(request)
    _refuse_unknown(fail_on or [], lake)
    given = {"window": window, "as_of": as_of, "lake": lake, "engine": engine, "known_at": known_at,
             "manifest": manifest, "out": str(out)}  # fmt: skip
    try:
        done = _run({name: value for name, value in given.items() if value is not None})
    except runner.RefusedInside:
        raise
    except RunFailed as failed:
        message = Text.assemble(("failed: ", "bold red"), str(failed))
        Console(stderr=True, soft_wrap=True, highlight=False).print(message)
        raise typer.Exit(failed.exit_code) from None
    text = (done.out / "summary.json").read_text(encoding="utf-8")
    summary = json.loads(text)
    if as_json:
        typer.echo(text, nl=False)
    else:
        console = Console(soft_wrap=True, highlight=False)
        if not console.is_terminal:
            console.width = 200
        _print_summary(console, summary)
        console.print(f"page: {done.page}", markup=False)
    raise typer.Exit(exit_code(summary, fail_on or []))


def exit_code(summary: Mapping[str, Any], fail_on: list[str]) -> int:
    """What a finished run ends with: --fail-on before waiting before done."""
    if any(name in summary["classes"] for name in fail_on):
        return _FAIL_ON_MET
    return _WAITING if summary["status"] == "waiting" else 0


def _run(given: Mapping[str, object]) -> runner.Ran:
    console = Console(stderr=True)
    if not console.is_terminal:
        return runner.run(given)
    with Status("starting the notebook", console=console) as status:
        return runner.run(given, progress=status.update)


def _refuse_unknown(fail_on: list[str], lake: str) -> None:
    known = Policy.load(Lake(lake)).classes
    for name in fail_on:
        if name not in known:
            raise NoSuchClass(f"--fail-on {name!r} is no class of divergence; accepted: {', '.join(sorted(known))}")


def _print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    title = f"{summary['window']}, {summary['cohort_from']} to {summary['cohort_to']}: {summary['status']}"
    narrow = console.is_terminal and console.width < _WIDE
    amounts = [name for name in _AMOUNTS if not (narrow and name in ("ledger", "gateway"))]
    amounts = [name for name in amounts if name != "held" or any(total["held_minor"] for total in summary["totals"])]
    table = Table("account", "currency", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("matched", *amounts):
        table.add_column(heading, justify="right")
    for total in summary["totals"]:
        table.add_row(
            f"{total['gateway']} {total['gateway_account']}",
            total["currency"],
            f"{total['matched']:,} of {total['movements']:,}",
            *(_major(total[f"{name}_minor"], total["currency"]) for name in amounts),
        )
    console.print(table, no_wrap=True, overflow="ignore", crop=False)
    if summary["scan"]:
        scan = summary["scan"]
        console.print(f"read: {size(scan['scanned_bytes'])} as {summary['engine']} counts, "
                      f"{size(scan['estimated_bytes'])} estimated before, budget {size(scan['budget_bytes'])}")
    if summary["classes"]:
        parts = (f"{name} {entry['rows']:,}" for name, entry in summary["classes"].items())
        console.print("classes: " + ", ".join(parts), markup=False)


def _major(amount_minor: int, currency: str) -> str:
    decimals = ISO_EXPONENTS.get(currency, 0)
    digits = str(abs(amount_minor)).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    return f"{'-' if amount_minor < 0 else ''}{int(digits[:cut]):,}" + (f".{digits[cut:]}" if decimals else "")
