"""Servers as child processes: started on a free loopback port, watched until ready, ended with all their children."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.local import keeper
from infra.local.errors import LocalRefused

LOG_LINES_SHOWN = 15
_MARK = "SETTLEMENT_LOCAL_SERVER"
_keepers: dict[int, subprocess.Popen[bytes]] = {}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class User:
    """Another user of this system, whom only root can become."""

    uid: int
    gid: int


def as_user(user: User | None) -> dict[str, Any]:
    """Arguments by which subprocess starts a program as `user`, with no other group (None: as this process's)."""
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}


def remove_with_us(folder: Path) -> None:
    """`folder`, outside of any that is removed anyway, goes too if this process is killed. The caller still removes it
    at its own end."""
    _tell_keeper(f"folder {folder.absolute()}")


class Server:
    """One child process with its log; `name` is what messages call it."""

    def __init__(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path,
                 log: Path, user: User | None = None) -> None:
        self.name = name
        self.log = log
        self._mark = f"{_ours()}{time.monotonic_ns()}"
        _watch_over_us()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command), cwd=folder, env={**environment, _MARK: self._mark}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT,
                # Ctrl-C reaches us alone, so that we can end it in order.
                start_new_session=True, **as_user(user))
        with suppress(psutil.Error):
            _tell_keeper(f"server {self.pid} {psutil.Process(self.pid).create_time()}")

    @property
    def pid(self) -> int:
        """Process id of the server itself."""
        return self._process.pid

    def running(self) -> bool:
        """Whether the server still runs."""
        return self._process.poll() is None

    def tree(self) -> list[psutil.Process]:
        """The server and everything that it started, also what lost its parent since."""
        found = set(keeper.carrying(_MARK, self._mark))
        try:
            # Some systems do not show the environment of every program.
            own = psutil.Process(self.pid)
            found |= {own, *own.children(recursive=True)} if self.running() else set()
        except psutil.Error:
            pass
        return sorted(found, key=lambda process: process.pid)

    def listening(self) -> set[tuple[str, int]]:
        """Addresses on which the server and its children accept TCP connections."""
        found = set()
        for process in self.tree():
            try:
                connections = process.net_connections("tcp")
            except psutil.Error:
                continue
            found |= {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}
        return found

    def wait(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Returns when `ready`. Raises LocalRefused with the end of the log, the server ended, when it is not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running():
                raise LocalRefused(f"{self.name} ended with {self._process.returncode} while starting; {self.tail()}")
            if ready():
                return
            time.sleep(0.05)
        self.stop()
        raise LocalRefused(f"{self.name} was not ready after {seconds:.0f} s and has been stopped; {self.tail()}")

    def finish(self, *, seconds: float) -> None:
        """Waits until the server has ended by itself, at most `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def tail(self) -> str:
        """The end of the log, as the end of a message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        shown = "\n".join(lines[-LOG_LINES_SHOWN:]) or "(empty)"
        return f"its log {self.log} ends with:\n{shown}"

    def stop(self, *, patience: float = 5.0) -> None:
        """Ends the server and all its children: asks, waits up to `patience` seconds, then insists. May be repeated."""
        family = self.tree()
        for process in family:
            _quietly(process.terminate)
        _, alive = psutil.wait_procs(family, timeout=patience)
        # What was being started while we asked is found only now.
        for process in {*alive, *self.tree()}:
            _quietly(process.kill)
        psutil.wait_procs([*alive, *self.tree()], timeout=patience)
        self._process.wait()


def answers(url: str, *, seconds: float = 1.0) -> bytes | None:
    """Body of a 200 answer to GET `url` on this machine, None for anything else."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, urllib.error.URLError):
        return None


def _ours() -> str:
    """What the marks of this process's servers start with."""
    return f"{os.getpid()}-{int(psutil.Process().create_time() * 1000)}-"


def _watch_over_us() -> None:
    """Starts the process that ends our servers if we are killed, once per process."""
    if os.getpid() in _keepers:
        return
    command = [sys.executable, "-I", keeper.__file__, _MARK, _ours()]
    watching = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)
    _keepers[os.getpid()] = watching
    atexit.register(_release, os.getpid())


def _tell_keeper(line: str) -> None:
    _watch_over_us()
    pipe = _keepers[os.getpid()].stdin
    assert pipe is not None, "a keeper is always started with a pipe"
    try:
        pipe.write(f"{line}\n".encode())
        pipe.flush()
    except BrokenPipeError:
        raise LocalRefused("the process that ends this one's servers if it is killed has ended itself") from None


def _release(pid: int) -> None:
    watching = _keepers.get(pid)
    if watching is not None and watching.stdin is not None and pid == os.getpid():
        with suppress(BrokenPipeError):
            watching.stdin.close()
        watching.wait()


def _quietly(end: Callable[[], None]) -> None:
    try:
        end()
    except psutil.NoSuchProcess:
        return
