"""LedgerControl: says what the ledger holds of each hour that has ended, for the lake to be compared with."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.handlers.parts import database, refused
from pipeline.ledger.control import LedgerControl
from pipeline.ledger.control_progress import hour_of
from pipeline.telemetry import log
from pipeline.times import iso_ms, utc_now

SETTLED = timedelta(minutes=1)
"""Longer than a function may take from reading its clock to committing, and than clocks differ."""
LONGEST = timedelta(seconds=60)
"""Of the rounds that one invocation begins; the last one fits in the rest of the function's timeout."""
FURTHEST = timedelta(days=400)
ACCEPTED = 'accepted: nothing, or {"until": "YYYY-MM-DDTHH:MM:SSZ"}, at most 400 days ahead'


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"outcome", "said", "covers_until"}: `ok`, or `waiting` for an older transaction, or `more` to be asked again.

    The event may have `until`: how far the ledger is to be counted, by default up to the last hour that has ended.
    """
    start, at = time.monotonic(), utc_now()
    try:
        done = LedgerControl(database()).write(until=_until(event, at), at=at, go_on=lambda: utc_now() < at + LONGEST)
    except (Misused, Retryable) as error:
        log("control", outcome=refused(error)["outcome"], reason=str(error))
        return refused(error)
    outcome = "waiting" if done.waiting else "ok" if done.complete else "more"
    log("control", outcome=outcome, count=done.said, duration_ms=(time.monotonic() - start) * 1000)
    return {"outcome": outcome, "said": done.said,
            "covers_until": None if done.covers_until is None else iso_ms(done.covers_until)}


def _until(event: dict[str, Any], at: datetime) -> datetime:
    asked = event.get("until")
    if asked is None:
        return hour_of(at - SETTLED)
    try:
        until = datetime.fromisoformat(asked)
    except (TypeError, ValueError):
        raise Misused(f"until is {asked!r}; {ACCEPTED}") from None
    if until.tzinfo is None or until > at + FURTHEST:
        raise Misused(f"until is {asked!r}; {ACCEPTED}")
    return until.astimezone(UTC)
