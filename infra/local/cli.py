"""The `pipeline` command: the local stack up, down, what runs, and a lake put on it."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psutil
import typer

from infra.local import redrive
from infra.local.errors import LocalRefused
from infra.local.state import Ended, State, clear, holding, read, read_ended, running, write, write_ended
from infra.local.story import command as story
from infra.local.traffic import command as traffic
from pipeline.schemas.tables import DATABASE

DETACHED_SECONDS = 400.0
DOWN_SECONDS = 60.0

app = typer.Typer(
    name="pipeline",
    help="The local stack: the payment pipeline, AWS's APIs, Athena and Trino on this machine, without an account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path, typer.Option(help="Where the stack keeps everything; it is removed at the end.")]


@app.callback()
def _root() -> None:
    """The local stack: the payment pipeline, AWS's APIs, Athena and Trino on this machine, without an account."""


@app.command()
def up(
    folder: Folder = Path("build/stack"),
    trino: Annotated[bool, typer.Option(help="A real Trino server as well; Athena's API then runs on it.")] = True,
    pipeline: Annotated[bool, typer.Option(help="The pipeline that takes payments as well, deployed.")] = True,
    schedules: Annotated[bool, typer.Option(help="Its lake is reconciled hourly and daily, by itself.")] = False,
    detach: Annotated[bool, typer.Option(help="Return once it is up; `pipeline down` ends it.")] = False,
) -> None:
    """Start the stack, write the settings to load, and stay until Ctrl-C."""
    if schedules and not pipeline:
        raise LocalRefused("--schedules reconciles the pipeline's lake, and --no-pipeline leaves that out; give one of "
                           "them")
    if detach:
        _up_detached(folder, trino=trino, pipeline=pipeline, schedules=schedules)
        return
    with holding(folder):
        # A terminal that closes and a machine that shuts down end it as orderly as Ctrl-C, which a shell's background
        # job would otherwise ignore.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, _interrupt)
        start = time.monotonic()
        _tell(f"starting in {folder}" + (", Trino takes half a minute" if trino else ""))
        # Only here, since it takes longer to load than the other commands take to answer.
        from infra.local.stack import Stack

        parameters = {"ReconScheduleState": "ENABLED" if schedules else "DISABLED"}
        with Stack.start(folder / "run", trino=trino, pipeline=pipeline, parameters=parameters, tell=_tell) as stack:
            took = round(time.monotonic() - start, 1)
            write(folder, State.of(stack, up_at=_now(), took_s=took))
            _show(folder, read(folder))
            _tell(f"up after {took} s; Ctrl-C ends it")
            while (ended := stack.ended()) is None:
                time.sleep(0.5)
    # The folder is ours no more, so that what is said now outlives the stack.
    write_ended(folder, Ended(_now(), ended))
    raise LocalRefused(f"{ended}\nthe stack has been stopped")


@app.command()
def down(folder: Folder = Path("build/stack")) -> None:
    """End the stack that runs in a folder; where none does, remove what one left that was killed."""
    if not running(folder):
        _tell(f"what a stack left in {folder} has been removed" if folder.exists() and clear(folder)
              else f"nothing runs in {folder}")
        return
    state = read(folder)
    if state is None:
        raise LocalRefused(f"the stack in {folder} is still starting; try again in a moment")
    start = time.monotonic()
    process = psutil.Process(state.pid)
    process.terminate()
    while running(folder):
        if time.monotonic() > start + DOWN_SECONDS:
            raise LocalRefused(f"process {state.pid} does not end; its stack is in {folder}")
        time.sleep(0.05)
    _tell(f"the stack in {folder} has ended after {time.monotonic() - start:.1f} s")


