"""Relay: sends the outbox where it goes; one payment's outcome when a saga asks, and all that waits by schedule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pipeline.errors import Retryable
from pipeline.handlers.parts import client, database
from pipeline.handlers.streams import firehose, names, sending
from pipeline.lake.firehose import routes
from pipeline.lake.kinds import KINDS
from pipeline.notify.relay import OUTCOME, Row, Send, queue, relay
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit
from pipeline.telemetry.trace import current, span
from pipeline.telemetry.xray import begun, trace_ids_in
from pipeline.times import utc_now

LONGEST = timedelta(seconds=40)
"""No round begins after it."""
SENDING_S = 44.0
"""No call to Firehose begins after it: what arrived is forgotten before the function's time is over."""
LINKS = 32
"""Of one span; the rest of a large round is found by its payments."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"payment_id": "..."} sends what that payment's merchant is to be told, anything else whatever waits."""
    # The driver takes longer to load than all the rest.
    from pipeline.ledger.outbox import Outbox

    start = time.monotonic()
    asked = event.get("payment_id")
    payment_id = None if asked is None else int(asked)
    # What goes to the lake goes in large records: one payment's few lines wait for the schedule.
    kinds = None if payment_id is None else (OUTCOME,)
    try:
        # A saga that asks is gone on with; by schedule it is a trace of its own, linked to those of the rows.
        with span("relay", event.get("trace_id") or begun(utc_now()), kind="consumer", payment_id=payment_id) as made:
            done = relay(Outbox(database()), {kind: linked(kind, send) for kind, send in _routes().items()}, utc_now,
                         payment_id=payment_id, kinds=kinds, until=utc_now() + LONGEST)
            made.set(found=done.taken, delivered=done.delivered)
    except Retryable as error:
        log("relay", outcome="retryable", payment_id=payment_id, reason=str(error))
        return {"outcome": "retryable"}
    log("relay", outcome="ok", payment_id=payment_id, found=done.taken, delivered=done.delivered,
        duration_ms=(time.monotonic() - start) * 1000)
    for kind in sorted(done.kinds.keys() & KINDS.keys()):
        emit({"LakeRowsSent": done.kinds[kind]}, table=KINDS[kind].name)
    return {"outcome": "ok", "taken": done.taken, "delivered": done.delivered, "kinds": dict(done.kinds)}


def linked(kind: str, send: Send) -> Send:
    """`send` with a span of its own, linked to the traces of the rows that it sends."""
    def traced(rows: Sequence[Row]) -> frozenset[str]:
        around, traces = current().trace_id, trace_ids_in((row.body for row in rows), most=LINKS)
        with span("relay.send", kind="producer", links=[trace for trace in traces if trace != around], operation=kind,
                  count=len(rows)) as made:
            accepted = send(rows)
            made.set(delivered=len(accepted))
            return accepted

    return traced


def _routes() -> dict[str, Send]:
    return {OUTCOME: queue(client("sqs"), Settings.of().text("OUTBOX_QUEUE_URL")),
            **routes(firehose(), names(), sending(SENDING_S))}
