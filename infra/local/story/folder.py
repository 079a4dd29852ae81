"""The folder of a story: claimed by one process at a time, emptied of what an earlier story left, of nothing else."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import LocalRefused

_AT_MOST = 9
_MADE = ("world", "runs", "logs", "latency", "stack", "provenance.parquet", "story.json")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a story keeps what it makes."""

    root: Path

    @property
    def world(self) -> Path:
        """As `recon world` lays out its own: lake, feeds, truth, world.json."""
        return self.root / "world"

    @property
    def lake(self) -> Path:
        """The lake, as it was pulled."""
        return self.world / "lake"

    @property
    def feeds(self) -> Path:
        """Settlement files."""
        return self.world / "feeds"

    @property
    def runs(self) -> Path:
        """A folder per run."""
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        """What the commands said."""
        return self.root / "logs"

    @property
    def latency(self) -> Path:
        """The latency notebook and its page."""
        return self.root / "latency"

    @property
    def stack(self) -> Path:
        """The local stack while it runs."""
        return self.root / "stack"

    def emptied(self) -> None:
        """Raises LocalRefused where it holds what no story has made."""
        foreign = sorted(path.name for path in self.root.iterdir() if path.name not in _MADE)
        if foreign:
            raise LocalRefused(f"--out {self.root} holds other things than a story's ({', '.join(foreign[:3])}); "
                               "name a new folder")
        for name in _MADE:
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).unlink(missing_ok=True)
        self.logs.mkdir()


@contextmanager
def claimed(wanted: Path) -> Generator[Folder]:
    """`wanted`, or while another process has it `wanted`-2, -3, ...: whichever is free, held to the end.

    The claim is a lock on a file beside the folder; it goes with the process. Raises LocalRefused when all are taken.
    """
    if wanted.exists() and not wanted.is_dir():
        raise LocalRefused(f"--out {wanted} is no folder; name a new one")
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, _AT_MOST + 1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with folder.with_name(f".{folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            folder.mkdir(exist_ok=True)
            yield Folder(folder.absolute())
            return
    raise LocalRefused(f"{wanted} and {_AT_MOST - 1} folders beside it are all in use; wait, or name another folder")
