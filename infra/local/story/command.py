"""`pipeline story`: payments taken, settled, delivered, reconciled and scored, from one command."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.local.story.errors import StageFailed

if TYPE_CHECKING:
    from rich.console import Console

    from infra.local.story.folder import Folder
    from infra.local.story.run import Told


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(story)


def story(
    payments: Annotated[int, typer.Option(min=1, help="How many payments to make.")] = 300,
    concurrency: Annotated[int, typer.Option(min=1, help="How many of them at once.")] = 6,
    seed: Annotated[int | None, typer.Option(help="What the payments are drawn from; one is chosen if absent.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything that is made; an earlier story there is replaced.")]
    = Path("build/run"),
    as_json: Annotated[bool, typer.Option("--json", help="story.json on standard output, for a program to read.")]
    = False,
) -> None:
    """Take payments, let the gateways settle them with injected divergences, reconcile, and say how it went.

    Ends 1 when a stage fails, a score is below 1.000, money is unexplained or a link of provenance is missing.
    """
    # Only here, since they take longer to load than the other commands take to answer.
    from rich.console import Console

    from infra.local.story.folder import claimed
    from infra.local.story.run import Wanted, tell, write_summary
    from infra.local.story.telling import Telling

    # In a shell's background job they are switched off, and the stack must end with us.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    with claimed(out) as folder:
        if folder.root != out.absolute():
            console.print(f"{out} is in use by another story; this one goes to {folder.root}")
        folder.emptied()
        telling = Telling(console)
        wanted = Wanted(payments, concurrency, secrets.randbelow(10**6) if seed is None else seed)
        try:
            told = tell(folder, wanted, telling)
        except StageFailed as failed:
            typer.echo(f"failed: {failed}", err=True)
            raise typer.Exit(1) from None
        write_summary(folder, told, telling.seconds)
        _show(console, folder, told, telling.seconds)
        if as_json:
            typer.echo((folder.root / "story.json").read_text(encoding="utf-8"))
    if not told.holds:
        raise typer.Exit(1)


def _show(console: Console, folder: Folder, told: Told, seconds: dict[str, float]) -> None:
    from rich.table import Table

    from infra.local.story.verdict import totals

    console.print(totals(told.verdicts))
    links = Table("link", "payments that have it", "missing, injected", "missing", title="Provenance",
                  title_justify="left")
    for name, of in told.links.items():
        links.add_row(name.replace("_", " "), *(f"{of[what]:,}" for what in ("linked", "injected", "unexplained")))
    for column in links.columns[1:]:
        column.justify = "right"
    console.print(links)
    for row in told.unlinked[:10]:
        console.print(f"MISSING {row['reference']} ({row['status']}): {', '.join(row['unexplained'])}")
    for verdict in told.verdicts:
        console.print(verdict.line())
    took = "   ".join(f"{name} {of:.0f} s" for name, of in seconds.items())
    console.print(f"{took}   all {sum(seconds.values()):.0f} s")
    pages = sorted(folder.latency.glob("*.html"))
    console.print(f"pages: {told.verdicts[-1].page}" + "".join(f", {page}" for page in pages))
    stained = [verdict.run.name for verdict in told.verdicts if verdict.faults]
    if stained or told.unlinked:
        console.print(f"it does not hold: {', '.join(stained) or 'all runs are clean'}; "
                      f"{len(told.unlinked)} payments lack a link", style="bold red")
    else:
        console.print(f"every divergence named and every cent explained in {len(told.verdicts)} runs, every payment "
                      "traced from request to settlement")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


