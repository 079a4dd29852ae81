"""Relay: sends the outbox where it goes; one payment's outcome when a saga asks, and all that waits by schedule."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from pipeline.errors import Retryable
from pipeline.handlers.parts import client, database
from pipeline.handlers.streams import firehose, names, timing
from pipeline.lake.firehose import routes
from pipeline.lake.kinds import KINDS
from pipeline.ledger.outbox import Outbox
from pipeline.notify.relay import OUTCOME, Send, queue, relay
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit
from pipeline.times import utc_now

LONGEST = timedelta(seconds=40)
"""Of one invocation, below the function's timeout."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"payment_id": "..."} sends what that payment's merchant is to be told, anything else whatever waits."""
    start = time.monotonic()
    asked = event.get("payment_id")
    payment_id = None if asked is None else int(asked)
    # What goes to the lake goes in large records: one payment's few lines wait for the schedule.
    kinds = None if payment_id is None else (OUTCOME,)
    try:
        done = relay(Outbox(database()), _routes(), utc_now, payment_id=payment_id, kinds=kinds,
                     until=utc_now() + LONGEST)
    except Retryable as error:
        log("relay", outcome="retryable", payment_id=payment_id, reason=str(error))
        return {"outcome": "retryable"}
    log("relay", outcome="ok", payment_id=payment_id, found=done.taken, delivered=done.delivered,
        duration_ms=(time.monotonic() - start) * 1000)
    for kind in sorted(done.kinds.keys() & KINDS.keys()):
        emit({"LakeRowsSent": done.kinds[kind]}, table=KINDS[kind].name)
    return {"outcome": "ok", "taken": done.taken, "delivered": done.delivered, "kinds": dict(done.kinds)}


def _routes() -> dict[str, Send]:
    return {OUTCOME: queue(client("sqs"), Settings.of().text("OUTBOX_QUEUE_URL")),
            **routes(firehose(), names(), timing=timing(), log=log)}
