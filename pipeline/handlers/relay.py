"""Relay: sends the outbox to its queue, for one payment when a saga asks and for all by schedule."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from pipeline.errors import Retryable
from pipeline.handlers.parts import client, database
from pipeline.ledger.outbox import Outbox
from pipeline.notify.relay import queue, relay
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.times import utc_now

LONGEST = timedelta(seconds=40)
"""Of one invocation, below the function's timeout."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"payment_id": "..."} drains one payment, anything else whatever waits."""
    start = time.monotonic()
    asked = event.get("payment_id")
    payment_id = None if asked is None else int(asked)
    try:
        done = relay(Outbox(database()), queue(client("sqs"), Settings.of().text("OUTBOX_QUEUE_URL")), utc_now,
                     payment_id=payment_id, until=utc_now() + LONGEST)
    except Retryable as error:
        log("relay", outcome="retryable", payment_id=payment_id, reason=str(error))
        return {"outcome": "retryable"}
    log("relay", outcome="ok", payment_id=payment_id, found=done.taken, delivered=done.delivered,
        duration_ms=(time.monotonic() - start) * 1000)
    return {"outcome": "ok", "taken": done.taken, "delivered": done.delivered}
