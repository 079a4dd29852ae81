"""How far a story is: stages with bars on a terminal, plain lines in a pipe; and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_EVERY_S = 10.0
"""In a pipe, between two lines of one stage."""


class Telling:
    """Tells of stages. `seconds` are those that each took. Also told, as `traffic` is, of what happens within one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._said_at = 0.0
        self._done, self._total, self._words = 0, 0, ""

    @contextmanager
    def within(self, name: str, what: str) -> Generator[None]:
        """The block is the stage `name`; `what` it does."""
        self.console.print(f"{name}: {what}")
        start = time.monotonic()
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        with bar:
            self._bar, self._task = bar, bar.add_task("", total=None)
            self._said_at = start
            try:
                yield
            finally:
                self._bar = None
        self.seconds[name] = round(time.monotonic() - start, 1)
        self.console.print(f"  {self.seconds[name]:.1f} s")

    def stage(self, words: str, total: int | None = None) -> None:
        """A part of the stage begins, of `total` steps where that is known."""
        self._done, self._total, self._words = 0, total or 0, words
        if self._bar:
            self._bar.reset(self._task, description=words, total=total)
        self._plainly(words, at_once=True)

    def tell(self, words: str) -> None:
        """How it gets on."""
        if self._bar:
            self._bar.update(self._task, description=words)
        self._plainly(words)

    def advance(self, _: object = None) -> None:
        """One step is done."""
        self._done += 1
        if self._bar:
            self._bar.advance(self._task)
        of = f"{self._done} of {self._total}" if self._total else f"{self._done}"
        self._plainly(f"{self._words}: {of}")

    def say(self, line: str) -> None:
        """A line that stays."""
        self.console.print(f"  {line}")

    def _plainly(self, words: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not self.console.is_terminal and (at_once or now - self._said_at >= _EVERY_S):
            self._said_at = now
            self.console.print(f"  {words}")
