"""`recon pull`: the window's objects of a lake on S3 into a folder."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from recon.errors import Refused
from recon.pull.pull import Progress, Pulled, pull
from recon.pull.remote import Window
from recon.store.s3 import S3Store, split

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("pull")(command)


def command(
    source: Annotated[str, typer.Option("--from", metavar="s3://BUCKET[/PREFIX]", help="The lake on S3.")],
    lake: Annotated[Path, typer.Option("--lake", help="Lake folder; made if it is not there.")],
    since: Annotated[str, typer.Option(metavar="DATE", help="First day of what happened, UTC.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="The day after the last one.")],
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")] = False,
) -> None:
    """Bring the ledger's tables of some days from S3 into a local lake: only what is new or has changed."""
    window = Window(_day(since, "--since"), _day(until, "--until"))
    split(source)
    if lake.exists() and not lake.is_dir():
        raise Refused(f"lake {lake} is a file; accepted: a folder, or the name of a new one")
    store = S3Store(source)
    done = _with_progress(store, lake, window)
    if as_json:
        typer.echo(json.dumps(_plain(done, store.root, lake, window), ensure_ascii=False))
    else:
        typer.echo(_sentence(done, store.root, lake, window))
        _tell_gone(done, store.root)
    if done.refused:
        shown = [f"  {path}: {reason}" for path, reason in done.refused[:_SHOWN]]
        more = [f"  and {len(done.refused) - _SHOWN} more"] if len(done.refused) > _SHOWN else []
        raise Refused("\n".join([f"{len(done.refused)} of {done.found} objects of {store.root} cannot be read and were "
                                 "not brought; the others are here:", *shown, *more]))


def _with_progress(store: S3Store, lake: Path, window: Window) -> Pulled:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("listing", total=None)
        return pull(store, lake, window, Progress(
            total=lambda size: bar.update(task, total=size, description="pulling"),
            advance=lambda size: bar.advance(task, size),
            waiting=lambda: bar.update(task, description="waiting for another pull into this lake")))


def _sentence(done: Pulled, address: str, lake: Path, window: Window) -> str:
    days = f"{window.since} to {window.until}"
    if not done.found and not done.gone:
        held = f"it holds {done.first} to {done.last}" if done.first else "it holds no days at all"
        return f"{address} has nothing of {days}; {held}"
    tables = ", ".join(f"{count} of {name}" for name, count in done.tables.items()) or "none"
    return (f"{lake}: {len(done.fetched)} objects fetched ({done.fetched_bytes / 1e6:.1f} MB), {done.unchanged} "
            f"unchanged; of {days} there are now {tables}")


def _tell_gone(done: Pulled, address: str) -> None:
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    if done.gone:
        errors.print(f"[yellow]gone:[/] {len(done.gone)} objects are no longer at {escape(address)}; they stay here")
    for path in done.gone[:_SHOWN]:
        errors.print(f"  {escape(path)}")
    if len(done.gone) > _SHOWN:
        errors.print(f"  and {len(done.gone) - _SHOWN} more")


def _plain(done: Pulled, address: str, lake: Path, window: Window) -> dict[str, Any]:
    return {
        "from": address, "lake": str(lake), "since": window.since.isoformat(), "until": window.until.isoformat(),
        "objects": done.found, "tables": done.tables, "fetched": done.fetched, "fetched_bytes": done.fetched_bytes,
        "unchanged": done.unchanged, "gone": done.gone,
        "refused": [{"path": path, "reason": reason} for path, reason in done.refused],
    }  # fmt: skip


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{option} is {text!r}; a date is accepted, e.g. 2026-03-31") from None
