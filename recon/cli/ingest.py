"""`recon ingest`: settlement files into the lake, one verdict per file."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from recon.feeds.faults import REFUSES
from recon.feeds.ingest import Outcome, ingest
from recon.feeds.options import ReadOptions, instant, zone

_STYLES = {"accepted": "green", "restated": "yellow", "incomplete": "yellow", "duplicate": "dim", "refused": "bold red"}
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("ingest")(command)


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Settlement files, or folders of them.")],
    lake: Annotated[Path, typer.Option("--lake", help="Lake folder; made if it is not there.")],
    gateway_account: Annotated[str | None, typer.Option(help="Account of files that do not name theirs.")] = None,
    payment_ref_column: Annotated[
        list[str] | None, typer.Option(help="Column that carries our payment id; may be given several times.")
    ] = None,
    received_at: Annotated[str | None, typer.Option(help="When the files were received; else arrivals.json.")] = None,
    covers_from: Annotated[str | None, typer.Option(help="Start of the interval that the files hold in full.")] = None,
    covers_until: Annotated[str | None, typer.Option(help="End of that interval, exclusive.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Zone of times that the file gives no zone for.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Anything but a plainly accepted file ends with 2.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON on standard output.")] = False,
) -> None:
    """Read settlement files of Stripe and Adyen into the lake: accepted, incomplete, duplicate or refused."""
    options = ReadOptions(
        gateway_account=gateway_account,
        payment_ref_columns=tuple(payment_ref_column or ()),
        received_at=_instant(received_at, "--received-at"),
        covers_from=_instant(covers_from, "--covers-from"),
        covers_until=_instant(covers_until, "--covers-until"),
        time_zone=zone(time_zone) if time_zone else None,
    )
    outcomes = _with_progress(paths, lake, options)
    if as_json:
        print(json.dumps([_plain(outcome) for outcome in outcomes], ensure_ascii=False))  # noqa: T201
    else:
        _print(outcomes, lake)
    if any(outcome.status == "refused" or (strict and outcome.unclean) for outcome in outcomes):
        raise typer.Exit(2)


def _with_progress(paths: list[Path], lake: Path, options: ReadOptions) -> list[Outcome]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def step(done: int, total: int, outcome: Outcome) -> None:
            progress.update(task, completed=done, total=total, description=outcome.path.name[-40:])

        return ingest(paths, lake, options, lambda: datetime.now(UTC), step)


def _print(outcomes: list[Outcome], lake: Path) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "report", "account", "rows", "status", "remark"):
        table.add_column(heading, justify="right" if heading == "rows" else "left", overflow="fold")
    for outcome in outcomes:
        status = "restated" if outcome.restates else outcome.status
        remark = "; ".join(escape(str(fault)) for fault in outcome.faults[:1])
        more = f" (+{outcome.faults_total - 1} more)" if outcome.faults_total > 1 else ""
        report = " ".join(outcome.row.get(name) or "" for name in ("gateway", "report_type")).strip()
        table.add_row(
            escape(outcome.path.name), report, escape(outcome.row.get("gateway_account") or ""),
            "" if outcome.row.get("rows") is None else str(outcome.row["rows"]),
            f"[{_STYLES[status]}]{status}[/]", remark + more,
        )  # fmt: skip
    console.print(table)
    for outcome in outcomes:
        if outcome.status == "refused":
            _explain(outcome, lake)
    if not outcomes:
        Console(stderr=True).print("no files found")


def _explain(outcome: Outcome, lake: Path) -> None:
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    errors.print(f"[bold red]refused:[/] {escape(str(outcome.path))}")
    for fault in [fault for fault in outcome.faults if fault.level == REFUSES][:_SHOWN]:
        errors.print(f"  {escape(str(fault))}")
    if outcome.faults_total > _SHOWN:
        errors.print(f"  and {outcome.faults_total - _SHOWN} more")
    errors.print(f"  kept with all its reasons in {escape(str(lake / 'refused' / outcome.row['file_id']))}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    row = {k: v.isoformat() + "Z" if isinstance(v, datetime) else v for k, v in outcome.row.items()}
    faults = json.loads(outcome.row["faults"]) if outcome.row.get("faults") else []
    return row | {"path": str(outcome.path), "faults": faults, "faults_total": outcome.faults_total}


def _instant(text: str | None, option: str) -> datetime | None:
    return None if text is None else instant(text, option)
