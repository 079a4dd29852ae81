"""The command that opens a case: the run that last found it, made anew with exactly its parameters."""

from __future__ import annotations

import shlex

from recon.breaks.case import Case


def open_command(case: Case, lake: str, engine: str | None = None) -> str:
    """`recon run` with the window, as_of and known_at of the run, on `lake`, by `engine` (None: the default one)."""
    hourly = case.window == "hourly"
    day = f"{case.as_of:%Y-%m-%dT%H}" if hourly else f"{case.as_of:%Y-%m-%d}"
    return shlex.join([
        "recon", "run", "--window", case.window, "--as-of", f"{day}:00:00Z" if hourly else day,
        "--known-at", case.known_at.isoformat().replace("+00:00", "Z"), "--lake", lake,
        *(["--engine", engine] if engine else []), "--out", f"runs/{case.window.replace('+', '')}/{day}",
    ])  # fmt: skip
