"""Ends the servers of a process that died without ending them itself. Run as a script by processes.py.

Standard input is a pipe that the watched process holds: it ends when that process does, however it ends. Whatever
then still carries its mark in its environment is asked to end, killed if it does not, and the folders are removed whose
paths the process wrote to the pipe, one a line.
"""

from __future__ import annotations

import os
import shutil
import sys

import psutil

PATIENCE_SECONDS = 1.0


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
    """Waits for the end of standard input, ends what carries the mark until nothing does, removes the folders."""
    folders = sys.stdin.buffer.read().decode().splitlines()
    asked = carrying(variable, mark)
    for process in asked:
        try:
            # A database killed at once would leave its shared memory behind.
            process.terminate()
        except psutil.Error:
            continue
    psutil.wait_procs(asked, timeout=PATIENCE_SECONDS)
    while family := carrying(variable, mark):
        for process in family:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(family, timeout=5)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
