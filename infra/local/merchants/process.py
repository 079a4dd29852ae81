"""The merchants' server as a child process."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.local.guard import child_environment
from infra.local.merchants.client import Client
from infra.local.processes import Server, answers

START_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Merchants:
    """A running server; `folder` goes with it when it stops."""

    folder: Path
    server: Server

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Starts one on a free port, and does not wait for it: see `ready`."""
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "infra.local.merchants", "--folder", str(folder)]
        return cls(folder, Server("the merchants' server", command, folder=folder, log=folder / "merchants.log",
                                  environment=child_environment({"PYTHONPATH": str(_ROOT)})))

    def ready(self) -> None:
        """Returns when it answers. Raises LocalRefused where it does not in time."""
        written = self.folder / "endpoint"
        self.server.wait(lambda: written.exists() and answers(f"{self.control}/health") is not None,
                         seconds=START_SECONDS)

    @property
    def endpoint(self) -> str:
        """Its address, once it is ready."""
        return (self.folder / "endpoint").read_text(encoding="utf-8")

    @property
    def control(self) -> str:
        """Address of the control paths."""
        return f"{self.endpoint}/_control"

    @property
    def client(self) -> Client:
        """What talks to the control paths."""
        return Client(self.control)

    def url(self, merchant_id: str) -> str:
        """Where a merchant receives its webhooks."""
        return f"{self.endpoint}/{merchant_id}"

    def stop(self) -> None:
        """Ends it, then removes its folder. May be repeated."""
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
