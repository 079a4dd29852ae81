"""The Java that the server runs on, found and checked before anything else is tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from infra.local.errors import LocalRefused

OLDEST, NEWEST = 17, 21
"""Releases of Java that this server was made for: older ones lack what it needs, newer ones drop it one by one."""

WHAT_TO_INSTALL = "Debian: apt-get install openjdk-17-jdk-headless maven"

Finder = Callable[[str], str | None]


def java(find: Finder = shutil.which) -> Path:
    """The `java` to run. Raises LocalRefused naming what is missing and what was found."""
    return _checked("java", find)


def javac(find: Finder = shutil.which) -> Path:
    """The compiler of the same Java. Raises LocalRefused naming what is missing."""
    return _checked("javac", find)


def maven(find: Finder = shutil.which) -> Path:
    """The `mvn` that fetches the server's parts. Raises LocalRefused naming what is missing."""
    found = find("mvn")
    if found is None:
        raise LocalRefused(f"Trino's parts are fetched by Maven and there is no mvn on the PATH; {WHAT_TO_INSTALL}")
    return Path(found)


def missing() -> str | None:
    """Why this machine cannot install and run the server, None where it can."""
    try:
        java(), javac(), maven()
    except LocalRefused as refused:
        return str(refused)
    return None


def release(tool: Path) -> int | None:
    """Release number of a java or javac (8 for 1.8), None where it does not say."""
    try:
        said = subprocess.run([tool, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'(?:version "|javac )(?:1\.)?(\d+)', said.stdout + said.stderr)
    return int(match[1]) if match else None


def _checked(name: str, find: Finder) -> Path:
    home = os.environ.get("JAVA_HOME")
    found = Path(home, "bin", name) if home else Path(find(name) or "")
    if not found.is_file():
        where = f"JAVA_HOME, {home}" if home else "the PATH"
        raise LocalRefused(f"Trino needs a Java Development Kit {OLDEST} to {NEWEST} and there is no {name} on "
                           f"{where}; {WHAT_TO_INSTALL}")
    number = release(found)
    if number is None or not OLDEST <= number <= NEWEST:
        raise LocalRefused(f"Trino needs a Java Development Kit {OLDEST} to {NEWEST} and {found} is "
                           f"{number or 'of no release that it tells'}; set JAVA_HOME, or {WHAT_TO_INSTALL}")
    return found
