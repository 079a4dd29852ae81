"""How far a run is, for a person at a terminal; nothing in a pipe."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Showing(Protocol):
    """Who is told how a run gets on."""

    def stage(self, words: str, total: int | None = None) -> None:
        """Something new begins."""
        ...

    def tell(self, words: str) -> None:
        """How it gets on."""
        ...

    def advance(self, _: object = None) -> None:
        """One step is done."""
        ...


class Shown:
    """A context manager with one line that says what is done now, with a bar where there is something to count."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                             console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None)

    def stage(self, words: str, total: int | None = None) -> None:
        """Something new begins, of `total` steps where that is known."""
        self._bar.reset(self._task, description=words, total=total)

    def tell(self, words: str) -> None:
        """How it gets on."""
        self._bar.update(self._task, description=words)

    def advance(self, _: object = None) -> None:
        """One step is done."""
        self._bar.advance(self._task)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bar.stop()
