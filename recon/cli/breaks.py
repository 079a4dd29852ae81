"""`recon breaks`: the register of breaks, from a run's entry to the last signature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from recon.breaks.aging import totals
from recon.breaks.as_json import case_json, changes_json, totals_json
from recon.breaks.book import Book
from recon.breaks.changes import Changes
from recon.breaks.run_files import RunFiles
from recon.breaks.update import update
from recon.cli.breaks_desk import (
    ActorOption,
    LakeOption,
    actor_or_login,
    bar,
    busy,
    clock,
    console,
    lake_to_read,
    lake_to_write,
)
from recon.cli.breaks_filter import AccountGateway, ClassName, Overdue, Severity, Status, chosen, instant_or_now
from recon.cli.breaks_people import register as register_people
from recon.cli.breaks_tables import print_case, print_cases, print_differences

_LISTS = ("opened", "reopened", "escalated", "reclassified", "resolved")

app = typer.Typer(no_args_is_help=True, help="Follow every break until it is closed.")


def register(parent: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    parent.add_typer(app, name="breaks")


@app.command("update")
def update_(
    run: Annotated[str, typer.Option(help="What recon run left: its folder, or s3://bucket/prefix.")],
    lake: LakeOption,
    actor: ActorOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
) -> None:
    """Let a finished run enter the register, once: cases are opened, found again, and closed where it shows that."""
    now = clock()
    place = lake_to_write(lake)
    with busy(f"registering {run}"):
        changes = update(place, RunFiles.read(run), actor=actor_or_login(actor), now=now)
    if as_json:
        typer.echo(json.dumps(changes_json(changes, now), indent=1, ensure_ascii=False))
        return
    typer.echo(_told(changes))
    for name in _LISTS:
        found = getattr(changes, name)
        if found and not changes.already:
            print_cases(console(), found, now, title=name)


@app.command("list")
def list_(
    lake: LakeOption,
    status: Status = None,
    cls: ClassName = None,
    gateway: AccountGateway = None,
    severity: Severity = None,
    overdue: Overdue = False,
    as_of: Annotated[str | None, typer.Option(help="The register as it was then: an instant. Default: now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print cases and totals as JSON.")] = False,
) -> None:
    """List cases, the most pressing first, with what is at risk; unfinished ones unless --status says otherwise."""
    at = instant_or_now(as_of, clock())
    with busy("reading the register"):
        book = Book.read(lake_to_read(lake))
        cases = book.as_of(at) if as_of else book.cases
    found = chosen(cases.values(), at, status=status, cls=cls, gateway=gateway, severity=severity, overdue=overdue)
    if as_json:
        answer = {"cases": [case_json(case, at) for case in found], "totals": totals_json(totals(found, at))}
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    print_cases(console(), found, at, with_totals=True)


@app.command()
def show(
    case: Annotated[str, typer.Argument(help="The case: its id, or at least its first 6 characters.")],
    lake: LakeOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print the case and its history as JSON.")] = False,
) -> None:
    """Show one case: its state, its history with the evidence, and the command that opens it."""
    now = clock()
    with busy("reading the register"):
        book = Book.read(lake_to_read(lake))
    found = book.find(case)
    if as_json:
        history = [entry.row() | {"evidence": entry.told(), "recorded_at": entry.recorded_at.isoformat()}
                   for entry in book.history(found.case_id)]  # fmt: skip
        typer.echo(json.dumps(case_json(found, now) | {"history": history}, indent=1, ensure_ascii=False))
        return
    print_case(console(), book, found, now, lake)


@app.command()
def verify(lake: LakeOption) -> None:
    """Check every entry of the break log against its hash, and its end against what points there. Ends 0 or 2."""
    with busy("reading the register"):
        book = Book.read(lake_to_read(lake))
    last = book.chain.last
    typer.echo(f"the log is as it was written: {len(book.chain.entries):,} entries in {book.chain.number:,} objects, "
               f"{len(book.cases):,} cases, {len(book.runs):,} runs"
               + (f"; last entry {last.entry_id}" if last else ""))


@app.command("export")
def export_(
    lake: LakeOption,
    out: Annotated[Path, typer.Option(help="The XLSX file to write; one that is there is replaced.")],
    status: Status = None,
    cls: ClassName = None,
    gateway: AccountGateway = None,
    severity: Severity = None,
    overdue: Overdue = False,
) -> None:
    """Write a case pack: an Excel workbook to fill in and give back with import. Same choice as list."""
    from recon.breaks.pack_write import write_pack

    now = clock()
    with busy("reading the register"):
        book = Book.read(lake_to_read(lake))
    found = chosen(book.cases.values(), now, status=status, cls=cls, gateway=gateway, severity=severity,
                   overdue=overdue)
    with bar("writing the pack") as progress:
        write_pack(out, book, found, now, progress)
    typer.echo(f"{len(found):,} cases: {out}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The XLSX file that export wrote, filled in.")],
    lake: LakeOption,
    preview: Annotated[bool, typer.Option("--preview", help="Show what would change, and change nothing.")] = False,
    actor: ActorOption = None,
) -> None:
    """Apply a case pack that was filled in: all of it, or nothing where one row is wrong."""
    from recon.breaks import pack_import
    from recon.breaks.pack_read import read_pack

    now, who = clock(), actor_or_login(actor)
    place = lake_to_write(lake)
    with busy(f"reading {file}"):
        pack = read_pack(file)
    with busy("checking every row"):
        done = (pack_import.preview if preview else pack_import.import_pack)(place, pack, actor=who, now=now)
    if not done:
        typer.echo("nothing to do: nothing was filled in")
        return
    print_differences(console(), done)
    typer.echo(f"{len(done):,} cases {'would change; nothing was changed' if preview else 'changed'}")


def _told(changes: Changes) -> str:
    counts = ", ".join(f"{name} {len(getattr(changes, name)):,}" for name in _LISTS)
    again = "was registered before; then it" if changes.already else "is registered:"
    return f"run {changes.run_id} {again} {counts}, found again {changes.seen:,}"


register_people(app)
