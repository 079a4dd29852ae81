"""Notifications: tells outcomes of payments on every channel, a batch of the outbox queue at a time."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from pipeline.handlers.batches import in_parallel
from pipeline.handlers.parts import client
from pipeline.notify.channels import Bus, Topic, Webhooks
from pipeline.notify.deliveries import queue
from pipeline.notify.endpoints import Endpoints
from pipeline.notify.events import event_of
from pipeline.notify.fanout import Channel, fan_out
from pipeline.notify.told import Told
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit
from pipeline.telemetry.trace import current_headers
from pipeline.times import utc_now

LEASE = timedelta(seconds=60)
"""Longer than the function may run, shorter than a message stays hidden: who comes after a crash finds it free."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers which messages are to come again; what a message tells of is told, whatever happens to the others."""
    start, settings = time.monotonic(), Settings.of()
    channels, counted = _channels(settings), list[tuple[str, bool]]()
    table, dynamodb = settings.text("NOTIFICATIONS_TABLE"), client("dynamodb")

    def work(text: str) -> None:
        told = Told(dynamodb, table, owner=secrets.token_hex(8), lease=LEASE)
        fan_out(event_of(text), channels, told, utc_now, lambda channel, whole: counted.append((channel, whole)))

    answer = in_parallel(event, work, sqs=client("sqs"), url=settings.text("OUTBOX_QUEUE_URL"))
    for (channel, whole), count in sorted(Counter(counted).items()):
        emit({"NotificationsSent" if whole else "NotificationsFailed": count}, channel=channel)
    log("notifications", outcome="ok", count=len(event.get("Records", ())), failed=len(answer["batchItemFailures"]),
        duration_ms=(time.monotonic() - start) * 1000)
    return answer


def _channels(settings: Settings) -> list[Channel]:
    endpoints = Endpoints(client("dynamodb"), settings.text("ENDPOINTS_TABLE"))
    send = queue(client("sqs"), settings.text("WEBHOOKS_QUEUE_URL"), current_headers)
    return [Topic(client("sns"), settings.text("EVENTS_TOPIC_ARN")), Bus(client("events"), settings.text("EVENT_BUS")),
            Webhooks(endpoints.active, send)]
