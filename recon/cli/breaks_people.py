"""What people do with cases: assign, explain, write-off, approve, reject, reopen."""

from __future__ import annotations

from typing import Annotated

import typer

from recon.breaks.book import Book
from recon.breaks.orders import Order, carry_out
from recon.cli.breaks_desk import ActorOption, LakeOption, actor_or_login, busy, clock, console, lake_to_write
from recon.cli.breaks_tables import print_cases

_Cases = Annotated[list[str], typer.Argument(metavar="CASE...", help=(
    "The cases: their ids, or at least their first 6 characters. All of them, or none where one is refused."))]
_Reason = Annotated[str, typer.Option("--reason", help="Why, in a sentence.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("assign", assign), ("explain", explain), ("write-off", write_off), ("approve", approve),
                          ("reject", reject), ("reopen", reopen)):  # fmt: skip
        app.command(name)(command)


def assign(
    cases: _Cases, lake: LakeOption, to: Annotated[str, typer.Option("--to", help="Who works on them from now on.")],
    actor: ActorOption = None,
) -> None:  # fmt: skip
    """Say who works on cases."""
    _do("assign", cases, lake, to, actor)


def explain(
    cases: _Cases, lake: LakeOption, text: Annotated[str, typer.Option("--text", help="The explanation.")],
    actor: ActorOption = None,
) -> None:  # fmt: skip
    """Close cases with an explanation; one that is found again with other amounts is reopened."""
    _do("explain", cases, lake, text, actor)


def write_off(cases: _Cases, lake: LakeOption, reason: _Reason, actor: ActorOption = None) -> None:
    """Propose to write cases off; somebody else has to approve it."""
    _do("write-off", cases, lake, reason, actor)


def approve(cases: _Cases, lake: LakeOption, actor: ActorOption = None) -> None:
    """Approve write-offs that somebody else proposed."""
    _do("approve", cases, lake, "", actor)


def reject(cases: _Cases, lake: LakeOption, reason: _Reason, actor: ActorOption = None) -> None:
    """Send proposed write-offs back."""
    _do("reject", cases, lake, reason, actor)


def reopen(cases: _Cases, lake: LakeOption, reason: _Reason, actor: ActorOption = None) -> None:
    """Open closed cases again."""
    _do("reopen", cases, lake, reason, actor)


def _do(action: str, names: list[str], lake: str, text: str, actor: str | None) -> None:
    now, who = clock(), actor_or_login(actor)
    place = lake_to_write(lake)
    with busy(f"{action}: {len(names)} cases"):
        book = Book.read(place)
        wanted = dict.fromkeys(book.find(name).case_id for name in names)
        done = carry_out(place, [Order(case_id, action, text) for case_id in wanted], actor=who, now=now)
    print_cases(console(), done, now)
