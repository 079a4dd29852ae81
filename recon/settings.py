"""Settings of the machine a run is made on. What changes a result is a parameter of the run, never a setting."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from recon.errors import Refused

DEFAULT_MEMORY = "3GB"

DEFAULT_BUDGET = "100GB"

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_TWO_NAMES = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
_S3_FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9_./=-]*)?")
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


@dataclass(frozen=True, slots=True)
class TrinoSettings:
    """A Trino cluster: `lake` and `scratch` are catalog.schema, `scratch_location` an s3:// folder both can write."""

    scheme: str
    host: str
    port: int
    user: str
    password: str | None
    lake: str
    scratch: str
    scratch_location: str

    @property
    def address(self) -> str:
        """As a user would write it."""
        return f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AthenaSettings:
    """Athena: `database` holds the lake's tables; what a run makes lies in the folder `scratch` (s3://)."""

    workgroup: str
    database: str
    scratch: str
    scratch_database: str
    poll_s: float


def trino_from_environment(environment: Mapping[str, str] | None = None) -> TrinoSettings:
    """Settings of engine trino from RECON_TRINO_*. Raises SettingsRefused naming the variable."""
    env = os.environ if environment is None else environment
    scheme, host, port = _trino_address(_required(env, "RECON_TRINO_URL", "trino", "https://trino.example.net:8443"))
    password = env.get("RECON_TRINO_PASSWORD") or None
    if password and scheme != "https":
        raise SettingsRefused("RECON_TRINO_PASSWORD is set and RECON_TRINO_URL begins with http:; a password is only "
                              "sent over https://HOST:PORT")
    return TrinoSettings(
        scheme=scheme, host=host, port=port, user=env.get("RECON_TRINO_USER") or "recon", password=password,
        lake=_matching(env, "RECON_TRINO_LAKE", "lake.payments_lake", _TWO_NAMES, "CATALOG.SCHEMA"),
        scratch=_matching(env, "RECON_TRINO_SCRATCH", "scratch.recon", _TWO_NAMES, "CATALOG.SCHEMA"),
        scratch_location=_folder(env, "RECON_TRINO_SCRATCH_LOCATION", "trino"))


def athena_from_environment(environment: Mapping[str, str] | None = None) -> AthenaSettings:
    """Settings of engine athena from RECON_ATHENA_*. Raises SettingsRefused naming the variable."""
    env = os.environ if environment is None else environment
    poll_s = _matching(env, "RECON_ATHENA_POLL_S", "0.5", re.compile(r"[0-9]+(\.[0-9]+)?"), "a number of seconds")
    return AthenaSettings(
        workgroup=_required(env, "RECON_ATHENA_WORKGROUP", "athena", "recon"),
        database=_matching(env, "RECON_ATHENA_DATABASE", "payments_lake", _NAME, "a Glue database"),
        scratch=_folder(env, "RECON_ATHENA_SCRATCH", "athena"),
        scratch_database=_matching(env, "RECON_ATHENA_SCRATCH_DATABASE", "recon_scratch", _NAME, "a Glue database"),
        poll_s=float(poll_s))


def bytes_budget(environment: Mapping[str, str] | None = None) -> int:
    """What one run may read of the lake, from RECON_BYTES_BUDGET. Raises SettingsRefused."""
    env = os.environ if environment is None else environment
    text = _matching(env, "RECON_BYTES_BUDGET", DEFAULT_BUDGET, re.compile(r"[1-9][0-9]*(MB|GB|TB)"),
                     "a size such as 20GB or 1TB")
    return int(text[:-2]) * {"MB": 1000**2, "GB": 1000**3, "TB": 1000**4}[text[-2:]]


def _trino_address(text: str) -> tuple[str, str, int]:
    if "@" in text:
        # Not repeated: it may hold a password.
        raise SettingsRefused("RECON_TRINO_URL carries a user or a password; http://HOST:PORT or https://HOST:PORT is "
                              "accepted, with RECON_TRINO_USER and RECON_TRINO_PASSWORD beside it")
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        address, port = urlsplit(""), None
    if address.scheme not in ("http", "https") or not address.hostname or address.path.strip("/"):
        raise SettingsRefused(f"RECON_TRINO_URL is {text!r}; http://HOST:PORT or https://HOST:PORT is accepted")
    return address.scheme, address.hostname, port or (443 if address.scheme == "https" else 80)


def _required(env: Mapping[str, str], name: str, engine: str, example: str) -> str:
    value = env.get(name)
    if not value:
        raise SettingsRefused(f"engine {engine} needs {name}, e.g. {example}; it is not set")
    return value


def _matching(env: Mapping[str, str], name: str, default: str, pattern: re.Pattern[str], accepted: str) -> str:
    value = env.get(name) or default
    if not pattern.fullmatch(value):
        raise SettingsRefused(f"{name} is {value!r}; {accepted} is accepted, e.g. {default}")
    return value


def _folder(env: Mapping[str, str], name: str, engine: str) -> str:
    value = _required(env, name, engine, "s3://my-scratch-bucket/recon/")
    if not _S3_FOLDER.fullmatch(value):
        raise SettingsRefused(f"{name} is {value!r}; s3://BUCKET/PREFIX/ is accepted")
    return value.rstrip("/")


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