@app.command()
def status(
    folder: Folder = Path("build/stack"),
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Show whether a stack runs, its parts and addresses and the settings to load, or how it ended."""
    state = read(folder) if running(folder) else None
    ended = read_ended(folder) if state is None else None
    if as_json:
        known: dict[str, object] = {}
        if state:
            known = {**asdict(state), "alive": {name: _alive(pid) for name, pid in state.parts.items()}}
        elif ended:
            known = {"ended": asdict(ended)}
        typer.echo(json.dumps({"running": state is not None, "folder": str(folder), **known}, indent=2))
    elif state is not None:
        _show(folder, state)
    elif ended is not None:
        typer.echo(f"the stack in {folder} ended at {ended.at}:\n{ended.reason}")
    else:
        typer.echo(f"nothing runs in {folder}; `pipeline up` starts a stack")


@app.command()
def lake(
    source: Annotated[Path, typer.Argument(metavar="LAKE", help="The lake's folder, with one folder per table.")],
    bucket: Annotated[str, typer.Option(help="Bucket that takes it; made if absent.")] = "lake",
    prefix: Annotated[str, typer.Option(help="Where in the bucket.")] = "",
    database: Annotated[str, typer.Option(help="Glue database that gets the tables.")] = DATABASE,
    folder: Folder = Path("build/stack"),
) -> None:
    """Copy a lake to the stack's S3 and declare its tables in Glue, so that every engine can read it."""
    state = read(folder) if running(folder) else None
    if state is None:
        raise LocalRefused(f"nothing runs in {folder}; `pipeline up` starts a stack")
    from infra.local.lake_place import put

    address, count = put(source, bucket, prefix, database, state.environment)
    _tell(f"{count:,} files of {source} lie at {address}, declared as database {database}")
    if database != DATABASE:
        typer.echo(f"export RECON_ATHENA_DATABASE={database} RECON_TRINO_LAKE=lake.{database}")
    typer.echo(f"--lake {address}")


traffic.register(app)
story.register(app)
redrive.register(app)


def main() -> None:
    """Entry point: what a person can act on is printed plainly and ends with its exit code."""
    try:
        app()
    except LocalRefused as refused:
        _tell(f"refused: {refused}")
        sys.exit(refused.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _up_detached(folder: Path, *, trino: bool, pipeline: bool, schedules: bool) -> None:
    if running(folder):
        raise LocalRefused(f"a stack runs in {folder} already; see `pipeline status`, end it with `pipeline down`")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "up.log"
    command = [sys.executable, "-m", "infra.local.cli", "up", "--folder", str(folder.absolute()),
               "--trino" if trino else "--no-trino", "--pipeline" if pipeline else "--no-pipeline",
               "--schedules" if schedules else "--no-schedules"]
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2], stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + DETACHED_SECONDS
    told = 0
    while (state := read(folder)) is None or state.pid != child.pid:
        told = _pass_on(log, told)
        if child.poll() is not None:
            raise LocalRefused(log.read_text(encoding="utf-8", errors="replace").strip().removeprefix("refused: "))
        if time.monotonic() > deadline:
            child.terminate()
            raise LocalRefused(f"the stack was not up after {DETACHED_SECONDS:.0f} s; see {log}")
        time.sleep(0.05)
    _pass_on(log, told)
    # It outlives us, on purpose.
    child.returncode = 0
    _show(folder, state)
    _tell(f"up after {state.took_s} s; `pipeline down` ends it")


def _pass_on(log: Path, told: int) -> int:
    """Shows the stages in the log after the first `told` lines; how many there are now."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    for line in lines[told:]:
        if line.endswith(" s)"):
            _tell(line)
    return len(lines)


def _show(folder: Path, state: State | None) -> None:
    if state is None:
        return
    for name, address in state.addresses.items():
        gone = "" if _alive(state.parts.get(name, state.pid)) else "   (has ended)"
        typer.echo(f"{name:<10}{address}{gone}")
    for name, setting in (("runs", "RECON_RUNS"), ("flags", "RECON_TOPIC_ARN")):
        if setting in state.environment:
            typer.echo(f"{name:<10}{state.environment[setting]}")
    for merchant, key in state.keys.items():
        typer.echo(f"{merchant:<20}Authorization: Bearer {key}")
    if state.up_at:
        typer.echo(f"up since {state.up_at}, it took {state.took_s} s")
    typer.echo(f"\nsettings to load:\n  . {shlex.quote(str(folder / 'env'))}")


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    main()
