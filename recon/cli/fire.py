"""`recon fire`: by hand what a schedule's firing does: run, keep, register the breaks, send the flags."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from recon.alerts.letter import Letter
from recon.alerts.send import SnsTopic
from recon.engine.port import ENGINES
from recon.match.request import WINDOWS, Request
from recon.schedule import runner
from recon.schedule.job.again import ByHand
from recon.schedule.job.firing import Firing
from recon.schedule.job.followers import Following
from recon.schedule.job.walk import Ended, Job, fire
from recon.schedule.record import RunFailed
from recon.store.place import open_place

_WAITING = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fire")(by_hand)


def by_hand(
    window: Annotated[str, typer.Option(help=f"Which run: {', '.join(WINDOWS)}.")],
    scheduled_at: Annotated[str, typer.Option(
        help="The schedule's time: what had landed by then is known. An RFC 3339 instant, or now.")],
    lake: Annotated[str, typer.Option(help="Folder of the lake, or s3://bucket/prefix; its break register is kept.")],
    runs: Annotated[str, typer.Option(help="Where runs are kept: a folder, or s3://bucket/prefix.")],
    as_of: Annotated[str | None, typer.Option(
        help="The day of the run, or its hour. Default: the one that the schedule's time lies in.")] = None,
    engine: Annotated[str, typer.Option(help=f"What runs the SQL: {', '.join(ENGINES)}.")] = "duckdb",
    topic: Annotated[str | None, typer.Option(
        help="SNS topic of the flags. Default: they are printed, and count as sent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print how it ended as JSON.")] = False,
) -> None:
    """Do what a schedule's firing does. What is done already is not done again.

    Ends 0 done, 2 refused, 3 waiting for a feed that is due.
    """
    now = datetime.now(UTC)
    at = f"{now:%Y-%m-%dT%H:%M:%SZ}" if scheduled_at == "now" else scheduled_at
    firing = Firing.parse({"window": window, "scheduled_at": at} | ({"as_of": as_of} if as_of else {}))
    console = Console(soft_wrap=True, highlight=False)
    said = firing.parameters()
    Request.parse(window=window, as_of=said["as_of"], known_at=said["known_at"], lake=lake, engine=engine)
    shown = Console(stderr=True, soft_wrap=True, highlight=False) if as_json else console
    told = SnsTopic(topic) if topic else Shown(shown)
    place = open_place(runs)
    following = Following(lake, place, engine, told)
    again = ByHand()
    owner = f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}"
    try:
        with Status("starting the notebook", console=Console(stderr=True)) as status:
            job = Job(lake, engine, place, following, again, execute=_showing(status))
            ended = fire(firing, job, owner=owner, clock=lambda: datetime.now(UTC))
    except runner.RefusedInside:
        raise
    except RunFailed as failed:
        message = Text.assemble(("failed: ", "bold red"), str(failed))
        Console(stderr=True, soft_wrap=True, highlight=False).print(message)
        raise typer.Exit(failed.exit_code) from None
    if as_json:
        answer = {"outcome": ended.outcome, **firing.event(), "next_attempt_at": ended.next_attempt_at,
                  "attempt": asdict(ended.attempt) if ended.attempt else None}
        typer.echo(json.dumps(answer, indent=1))
    else:
        console.print(_words(ended, runs, again), markup=False)
    raise typer.Exit(_WAITING if ended.attempt and ended.attempt.status == "waiting" else 0)


class Shown:
    """A topic that is this terminal; see alerts.send.Topic."""

    name = "this terminal"

    def __init__(self, console: Console) -> None:
        self._console = console
        self._count = 0

    def publish(self, letter: Letter) -> str:
        """See Topic."""
        self._console.print(f"{letter.subject}\n{letter.text}", markup=False)
        self._count += 1
        return f"shown-{self._count}"


def _showing(status: Status) -> runner.Execute:
    def execute(given: Mapping[str, object]) -> runner.Ran:
        return runner.run(given, progress=status.update if status.console.is_terminal else None)

    return execute


def _words(ended: Ended, runs: str, again: ByHand) -> str:
    """How it ended, in a sentence or two."""
    run = f"{ended.firing.window} as of {ended.firing.parameters()['as_of']}"
    if ended.outcome == "busy":
        return f"{run}: another firing is at work on it; try again after {again.at:%H:%M:%S} UTC"
    assert ended.attempt is not None
    at = f"{runs.rstrip('/')}/{ended.attempt.folder}"
    if ended.outcome == "already":
        return f"{run}: was done before, nothing was changed; {at}"
    if ended.outcome == "waiting":
        return f"{run}: a feed that is due is not there; fire again with --scheduled-at {ended.next_attempt_at}; {at}"
    return f"{run}: {ended.attempt.status}; {at}"
