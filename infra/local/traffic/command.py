"""`pipeline traffic`: drives payments through a stack that is up, or one of its own, and says whether all holds."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.local.errors import LocalRefused
from infra.local.state import State, holding, read, running, write

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(traffic)


def traffic(
    payments: Annotated[int, typer.Option(help="How many payments to make.")] = 500,
    concurrency: Annotated[int, typer.Option(help="How many of them at once.")] = 8,
    seed: Annotated[int | None, typer.Option(help="What the payments are drawn from; one is chosen if absent.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the stack runs; one of its own is started and stopped where none "
                                              "does.")] = Path("build/stack"),
    patience: Annotated[float, typer.Option(help="Seconds that recovery may take after the last request.")] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Drive mixed traffic through the API and check what it left; exit code 1 where a check fails."""
    # Only here, since they take longer to load than the other commands take to answer.
    from rich.console import Console

    from infra.local.traffic.progress import Shown
    from infra.local.traffic.report import tables
    from infra.local.traffic.run import Wanted, drive

    telling = Console(stderr=True, highlight=False)
    wanted = Wanted(payments, concurrency, secrets.randbelow(10**6) if seed is None else seed, patience)
    with _stack(folder, telling) as state:
        telling.print(f"{payments} payments at concurrency {concurrency}, seed {wanted.seed}")
        with Shown(telling) as shown:
            summary = drive(state.environment, state.keys, wanted, shown)
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for table in tables(summary):
            console.print(table)
    if not summary.holds:
        raise typer.Exit(1)


@contextmanager
def _stack(folder: Path, telling: Console) -> Iterator[State]:
    """The stack of `folder`, or one that runs there for the block alone."""
    if running(folder):
        state = read(folder)
        if state is None:
            raise LocalRefused(f"the stack in {folder} is still starting; try again in a moment")
        yield state
        return
    from infra.local.stack import Stack

    # In a shell's background job they are switched off, and the stack must end with us.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    start = time.monotonic()
    telling.print(f"nothing runs in {folder}: a stack is started for this")
    with holding(folder), Stack.start(folder / "run", pipeline=True, tell=telling.print) as stack:
        state = State.of(stack, up_at=datetime.now(UTC).isoformat(timespec="seconds"),
                         took_s=round(time.monotonic() - start, 1))
        write(folder, state)
        yield state


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
