"""What to type to look into a flag: exact commands, quoted for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from recon.alerts.cause import Cause
from recon.breaks.case import Case


def investigate(cause: Cause, cases: Sequence[Case], summary: Mapping[str, Any], lake: str) -> dict[str, str]:
    """Commands by purpose: `show` the largest case, `list` the open ones of the cause, `run` it again to look."""
    found = {}
    if cases:
        found["show"] = shlex.join(["recon", "breaks", "show", cases[0].case_id, "--lake", lake])
    listing = ["recon", "breaks", "list", "--lake", lake, "--class", cause.cls]
    if cause.gateway:
        listing += ["--gateway", cause.gateway]
    if cases:
        found["list"] = shlex.join(listing)
    return found | {"run": again(summary, lake)}


def again(summary: Mapping[str, Any], lake: str) -> str:
    """The command that repeats a run, from its window, as_of, known_at and engine."""
    window, as_of, known_at = str(summary["window"]), str(summary["as_of"]), str(summary["known_at"])
    day = as_of if window == "hourly" else as_of[:10]
    out = f"{window.replace('+', '')}-{day.replace(':', '')}"
    return shlex.join(["recon", "run", "--window", window, "--as-of", day, "--known-at", known_at, "--lake", lake,
                       "--engine", str(summary["engine"]), "--out", out])
