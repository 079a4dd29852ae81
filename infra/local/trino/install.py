"""Fetches the Trino server once per machine: `python -m infra.local.trino.install`.

Maven fetches the parts from wherever it is set up to, every file is checked against jars.sha256, and only a whole
server appears under its name. Two installs at once wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from infra.local.errors import LocalRefused
from infra.local.trino import java

VERSION = "435"
CHECKSUMS = Path(__file__).with_name("jars.sha256")
_POM = Path(__file__).with_name("pom.xml")
_LAUNCHER = Path(__file__).with_name("Launch.java")
_TRIES = 3


def home() -> Path:
    """Folder of the installed server."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "settlement-workbench" / f"trino-{VERSION}"


def installed(target: Path | None = None) -> bool:
    """Whether the whole server that jars.sha256 lists is there."""
    stamp = (target or home()) / CHECKSUMS.name
    return stamp.is_file() and stamp.read_bytes() == CHECKSUMS.read_bytes()


def install(target: Path | None = None) -> Path:
    """Installs the server unless it is there and returns its folder.

    Raises LocalRefused where Java or Maven is missing, nothing can be fetched, or a file is not the one expected.
    """
    target = target or home()
    if installed(target):
        return target
    compiler, maven = java.javac(), java.maven()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_suffix(".lock")):
        if installed(target):
            return target
        staging = target.with_suffix(".part")
        shutil.rmtree(staging, ignore_errors=True)
        repository = target.with_suffix(".maven")
        _say(f"fetching Trino {VERSION} once, about 300 MB, to {target}")
        _fetch(maven, staging, repository)
        (staging / "plugin" / f"trino-hive-{VERSION}").rename(staging / "plugin" / "hive")
        shutil.rmtree(staging / "markers")
        check(staging)
        _compile(compiler, staging)
        shutil.copyfile(CHECKSUMS, staging / CHECKSUMS.name)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
        shutil.rmtree(repository, ignore_errors=True)
    return target


def check(folder: Path, checksums: Path = CHECKSUMS) -> None:
    """Raises LocalRefused unless lib/ and plugin/ of `folder` hold exactly the files of `checksums`, byte for byte."""
    lines = [line.split("  ", 1) for line in checksums.read_text(encoding="utf-8").splitlines()]
    wanted = {name: digest for digest, name in lines}
    found = {path.relative_to(folder).as_posix(): path
             for part in ("lib", "plugin") for path in (folder / part).rglob("*") if path.is_file()}
    wrong = [f"{name} is missing" for name in sorted(wanted.keys() - found.keys())]
    wrong += [f"{name} is not on the list" for name in sorted(found.keys() - wanted.keys())]
    wrong += [f"{name} has other bytes" for name in sorted(wanted.keys() & found.keys())
              if _digest(found[name]) != wanted[name]]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise LocalRefused(f"what Maven fetched is not Trino {VERSION} as {checksums.name} lists it: "
                           f"{'; '.join(wrong[:5])}{more}; nothing was installed. Remove "
                           f"{folder.with_suffix('.maven')} and see which repository mvn uses")


def main() -> int:
    """Installs, says how long it took, returns the exit code."""
    start = time.monotonic()
    before = installed()
    try:
        folder = install()
    except LocalRefused as refused:
        _say(f"refused: {refused}")
        return refused.exit_code
    _say(f"Trino {VERSION} is in {folder}" + ("" if before else f" after {time.monotonic() - start:.0f} s"))
    return 0


def _fetch(maven: Path, staging: Path, repository: Path) -> None:
    command = [str(maven), "--batch-mode", "--no-transfer-progress", "--quiet", "--file", str(_POM),
               f"-Dmaven.repo.local={repository}", f"-Dstaging={staging}", "generate-resources"]
    for tried in range(1, _TRIES + 1):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode == 0:
            return
        # A repository that failed once is remembered as having nothing; what did arrive stays.
        command = [*command[:1], "--update-snapshots", *[word for word in command[1:] if word != "--update-snapshots"]]
        if tried < _TRIES:
            _say(f"try {tried} of {_TRIES} failed, once more")
            time.sleep(5 * tried)
    said = "\n".join(line for line in done.stdout.splitlines() if "ERROR" in line)[:2000]
    raise LocalRefused(f"Maven could not fetch Trino {VERSION}; it needs a way to its central repository, directly or "
                       f"by a mirror in its settings.xml. It said:\n{said}")


def _compile(compiler: Path, staging: Path) -> None:
    done = subprocess.run([compiler, "--release", str(java.OLDEST), "-cp", f"{staging}/lib/*",
                           "-d", str(staging / "launch"), str(_LAUNCHER)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalRefused(f"{_LAUNCHER.name} could not be compiled: {done.stderr.strip()[:500]}")


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Only one process is in the block; the system frees the lock of one that dies."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another install is under way, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
