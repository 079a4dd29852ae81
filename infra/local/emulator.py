"""The AWS emulator: S3, Glue and the rest on one loopback port, everything it writes in one folder."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.local.errors import LocalRefused
from infra.local.guard import child_environment, local_environment
from infra.local.processes import Server, answers, free_port

START_SECONDS = 60.0
_TRIES = 3


@dataclass
class Emulator:
    """A running emulator; `endpoint` is its address, `folder` goes with it when it stops."""

    endpoint: str
    folder: Path
    server: Server

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Starts one that keeps everything below `folder` (made if absent). Raises LocalRefused when it cannot."""
        folder = folder.absolute()
        for part in ("tmp", "s3", "state"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for tried in range(1, _TRIES + 1):
            port = free_port()
            server = _server(folder, port)
            try:
                server.wait(lambda server=server, port=port: _ready(server, port), seconds=START_SECONDS)  # type: ignore[misc]
            except LocalRefused:
                server.stop()
                # Somebody else may have taken the port since we asked for it.
                if tried == _TRIES or "already in use" not in server.tail():
                    raise
            else:
                break
        return cls(f"http://127.0.0.1:{port}", folder, server)

    def stop(self) -> None:
        """Ends it with all its workers, then removes its folder. May be repeated."""
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _server(folder: Path, port: int) -> Server:
    settings = {
        "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "EDGE_PORT": str(port),
        # Each would open a port of its own on every interface.
        "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
        "TMPDIR": str(folder / "tmp"), "S3_DATA_DIR": str(folder / "s3"), "STATE_DIR": str(folder / "state"),
        "LOG_LEVEL": "WARNING",
    }
    environment = child_environment(local_environment(f"http://127.0.0.1:{port}", **settings))
    return Server("the AWS emulator", [sys.executable, "-m", "infra.local.aws_server"], environment=environment,
                  folder=folder, log=folder / "emulator.log")


def _ready(server: Server, port: int) -> bool:
    # Only its own socket counts: another's emulator may answer on a port that was taken meanwhile.
    return answers(f"http://127.0.0.1:{port}/_ministack/health") is not None and \
        ("127.0.0.1", port) in server.listening()
