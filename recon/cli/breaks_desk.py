"""What every command of the register shares: the lake, who acts, the clock, and what a terminal is shown meanwhile."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from recon.breaks.errors import NotPossible
from recon.store.open import open_store
from recon.store.place import Place, open_place
from recon.store.port import Store

LakeOption = Annotated[str, typer.Option("--lake", help="Folder of the lake, or s3://bucket/prefix.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who acts. Default: the login name.")]
_WIDTH = 200


def clock() -> datetime:
    """Now: commands of the register read the clock here and nowhere else."""
    return datetime.now(UTC)


def lake_to_read(lake: str) -> Store:
    """The lake, which has to be there. Raises Refused."""
    return open_store(lake)


def lake_to_write(lake: str) -> Place:
    """The lake, to be written to; none is made where none is. Raises Refused."""
    open_store(lake)
    return open_place(lake)


def actor_or_login(actor: str | None) -> str:
    """Who acts. Raises NotPossible where nobody says and nobody is logged in."""
    if actor is not None:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise NotPossible("nobody is logged in here by name; say who acts, with --actor") from None


def console() -> Console:
    """Where answers are printed: in a pipe wide enough that no cell is cut."""
    made = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH
    return made


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Says on a terminal what is under way."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(what):
        yield


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, told done and in all; None in a pipe."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
