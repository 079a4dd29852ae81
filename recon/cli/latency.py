"""`recon latency`: one window measured by the notebook, its results put in one folder in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from recon.engine.port import ENGINES
from recon.latency.request import GATEWAYS, Request
from recon.latency.run import preflight
from recon.schedule import runner
from recon.schedule.record import LATENCY, RunFailed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("latency")(latency)


def latency(
    since: Annotated[str, typer.Option(help="Where the window begins: 2026-03-01 or 2026-03-01T14:00:00Z.")],
    until: Annotated[str, typer.Option(help="Where it ends, itself left out.")],
    lake: Annotated[str, typer.Option(help="Folder of the lake, or s3://bucket/prefix.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an earlier run there is replaced in one step.")],
    gateway: Annotated[str, typer.Option(help=f"Which payments: {', '.join(GATEWAYS)}.")] = "all",
    engine: Annotated[str, typer.Option(help=f"What runs the SQL: {', '.join(ENGINES)}.")] = "duckdb",
    region: Annotated[str | None, typer.Option(help="AWS region of the traces, for links to them.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json instead of the table.")] = False,
) -> None:
    """Measure how long payments took, step by step and from end to end. Ends 0 done, 2 refused."""
    preflight(Request.parse(since=since, until=until, gateway=gateway, lake=lake, engine=engine, region=region))
    given = {"since": since, "until": until, "gateway": gateway, "lake": lake, "engine": engine, "region": region,
             "out": str(out)}  # fmt: skip
    try:
        done = _run({name: value for name, value in given.items() if value is not None})
    except runner.RefusedInside:
        raise
    except RunFailed as failed:
        message = Text.assemble(("failed: ", "bold red"), str(failed))
        Console(stderr=True, soft_wrap=True, highlight=False).print(message)
        raise typer.Exit(failed.exit_code) from None
    text = (done.out / "summary.json").read_text(encoding="utf-8")
    if as_json:
        typer.echo(text, nl=False)
        return
    console = Console(soft_wrap=True, highlight=False)
    _print_summary(console, json.loads(text))
    console.print(f"page: {done.page}", markup=False)


def _run(given: Mapping[str, object]) -> runner.Ran:
    console = Console(stderr=True)
    if not console.is_terminal:
        return runner.run(given, notebook=runner.LATENCY, leaves=LATENCY)
    with Status("starting the notebook", console=console) as status:
        return runner.run(given, notebook=runner.LATENCY, leaves=LATENCY, progress=status.update)


def _print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    title = f"{summary['since']} to {summary['until']}: {summary['payments']:,} payments"
    table = Table("from end to end", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("payments", "p50", "p95", "p99", "longest"):
        table.add_column(heading, justify="right")
    for gateway, found in summary["end_to_end"].items():
        table.add_row(gateway, f"{found['count']:,}",
                      *(f"{found[f'{level}_ms'] / 1000:,.3f} s" for level in ("p50", "p95", "p99", "max")))
    console.print(table)
    if summary["statuses"]:
        parts = (f"{status} {count:,}" for status, count in summary["statuses"].items())
        console.print("statuses: " + ", ".join(parts), markup=False)
    if summary["running"]:
        console.print(f"not ended a day after the window: {summary['running']:,}", markup=False)
