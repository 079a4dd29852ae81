"""What handlers have in common: clients, secrets and the database connection, made once per environment, when needed.

Nothing here is made at import: an environment that was restored from a snapshot, or thawed, shares nothing it must not.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from pipeline.errors import Misused, PipelineError
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.ledger.connection import Database

CONNECT_S, READ_S, ATTEMPTS = 1.0, 3.0, 3


@cache
def client(service: str, *, read_s: float = READ_S, attempts: int = ATTEMPTS) -> Any:
    """A low-level client with short timeouts, for calls that may be made twice.

    Not for StartSyncExecution, which must be made once: its caller makes a client of its own.
    """
    return boto3.client(service, config=Config(
        connect_timeout=CONNECT_S, read_timeout=read_s, retries={"mode": "standard", "total_max_attempts": attempts}))


@cache
def secret(secret_id: str) -> dict[str, str]:
    """The fields of a JSON secret. Raises Misused where it is no JSON object; no message shows its text."""
    text = client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
    try:
        return {str(name): str(value) for name, value in json.loads(text).items()}
    except (ValueError, AttributeError):
        # The parser's message would show the secret.
        raise Misused(f"the secret {secret_id} is no JSON object") from None


@cache
def database() -> Database:
    """The ledger's database as the services' role."""
    # The driver takes longer to load than anything else here, and not every handler needs it.
    from pipeline.ledger.connection import Database

    settings = Settings.of()
    password = field(settings.text("DATABASE_SECRET_ID"), "password")
    return Database(address(settings.text("DATABASE_USER"), password))


def address(user: str, password: str) -> str:
    """How the database of the settings is reached by `user`."""
    from pipeline.ledger.connection import dsn

    settings = Settings.of()
    return dsn(host=settings.text("DATABASE_HOST"), port=settings.number("DATABASE_PORT", 5432),
               name=settings.text("DATABASE_NAME"), user=user, password=password,
               sslmode=settings.text("PGSSLMODE", "prefer"))


def field(secret_id: str, name: str) -> str:
    """One field of a secret. Raises Misused where it has none."""
    value = secret(secret_id).get(name)
    if not value:
        raise Misused(f"the secret {secret_id} has no {name}")
    return value


def forget() -> None:
    """Makes everything anew at the next use, e.g. after a password was changed."""
    for made in (client, secret, database):
        made.cache_clear()


def refused(error: PipelineError) -> dict[str, str]:
    """What a function of operations answers instead of raising, which would only show a type's name."""
    return {"outcome": "misused" if isinstance(error, Misused) else "retryable", "reason": str(error)}
