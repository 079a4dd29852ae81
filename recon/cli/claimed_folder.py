"""A folder that one process works in while others look for their own."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.errors import Refused

_AT_MOST = 9


@contextmanager
def claimed(wanted: Path) -> Iterator[Path]:
    """`wanted`, or while another process has claimed it `wanted`-2, -3, ...: whichever is free, held to the end.

    The claim is a lock on a file beside the folder; it goes with the process, however that ends. Raises Refused when
    all of them are taken.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, _AT_MOST + 1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with folder.with_name(f".{folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    raise Refused(f"{wanted} and {_AT_MOST - 1} folders beside it are all in use; wait, or name another folder")
