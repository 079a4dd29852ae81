"""`pipeline redrive`: has the deployed function send again what Firehose could not deliver, and says what it did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.local.errors import LocalRefused
from infra.local.state import read, running

FUNCTION = "payments-lake-Redrive"
COUNTS = {
    "objects": "objects read",
    "lines": "lines in them",
    "sent": "lines sent again and accepted",
    "held": "lines kept below held/ with their reason",
    "removed": "objects removed, being done with",
    "left": "objects left as they are",
}
"""What is counted, and what it means."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(redrive)


def redrive(
    held: Annotated[bool, typer.Option("--held", help="The lines that were kept before instead, once they or the "
                                                      "schema are mended.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the stack runs.")] = Path("build/stack"),
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Send again what lies below the lake's error prefix; exit code 1 where some of it could not be."""
    state = read(folder) if running(folder) else None
    if state is None:
        raise LocalRefused(f"nothing runs in {folder}; `pipeline up` starts a stack")
    # Only here, since it takes longer to load than the other commands take to answer.
    from infra.local.deploy import invoked

    if "PAYMENTS_LAKE" not in state.environment:
        raise LocalRefused(f"the stack in {folder} runs without the pipeline, which alone writes to a lake")
    counts = redriven(lambda event: invoked(state.environment, FUNCTION, event), held=held)
    if as_json:
        typer.echo(json.dumps(counts, indent=1))
    else:
        for name, meaning in COUNTS.items():
            typer.echo(f"{counts[name]:>9,}  {meaning}")
    if counts["left"]:
        raise typer.Exit(1)


def redriven(invoke: Callable[[Mapping[str, Any]], Mapping[str, Any]], *, held: bool = False) -> dict[str, int]:
    """Calls the function until it has seen all that was there at the beginning; the counts of all calls together."""
    counts: Counter[str] = Counter()
    event: dict[str, Any] = {"held": True} if held else {}
    while True:
        answer = invoke(event)
        counts.update({name: int(answer[name]) for name in COUNTS})
        if not answer["more"]:
            return {name: counts[name] for name in COUNTS}
        event["before"] = answer["before"]
