"""`recon flags`: what a registered run makes worth telling, shown or sent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from recon.alerts.deliver import flag, preview
from recon.alerts.letter import letter
from recon.alerts.send import SnsTopic
from recon.breaks.book import Book
from recon.breaks.errors import NotPossible
from recon.breaks.run_files import RunFiles
from recon.cli.breaks_desk import LakeOption, busy, clock, lake_to_read
from recon.store.place import open_place


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("flags")(flags)


def flags(
    run: Annotated[str, typer.Option(help="What recon run left: its folder, or s3://bucket/prefix. It has to be "
                                          "registered (recon breaks update).")],
    lake: LakeOption,
    runs: Annotated[str, typer.Option(help="Folder or s3://bucket/prefix where scheduled runs lie; its flags/ says "
                                           "what people know already.")],
    topic: Annotated[str | None, typer.Option(help="ARN of the SNS topic to send to.")] = None,
    show: Annotated[bool, typer.Option("--preview", help="Show what would be told; nothing is written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --preview: the messages as JSON.")] = False,
) -> None:
    """Tell people of what a run brought: one message per root cause, none of what they know. Ends 0, or 2 refused."""
    now = clock()
    if show == bool(topic):
        raise NotPossible("recon flags either shows or sends: give --preview, or --topic with the topic's ARN")
    if as_json and not show:
        raise NotPossible("--json is for --preview; what is sent is in the place of the runs, under flags/messages")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    with busy("reading the register"):
        files, place = RunFiles.read(run), open_place(runs)
        book = Book.read(lake_to_read(lake))
        changes = book.changes_of(files.run_id)
    if topic is None:
        _print(preview(place, files, book, changes, lake=lake, region=region), as_json)
        return
    with busy(f"telling {topic}"):
        told = flag(place, files, book, changes, SnsTopic(topic), lake=lake, now=now, region=region)
    known = "; the run had been told of before" if told.already else ""
    typer.echo(f"{len(told.sent):,} flag(s) sent to {topic}, of {len(told.messages):,} of this run{known}")


def _print(messages: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(messages, indent=1, ensure_ascii=False))
        return
    for message in messages:
        made = letter(message)
        typer.echo(f"{made.subject}\n{made.text}")
    typer.echo(f"{len(messages):,} flag(s) would be sent; nothing was written")
