"""The server as a child process, and the handle by which tests ask for faults."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.local.guard import child_environment, require_loopback
from infra.local.processes import Server, answers

START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Athena:
    """A running server; `endpoint` is its address, `folder` holds its log."""

    endpoint: str
    folder: Path
    server: Server

    @classmethod
    def start(cls, folder: Path, *, aws: Mapping[str, str], trino: str | None = None) -> Self:
        """Starts one over the S3 and Glue that the environment `aws` names; waits until it answers.

        `trino` is the address of the server that runs statements, None for DuckDB. Raises LocalRefused.
        """
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_GLUE"):
            require_loopback(aws.get(name, aws["AWS_ENDPOINT_URL"]), name)
        if trino:
            require_loopback(trino, "Trino")
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "endpoint"
        written.unlink(missing_ok=True)
        command = [sys.executable, "-m", "infra.local.athena", "--endpoint-file", str(written)]
        environment = child_environment({**aws, "PYTHONPATH": str(_ROOT)})
        server = Server("the Athena server", command + (["--trino", trino] if trino else []), environment=environment,
                        folder=folder, log=folder / "athena.log")
        server.wait(lambda: written.exists() and answers(f"{written.read_text()}/_local/health") is not None,
                    seconds=START_SECONDS)
        return cls(written.read_text(encoding="utf-8"), folder, server)

    def stop(self) -> None:
        """Ends it, its queries with it, then removes its folder. May be repeated."""
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fault(self, fault: str, **more: Any) -> None:
        """The next call that fits fails or behaves as README.md says of `fault`."""
        self._control("POST", "faults", {"fault": fault, **more})

    def faults(self) -> list[dict[str, Any]]:
        """Faults that have not struck yet."""
        found: list[dict[str, Any]] = self._control("GET", "faults")
        return found

    def calls(self, operation: str = "") -> list[dict[str, Any]]:
        """Every call since the start or the last reset (of `operation`): operation, request, answer."""
        return [call for call in self._control("GET", "calls") if operation in ("", call["operation"])]

    def reset(self) -> None:
        """Forgets faults and calls."""
        self._control("DELETE", "faults")

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(f"{self.endpoint}/_local/{path}", data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read())
