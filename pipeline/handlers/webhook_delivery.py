"""WebhookDelivery: makes the attempts that are due, a batch of the webhooks' queue at a time, all at once."""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from datetime import timedelta
from functools import cache
from typing import Any

from pipeline.handlers.batches import in_parallel
from pipeline.handlers.parts import client
from pipeline.notify.addresses import Allowed
from pipeline.notify.deliveries import Delivery, dead_letters, queue
from pipeline.notify.delivering import Parts, deliver
from pipeline.notify.endpoints import Endpoints
from pipeline.notify.posting import Poster
from pipeline.notify.schedule import STANDARD, Schedule
from pipeline.notify.told import Told
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit
from pipeline.telemetry.trace import current_headers
from pipeline.times import utc_now

LEASE = timedelta(seconds=60)
"""Longer than the function may run, shorter than a message stays hidden: who comes after a crash finds it free."""

ATTEMPTED = ("delivered", "failed", "gone", "exhausted")
"""Outcomes of which an attempt was made."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers which messages are to come again; a merchant that does not answer holds up none of the others."""
    start, outcomes = time.monotonic(), list[str]()
    settings, poster = Settings.of(), _poster()
    url, dynamodb, sqs = settings.text("WEBHOOKS_QUEUE_URL"), client("dynamodb"), client("sqs")
    endpoints = Endpoints(dynamodb, settings.text("ENDPOINTS_TABLE"))
    table, schedule = settings.text("NOTIFICATIONS_TABLE"), Schedule.of(settings.text("WEBHOOK_SCHEDULE", STANDARD))
    again = queue(sqs, url, current_headers)
    give_up = dead_letters(sqs, settings.text("WEBHOOKS_DEAD_LETTERS_URL"))

    def work(text: str) -> None:
        told = Told(dynamodb, table, owner=secrets.token_hex(8), lease=LEASE)
        outcomes.append(deliver(Delivery.read(text), Parts(
            endpoints, told, poster, schedule, again, give_up, utc_now, random.random)))

    answer = in_parallel(event, work, sqs=sqs, url=url)
    counts = Counter(outcomes)
    for outcome in ATTEMPTED:
        if counts[outcome]:
            emit({"WebhookAttempts": counts[outcome]}, outcome=outcome)
    log("webhooks", outcome="ok", count=len(event.get("Records", ())), failed=len(answer["batchItemFailures"]),
        delivered=counts["delivered"], skipped=len(outcomes) - sum(counts[outcome] for outcome in ATTEMPTED),
        duration_ms=(time.monotonic() - start) * 1000)
    return answer


@cache
def _poster() -> Poster:
    return Poster(Allowed.of(Settings.of().text("WEBHOOK_ALLOWED_NETWORKS", " ")))
