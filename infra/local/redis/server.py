"""A Redis server on a free loopback port that keeps nothing: what it knows ends with it."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.local.errors import LocalRefused
from infra.local.processes import Server, free_port
from infra.local.redis.install import program

START_SECONDS = 15.0
_TRIES = 3


@dataclass
class Redis:
    """A running server; `url` is its address."""

    folder: Path
    port: int
    server: Server

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Starts one with its log below `folder` (made if absent). Raises LocalRefused."""
        folder = folder.absolute()
        redis = program()
        folder.mkdir(parents=True, exist_ok=True)
        for tried in range(1, _TRIES + 1):
            port = free_port()
            try:
                return cls(folder, port, _started(redis, folder, port))
            except LocalRefused as refused:
                # Somebody else may have taken the port since we asked for it.
                if tried == _TRIES or "already in use" not in str(refused):
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def url(self) -> str:
        """As clients want it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """Ends it as a crash does."""
        for process in self.server.tree():
            process.kill()
        self.server.stop()

    def restart(self) -> None:
        """Starts it again on the same port, empty. Raises LocalRefused."""
        self.server.stop()
        self.server = _started(program(), self.folder, self.port)

    def stop(self) -> None:
        """Ends it, then removes its folder. May be repeated."""
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _started(redis: Path, folder: Path, port: int) -> Server:
    command = [str(redis), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
               "--daemonize", "no", "--dir", str(folder)]
    server = Server("Redis", command, environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                    folder=folder, log=folder / "redis.log")
    server.wait(lambda: _ready(server, port), seconds=START_SECONDS)
    return server


def _ready(server: Server, port: int) -> bool:
    # Only its own socket counts: another's server may answer on a port that was taken meanwhile.
    if ("127.0.0.1", port) not in server.listening():
        return False
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
