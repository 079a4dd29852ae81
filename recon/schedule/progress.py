"""How a running notebook tells the terminal outside which stage it is in: one line per stage, appended to a file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

VARIABLE = "RECON_PROGRESS_FILE"
"""Names the file; unset, nobody is watching."""

Progress = Callable[[str], None]
_INTERVAL_S = 0.2


def tell(stage: str) -> None:
    """Say that `stage` begins."""
    if watcher := os.environ.get(VARIABLE):
        with Path(watcher).open("a", encoding="utf-8") as file:
            file.write(stage + "\n")


class Watch:
    """Passes every line that is appended to a file on to `progress` while the block runs."""

    def __init__(self, stages: Path, progress: Progress) -> None:
        self._stages, self._progress = stages, progress
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> None:
        self._stages.touch()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        with self._stages.open(encoding="utf-8") as file:
            while not self._over.wait(_INTERVAL_S):
                for line in file:
                    self._progress(line.strip())
