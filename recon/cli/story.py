"""`recon story`: the benchmark. A world is made, its files ingested, every run it lists done and scored."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recon.cli.claimed_folder import claimed
from recon.cli.story_report import Verdict, finished, totals_table
from recon.errors import Refused

_MADE = ("world", "runs", "logs", "story.json")
_AT_ONCE = 2
_WAITING = 3


class StageFailed(Exception):
    """A stage ended in another way than the story expects; the message has the end of what it said."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(story)


def story(
    payments: Annotated[int, typer.Option(min=1, help="Payments in the world.")] = 100_000,
    days: Annotated[int, typer.Option(min=1, help="Days of history.")] = 45,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world.")] = 7,
    out: Annotated[Path, typer.Option(help="Folder for everything that is made; an earlier story there is replaced.")]
    = Path("build/benchmark"),
) -> None:
    """Make a world, ingest its settlement files, do and score every run that it lists, and say how it went.

    Ends 1 when a stage fails, a score is below 1.000 or money is unexplained.
    """
    console = Console(highlight=False, soft_wrap=True)
    with claimed(out) as folder:
        if folder != out:
            console.print(f"{out} is in use by another story; this one goes to {folder}")
        _empty(folder)
        try:
            verdicts = _told(console, folder, payments, days, seed)
        except StageFailed as failed:
            typer.echo(f"failed: {failed}", err=True)
            raise typer.Exit(1) from None
    console.print(finished(verdicts))
    raise typer.Exit(0 if all(verdict.clean for verdict in verdicts) else 1)


def _told(console: Console, out: Path, payments: int, days: int, seed: int) -> list[Verdict]:
    """All stages; the verdicts, which are printed and written to story.json."""
    seconds: dict[str, float] = {}
    world, lake = out / "world", out / "world" / "lake"
    _stage(console, seconds, "world", f"{payments:,} payments over {days} days, seed {seed}", lambda: _recon(
        out, "world", "--seed", seed, "--payments", payments, "--days", days, "--out", world))
    _stage(console, seconds, "ingest", "the settlement files that the gateways delivered", lambda: _recon(
        out, "ingest", world / "feeds", "--lake", lake))
    listed = json.loads((world / "world.json").read_text(encoding="utf-8"))["runs"]
    verdicts: list[Verdict] = []
    _stage(console, seconds, "runs", f"{len(listed)}, two at a time, each scored against the truth", lambda:
        verdicts.extend(_runs(out, listed, console)))
    console.print(totals_table(verdicts))
    console.print("   ".join(f"{name} {took:.0f} s" for name, took in seconds.items()))
    (out / "story.json").write_text(json.dumps({"seconds": seconds, "runs": [v.to_dict() for v in verdicts]}, indent=1))
    return verdicts


def _empty(out: Path) -> None:
    """Make `out` an empty folder, but never by removing what a story has not made."""
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in _MADE) if out.is_dir() else []
    if foreign or (out.exists() and not out.is_dir()):
        raise Refused(f"--out {out} holds other things than a story's ({', '.join(foreign[:3])}); name a new folder")
    for name in _MADE:
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).unlink(missing_ok=True)
    (out / "logs").mkdir(parents=True)


def _stage(console: Console, seconds: dict[str, float], name: str, what: str, work: Callable[[], object]) -> None:
    console.print(f"{name}: {what}")
    start = time.monotonic()
    work()
    seconds[name] = round(time.monotonic() - start, 1)
    console.print(f"  {seconds[name]:.1f} s")


def _recon(out: Path, *words: object, log: str | None = None, accepted: Sequence[int] = (0,)) -> str:
    """Run a recon command in a process of its own; its standard output, which `logs` keeps with what it said besides.

    On a terminal a command that has no `log` of its own shows its progress.
    """
    command = [sys.executable, "-m", "recon.cli.app", *map(str, words)]
    path = out / "logs" / f"{log or words[0]}.log"
    with path.open("w+", encoding="utf-8") as said:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8", check=False,
            stderr=None if log is None and sys.stderr.isatty() else said,
        )  # fmt: skip
        said.write(done.stdout)
        if done.returncode not in accepted:
            said.seek(0)
            end = "".join(said.readlines()[-20:])
            raise StageFailed(f"recon {' '.join(map(str, words))} ended {done.returncode}; all of it in {path}\n{end}")
    return done.stdout


def _runs(out: Path, listed: Sequence[dict[str, Any]], console: Console) -> list[Verdict]:
    """Do and score the listed runs; their verdicts in the order of the list."""
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        bar = progress.add_task("runs", total=len(listed))
        pending = {pool.submit(_run, out, run): position for position, run in enumerate(listed)}
        verdicts: dict[int, Verdict] = {}
        for future in as_completed(pending):
            try:
                verdicts[pending[future]] = verdict = future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            progress.advance(bar)
            progress.console.print(f"  {verdict.line()}")
    return [verdicts[position] for position in range(len(listed))]


def _run(out: Path, run: dict[str, Any]) -> Verdict:
    """One run through the command line, scored against the world's truth."""
    world = out / "world"
    as_of = run["as_of"] if run["window"] == "hourly" else run["as_of"][:10]
    name = f"{run['window']}_{as_of}".replace(":00:00Z", "").replace("+", "")
    folder, start = out / "runs" / name, time.monotonic()
    _recon(out, "run", "--window", run["window"], "--as-of", as_of, "--known-at", run["known_at"],
           "--lake", world / "lake", "--out", folder, log=f"run-{name}", accepted=(0, _WAITING))  # fmt: skip
    took = time.monotonic() - start
    score = json.loads(_recon(out, "score", "--world", world, "--run", folder, "--json", log=f"score-{name}"))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Verdict(name, folder / "reconciliation.html", took, score, summary)
