"""What the house tests look at: the tracked files and their syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ("pipeline", "recon", "dashboards", "infra")


@cache
def tracked() -> tuple[str, ...]:
    """Paths, relative to the root, of every file that git tracks and that is still there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for path in listed.split("\0") if path and (ROOT / path).is_file())


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """Path and text of each tracked Python module below `folders`."""
    for path in tracked():
        if path.endswith(".py") and path.split("/", 1)[0] in folders:
            yield path, (ROOT / path).read_text(encoding="utf-8")


def called(node: ast.AST) -> str:
    """Dotted name of what a call calls; empty where it is no plain name."""
    if isinstance(node, ast.Call):
        return called(node.func)
    if isinstance(node, ast.Attribute):
        return f"{called(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
