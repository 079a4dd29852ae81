"""`recon world`: a simulated history with a seed, its files and the truth about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from recon.worlds.build import WorldSpec, build_world

_OBJECTS_PER_DAY = 72


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("world")(world)


def world(
    seed: Annotated[int, typer.Option(help="Same seed, same files, byte for byte.")],
    payments: Annotated[int, typer.Option(help="How many payments.")],
    days: Annotated[int, typer.Option(help="Over how many days.")],
    out: Annotated[Path, typer.Option(help="New or empty folder, or an earlier world, which is replaced.")],
) -> None:
    """Make a world: DIR/lake, DIR/feeds, DIR/truth and DIR/world.json."""
    spec = WorldSpec(seed, payments, days)
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("writing the world", total=days * _OBJECTS_PER_DAY)
        described = build_world(spec, out, lambda done: progress.advance(task, done))
    runs, defects = described["runs"], described["defects"]
    assert isinstance(runs, list)
    assert isinstance(defects, dict)
    typer.echo(
        f"{out}: {payments} payments over {days} days, {sum(defects.values())} defects of {len(defects)} kinds, "
        f"{len(runs)} runs with their truth"
    )
