"""Ends the servers of a process that died without ending them itself. Run as a script by processes.py.

Standard input is a pipe that the watched process holds: it ends when that process does, however it ends. Whatever
then still carries its mark in its environment is asked to end, and killed if it does not. The watched process also
writes lines to the pipe: `server PID STARTED`, since some programs overwrite their environment, and `folder PATH`,
which is then removed.
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


def named(lines: list[str]) -> list[psutil.Process]:
    """The processes of `server` lines that still are the same."""
    found = []
    for line in lines:
        kind, _, rest = line.partition(" ")
        try:
            if kind == "server":
                pid, started = rest.split(" ")
                process = psutil.Process(int(pid))
                if process.create_time() == float(started):
                    found.append(process)
        except psutil.Error:
            continue
    return found


def main(variable: str, mark: str) -> None:
    """Waits for the end of standard input, ends what is to end until nothing is left of it, removes the folders."""
    lines = sys.stdin.buffer.read().decode().splitlines()

    def family() -> list[psutil.Process]:
        return [process for process in {*carrying(variable, mark), *named(lines)} if _lives(process)]

    asked = family()
    for process in asked:
        try:
            # A database killed at once would leave its shared memory behind.
            process.terminate()
        except psutil.Error:
            continue
    psutil.wait_procs(asked, timeout=PATIENCE_SECONDS)
    while left := family():
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=5)
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "folder":
            shutil.rmtree(rest, ignore_errors=True)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:3])
