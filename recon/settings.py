"""Settings of the machine a run is made on. What changes a result is a parameter of the run, never a setting."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from recon.errors import Refused

DEFAULT_MEMORY = "3GB"

_SIZE = re.compile(r"[1-9][0-9]*(MB|GB)")


class SettingsRefused(Refused):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`threads` and `memory` bound the local engine; `scratch` is where it spills (None: the system's temp folder)."""

    threads: int
    memory: str = DEFAULT_MEMORY
    scratch: str | None = None


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from RECON_THREADS, RECON_MEMORY and RECON_SCRATCH. Raises SettingsRefused naming the variable."""
    env = os.environ if environment is None else environment
    threads = env.get("RECON_THREADS") or str(_cores())
    if not (threads.isascii() and threads.isdigit() and int(threads) > 0):
        raise SettingsRefused(f"RECON_THREADS is {threads!r}; a whole number of at least 1 is accepted")
    memory = env.get("RECON_MEMORY") or DEFAULT_MEMORY
    if not _SIZE.fullmatch(memory):
        raise SettingsRefused(f"RECON_MEMORY is {memory!r}; a size such as 3GB or 800MB is accepted")
    scratch = env.get("RECON_SCRATCH") or None
    if scratch is not None and not os.path.isdir(scratch):
        raise SettingsRefused(f"RECON_SCRATCH is {scratch!r}; an existing folder is accepted")
    return Settings(int(threads), memory, scratch)


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
