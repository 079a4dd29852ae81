"""What a function carries: `python -m infra.package` builds build/pipeline.zip for AWS, our code and its libraries.

Locally the functions run in the stack's own environment, so there only the code is packed. What scheduled runs carry is
an image on AWS (infra/recon.Dockerfile), being too large for a package; build/recon.zip is our code of it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import LocalRefused

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "pipeline.zip"
RECON_OUT = ROOT / "build" / "recon.zip"
RECON = ("recon", "dashboards", "pipeline/__init__.py", "pipeline/schemas", "notebooks/*.ipynb")
"""What scheduled runs have of this repository; each keeps its place, by which a notebook is found."""
LOCK = ROOT / "requirements-pipeline.lock"
MAX_ZIPPED = 50_000_000

IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath")
"""The functions' runtime brings these."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = ("__pycache__", "*.md", "*.pyc", "tests", "*.pyi")


@dataclass(frozen=True)
class Target:
    """What the libraries are chosen for; None for this interpreter and machine."""

    python: str
    platform: str


AWS = Target("3.13", "x86_64-manylinux_2_28")
"""As the template's Runtime and Architectures say."""


def code(package: Path = ROOT / "pipeline") -> bytes:
    """The zip of our code alone; the same bytes for the same files."""
    return _zipped((path.relative_to(package.parent), path) for path in _files(package))


def recon_code(root: Path = ROOT) -> bytes:
    """The zip of our code that a scheduled run needs, its notebooks with it; the same bytes for the same files."""
    return _zipped((path.relative_to(root), path) for path in recon_files(root))


def recon_files(root: Path = ROOT) -> list[Path]:
    """The files of recon_code."""
    found = [path for pattern in RECON for path in sorted(root.glob(pattern))]
    return sorted(file for path in found for file in (_files(path) if path.is_dir() else [path]))


def digest(content: bytes) -> str:
    """What a package is called by."""
    return hashlib.sha256(content).hexdigest()[:16]


def gather(folder: Path, target: Target | None = None) -> None:
    """Puts code and libraries into `folder` (made if absent), as a function finds them. Raises LocalRefused."""
    libraries(folder, target)
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns(*_LEFT_OUT))


def zipped(folder: Path) -> bytes:
    """What lies in `folder` as a package; the same bytes for the same files."""
    return _zipped((path.relative_to(folder), path) for path in _files(folder))


def libraries(folder: Path, target: Target | None = None, *, only: tuple[str, ...] | None = None) -> None:
    """Installs the lock's libraries into `folder`, without those of the runtime, or `only` the named ones.

    Raises LocalRefused where one has no wheel for the target or cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lock = Path(scratch) / "wanted.lock"
        lock.write_text(_wanted(LOCK.read_text(encoding="utf-8"), only), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps",
                   "--require-hashes", "--only-binary", ":all:", "--target", str(folder), "--requirement", str(lock)]
        command += ["--python-version", target.python, "--python-platform", target.platform] if target else \
            ["--python", sys.executable]
        done = _run(command)
        if done.returncode:
            # Once more with this machine's own certificates.
            done = _run([*command, "--system-certs"])
    if done.returncode:
        raise LocalRefused(f"the libraries of {LOCK.name} could not be installed: {done.stdout.strip()[-800:]}")
    for leftover in (folder / ".lock", folder / "bin"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def build(out: Path = OUT, target: Target = AWS) -> int:
    """Writes the whole package and returns its bytes. Raises LocalRefused, also where it is too large."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "package"
        gather(folder, target)
        content = zipped(folder)
    if len(content) > MAX_ZIPPED:
        raise LocalRefused(f"the package has {len(content):,} bytes; a function takes {MAX_ZIPPED:,}")
    _put(out, content)
    return len(content)


def main() -> int:
    """Builds what the command line names; returns the exit code."""
    asked = argparse.ArgumentParser(prog="infra.package", description=__doc__)
    asked.add_argument("--out", type=Path, default=OUT, help="where it goes (default: build/pipeline.zip)")
    asked.add_argument("--recon-out", type=Path, default=RECON_OUT,
                       help="where the code of scheduled runs goes (default: build/recon.zip)")
    chosen = asked.parse_args()
    try:
        size = build(chosen.out)
        _put(chosen.recon_out, runs := recon_code())
    except LocalRefused as refused:
        sys.stderr.write(f"refused: {refused}\n")
        return refused.exit_code
    sys.stderr.write(f"{chosen.out}: {size / 1e6:.1f} MB for Python {AWS.python} on {AWS.platform}\n"
                     f"{chosen.recon_out}: {len(runs) / 1e6:.1f} MB, our code in the image of scheduled runs\n")
    return 0


def _put(out: Path, content: bytes) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}")
    part.write_bytes(content)
    part.replace(out)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def _wanted(lock: str, only: tuple[str, ...] | None) -> str:
    """Entries of a lock, those of the runtime left out, or none but `only`."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    kept = []
    for entry in entries:
        name = re.split(r"[=\[; ]", entry, maxsplit=1)[0].lower()
        if entry[:1].isalnum() and (name in only if only is not None else name not in IN_THE_RUNTIME):
            kept.append(entry)
    return "".join(kept)


def _files(folder: Path) -> list[Path]:
    left_out = re.compile(r"__pycache__|\.pyc$|\.md$|\.pyi$")
    return sorted(path for path in folder.rglob("*")
                  if path.is_file() and not left_out.search(path.relative_to(folder.parent).as_posix()))


def _zipped(files: Iterator[tuple[Path, Path]]) -> bytes:
    with tempfile.TemporaryFile() as held:
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, path in files:
                entry = zipfile.ZipInfo(name.as_posix(), _LONG_AGO)
                entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
        held.seek(0)
        return held.read()


if __name__ == "__main__":
    sys.exit(main())
