"""A folder built beside its place and put there in one step, so that a kill leaves the old one or the new one."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.errors import Refused

_SCHEME = re.compile(r"[a-z][a-z0-9+]+:")
"""What a path keeps of s3://bucket/prefix."""

_BUILDING = ".building-"
_AT_FDCWD = -100
_LINUX_EXCHANGE = 2
_MACOS_SWAP = 2


class BadPlace(Refused):
    """The results cannot be put where they were asked to go."""


def check(out: Path, *, files: Collection[str], lake: Path | None = None) -> None:
    """Refuse a place that is a file, is inside the lake, or holds anything but an earlier run's `files`."""
    if addressed := next((part for part in out.parts if _SCHEME.fullmatch(part)), None):
        raise BadPlace(f"--out is an address ({addressed}//...); results go to a folder of this machine, name one")
    if lake is not None and out.resolve().is_relative_to(lake.resolve()):
        raise BadPlace(f"--out {out} lies inside the lake {lake}; a run never writes to the lake, name another folder")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BadPlace(f"--out {out} is not a folder; name a new folder or that of an earlier run")
    if out.is_dir() and (foreign := sorted(entry.name for entry in out.iterdir() if entry.name not in files)):
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise BadPlace(f"--out {out} holds other things than a run's results: {shown}; name a new folder")
    parent = _nearest(out.absolute().parent)
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise BadPlace(f"--out {out} cannot be made: {parent} is not a folder that can be written to")


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """A fresh folder beside `out`. On a clean exit it takes out's place, after an exception it is removed."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    folder = out.with_name(f".{out.name}{_BUILDING}{os.getpid()}")
    folder.mkdir()
    try:
        yield folder
        _sync(folder)
        put(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, out: Path) -> None:
    """Make `folder` be `out`; an older `out` disappears in the same step."""
    if not out.exists():
        folder.rename(out)
        return
    _exchange(folder, out)
    shutil.rmtree(folder, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(ctypes.util.find_library("c") or None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*paths, _MACOS_SWAP)
    else:
        failed = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _LINUX_EXCHANGE)
    if failed:  # a file system without an exchange: the old state is kept beside until the new one is in place
        aside = other.with_name(f".{other.name}.old-{os.getpid()}")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)


def _sweep(out: Path) -> None:
    """Remove what runs that were killed have left beside `out`."""
    for left in out.parent.glob(f".{out.name}{_BUILDING}*"):
        pid = left.name.rpartition("-")[2]
        if pid.isdigit() and (int(pid) == os.getpid() or not _alive(int(pid))):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _nearest(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
