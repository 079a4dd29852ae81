"""Migrate: brings the database up to date as its owner, and gives the services' role its password."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from pipeline.errors import PipelineError, Retryable
from pipeline.handlers.parts import address, field, forget, refused
from pipeline.ledger.migrate import migrate
from pipeline.settings import Settings
from pipeline.telemetry import log


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Applies what is missing: {"outcome": "ok", "applied": [names]}, or what refused it. May be run again."""
    start = time.monotonic()
    # Secrets may have been changed since this environment last ran.
    forget()
    settings = Settings.of()
    try:
        owner = settings.text("DATABASE_OWNER_SECRET_ID")
        applied = migrate(address(field(owner, "user"), field(owner, "password")),
                          field(settings.text("DATABASE_SECRET_ID"), "password"))
    except PipelineError as error:
        log("migrate", outcome="misused", reason=str(error))
        return refused(error)
    except psycopg.OperationalError as error:
        log("migrate", outcome="retryable", error=type(error).__name__)
        return refused(Retryable("the ledger's database cannot be reached or refuses the owner"))
    log("migrate", outcome="ok", migrations=len(applied), duration_ms=(time.monotonic() - start) * 1000)
    return {"outcome": "ok", "applied": applied}
