"""Stripe's own mock server, built once per machine by Go. It holds each request against the description of the API."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

from infra.local.processes import Server, free_port

MODULE = "github.com/stripe/stripe-mock"
VERSION = "v0.203.0"
OLDEST_GO = (1, 22)
BUILD_SECONDS = 600
START_SECONDS = 30.0


class NotBuilt(Exception):
    """There is no mock server; the text says why."""


def home() -> Path:
    """Folder of the built server."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "settlement-workbench" / f"stripe-mock-{VERSION}"


def go() -> str | None:
    """A Go that can build it, None where there is none."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        return None
    said = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    return found if version and (int(version[1]), int(version[2])) >= OLDEST_GO else None


def install(builder: str) -> Path:
    """The server's program, built with `builder` unless it is there. Two at once wait for each other. Raises NotBuilt.

    Go fetches the module from wherever it is set up to and checks it against its checksum database.
    """
    program = home() / "stripe-mock"
    home().mkdir(parents=True, exist_ok=True)
    with (home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.is_file():
            return program
        staging = home() / "part"
        built = subprocess.run(
            [builder, "install", f"{MODULE}@{VERSION}"], env={**os.environ, "GOBIN": str(staging), "GOFLAGS": ""},
            capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
        if built.returncode:
            raise NotBuilt(f"go install {MODULE}@{VERSION} failed: {built.stderr[-500:]}")
        (staging / "stripe-mock").rename(program)
        shutil.rmtree(staging)
    return program


def start(program: Path, folder: Path) -> tuple[Server, str]:
    """The running server and its address, its log in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = Server("stripe-mock", [str(program), "-http-addr", f"127.0.0.1:{port}"], environment={}, folder=folder,
                    log=folder / "stripe-mock.log")
    base = f"http://127.0.0.1:{port}"
    server.wait(lambda: ("127.0.0.1", port) in server.listening(), seconds=START_SECONDS)
    return server, base
