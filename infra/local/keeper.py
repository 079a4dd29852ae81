"""Ends the servers of a process that died without ending them itself. Run as a script by processes.py.

Standard input is a pipe that the watched process holds and never writes to: it ends when that process does, however it
ends. Whatever then still carries its mark in its environment is killed.
"""

from __future__ import annotations

import os
import sys

import psutil


def carrying(variable: str, mark: str) -> list[psutil.Process]:
    """Processes of this user whose environment variable `variable` starts with `mark`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable, "").startswith(mark) and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def main(variable: str, mark: str) -> None:
    """Waits for the end of standard input, then kills what carries the mark until nothing does."""
    sys.stdin.buffer.read()
    while family := carrying(variable, mark):
        for process in family:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(family, timeout=5)


if __name__ == "__main__":
    main(*sys.argv[1:3])
