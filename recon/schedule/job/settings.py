"""What a function that runs reconciliations is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from recon.engine.port import ENGINES
from recon.settings import SettingsRefused

_HOURS_MOST = 24 * 14


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Where the lake is, where runs go, on which engine; whom to tell; how to be fired once more."""

    lake: str
    runs: str
    engine: str
    topic: str
    retry_every: timedelta
    retry_for: timedelta
    retry_group: str
    retry_role: str
    retry_dead_letters: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> JobSettings:
        """From RECON_LAKE, RECON_RUNS, RECON_ENGINE, RECON_TOPIC_ARN and RECON_RETRY_*.

        Raises SettingsRefused naming the variable.
        """
        env = os.environ if environment is None else environment
        engine = env.get("RECON_ENGINE") or "athena"
        if engine not in ENGINES:
            raise SettingsRefused(f"RECON_ENGINE is {engine!r}; accepted: {', '.join(ENGINES)}")
        every = timedelta(minutes=_number(env, "RECON_RETRY_MINUTES", 60, 24 * 60))
        longest = timedelta(hours=_number(env, "RECON_RETRY_HORIZON_HOURS", 24, _HOURS_MOST))
        return cls(
            lake=_required(env, "RECON_LAKE", "s3://lake"), runs=_required(env, "RECON_RUNS", "s3://runs"),
            engine=engine, topic=_required(env, "RECON_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:flags"),
            retry_every=every, retry_for=longest, retry_group=_required(env, "RECON_RETRY_GROUP", "recon-again"),
            retry_role=_required(env, "RECON_RETRY_ROLE_ARN", "arn:aws:iam::123456789012:role/again"),
            retry_dead_letters=env.get("RECON_RETRY_DLQ_ARN", ""))


def _required(env: Mapping[str, str], name: str, example: str) -> str:
    if not (value := env.get(name)):
        raise SettingsRefused(f"a scheduled run needs {name}, e.g. {example}; it is not set")
    return value


def _number(env: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise SettingsRefused(f"{name} is {text!r}; a whole number from 1 to {most:,} is accepted")
    return int(text)
