"""What a running stack leaves in its folder for other commands: its process, its addresses, its settings."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from infra.local.errors import LocalRefused

if TYPE_CHECKING:
    from infra.local.stack import Stack

_STATE, _SETTINGS, _LOCK = "state.json", "env", "lock"
_TRIES = 5


@dataclass(frozen=True)
class State:
    """Process, addresses by part and settings of a stack that is up."""

    pid: int
    addresses: dict[str, str]
    environment: dict[str, str]

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """The state of a stack of this process."""
        return cls(os.getpid(), stack.addresses(), stack.environment())


@contextmanager
def holding(folder: Path) -> Generator[None]:
    """The folder is this process's for the block; what a dead one left is removed before, and all of it after.

    Raises LocalRefused where another process holds it, or where it holds what no stack wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    strangers = sorted({path.name for path in folder.iterdir()} - {_STATE, _SETTINGS, _LOCK, "run", "up.log"})
    if strangers:
        raise LocalRefused(f"{folder} holds {', '.join(strangers[:3])}, which no stack wrote; give a folder of its own")
    with (folder / _LOCK).open("a") as lock:
        _lock(lock, folder)
        (folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(folder / "run", ignore_errors=True)
        failed = True
        try:
            yield
            failed = False
        except KeyboardInterrupt:
            failed = False
            raise
        finally:
            for name in (_STATE, _SETTINGS, _LOCK, *(() if failed else ("up.log",))):
                (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / "run", ignore_errors=True)
            if not any(folder.iterdir()):
                folder.rmdir()


def running(folder: Path) -> bool:
    """Whether a process holds the folder."""
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def write(folder: Path, state: State) -> None:
    """Leaves the settings, then the state: who sees the state finds the settings."""
    _replace(folder / _SETTINGS, settings_script(state.environment))
    _replace(folder / _STATE, json.dumps(asdict(state), indent=2))


def read(folder: Path) -> State | None:
    """The state that was left in the folder, None where there is none."""
    try:
        return State(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def settings_script(environment: dict[str, str]) -> str:
    """A shell script to load: forgets every AWS setting of the caller, then exports those of the stack."""
    # A profile or a token that stayed would win over, or stop, what is exported below.
    forget = r"unset AWS_PROFILE RECON_AWS $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p')"
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join([forget, *exports, ""])


def _lock(lock: TextIO, folder: Path) -> None:
    for _ in range(_TRIES):
        try:
            # The system frees it when its process dies, whatever kills it.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            # Who only looks whether it is held, holds it for a moment.
            time.sleep(0.1)
    raise LocalRefused(f"a stack runs in {folder} already; see `pipeline status`, end it with `pipeline down`, or give "
                       "another --folder")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
