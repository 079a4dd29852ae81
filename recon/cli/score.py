"""`recon score`: finished runs against the truth of the world that they ran on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from recon.worlds.score import Score, Tally, World, score

_WIDTH = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score_runs)


def score_runs(
    world: Annotated[Path, typer.Option(help="Folder that `recon world` wrote.")],
    run: Annotated[list[Path], typer.Option(help="Folder of a finished run; may be given several times.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
) -> None:
    """Compare runs with the truth: precision and recall per class, matches, unexplained money."""
    result = score(World.open(world), run)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=1))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    console.print(_table(result))
    console.print(
        f"matches: {result.false_matches} false, {result.missed_matches} missed; "
        f"unexplained: {result.unexplained_minor} minor units in all"
    )
    absent = sorted(name for name, tally in result.classes.items() if tally is None)
    if absent:
        console.print(f"no instances in these runs: {', '.join(absent)}", style="dim")


def _table(result: Score) -> Table:
    table = Table(title=f"{len(result.runs)} run(s) against the truth", title_justify="left", pad_edge=False)
    table.add_column("class")
    for heading in ("found", "false", "missed", "precision", "recall"):
        table.add_column(heading, justify="right")
    for name, tally in sorted(result.classes.items()):
        if tally:
            table.add_row(name, *_cells(tally))
    table.add_section()
    table.add_row("all", *_cells(result.total))
    return table


def _cells(tally: Tally) -> tuple[str, ...]:
    shares = ("-" if share is None else f"{share:.3f}" for share in (tally.precision, tally.recall))
    return (str(tally.true_positive), str(tally.false_positive), str(tally.false_negative), *shares)
