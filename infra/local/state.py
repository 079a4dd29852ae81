"""What a stack leaves in its folder for other commands: processes, addresses, settings, and how it ended if it did."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from infra.local.errors import LocalRefused

if TYPE_CHECKING:
    from infra.local.stack import Stack

_STATE, _SETTINGS, _LOCK, _ENDED = "state.json", "env", "lock", "ended.json"
_TRIES = 5


@dataclass(frozen=True)
class State:
    """A stack that is up: process, addresses and processes by part, settings, API keys by merchant, and since when."""

    pid: int
    addresses: dict[str, str]
    environment: dict[str, str]
    parts: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    up_at: str = ""
    took_s: float = 0.0

    @classmethod
    def of(cls, stack: Stack, *, up_at: str, took_s: float) -> Self:
        """The state of a stack of this process."""
        pids = {name: server.pid for name, server in stack.servers().items()}
        keys = stack.pipeline.deployment.keys if stack.pipeline else {}
        return cls(os.getpid(), stack.addresses(), stack.environment(), pids, keys, up_at, took_s)


@dataclass(frozen=True)
class Ended:
    """A stack that ended by itself: when, and the part with the end of its log."""

    at: str
    reason: str


@contextmanager
def holding(folder: Path) -> Generator[None]:
    """The folder is this process's for the block; what a dead one left is removed before, and all of it after.

    Raises LocalRefused where another process holds it, or where it holds what no stack wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    strangers = sorted({path.name for path in folder.iterdir()} - {_STATE, _SETTINGS, _LOCK, _ENDED, "run", "up.log"})
    if strangers:
        raise LocalRefused(f"{folder} holds {', '.join(strangers[:3])}, which no stack wrote; give a folder of its own")
    with (folder / _LOCK).open("a") as lock:
        _lock(lock, folder)
        for name in (_STATE, _ENDED):
            (folder / name).unlink(missing_ok=True)
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


def write_ended(folder: Path, ended: Ended) -> None:
    """Leaves how the stack ended, for `status`; the next stack of the folder and `down` remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / _ENDED, json.dumps(asdict(ended), indent=2))


def read_ended(folder: Path) -> Ended | None:
    """How the folder's stack ended by itself, None where none did."""
    try:
        return Ended(**json.loads((folder / _ENDED).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def clear(folder: Path) -> bool:
    """Removes what a stack that is gone left in its folder, and nothing of others; whether there was anything."""
    left = [folder / name for name in (_STATE, _SETTINGS, _LOCK, _ENDED, "up.log", "run")]
    if not any(path.exists() for path in left):
        return False
    with holding(folder):
        (folder / "up.log").unlink(missing_ok=True)
    return True


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
    # Keys of merchants are in it.
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
