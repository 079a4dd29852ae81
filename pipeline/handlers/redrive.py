"""Redrive: sends again what Firehose left under the lake's error prefix, when an operator asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.errors import Misused, PipelineError
from pipeline.handlers.parts import client, refused
from pipeline.handlers.streams import READ_S, firehose, names, sending
from pipeline.lake.failed import ERRORS, HELD
from pipeline.lake.firehose import Stream
from pipeline.lake.kinds import TABLES
from pipeline.lake.redrive import Redrive
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.times import iso_ms, utc_now

LONGEST = timedelta(seconds=40)
"""Of one invocation; who calls waits a minute for the answer. The object that it is at then is finished first."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"held": true} goes through the lines that were kept instead of the errors; {"before": ISO time} takes only what
    was there before, by default now.

    Answers with the counts of Redriven and `before`; where `more` is true, the next call is given that `before`.
    """
    started = utc_now()
    try:
        before = _before(event.get("before"), started)
        streams = {table: Stream(firehose(), name, TABLES[table], sending()) for table, name in names().items()}
        s3 = client("s3", read_s=READ_S)
        work = Redrive(s3, Settings.of().text("LAKE_BUCKET"), streams, utc_now, log)
        done = work.run(before=before, until=started + LONGEST, prefix=HELD if event.get("held") else ERRORS)
    except PipelineError as error:
        log("redrive", outcome="failed", reason=str(error))
        return refused(error)
    log("redrive", outcome="ok", found=done.objects, items=done.lines, delivered=done.sent, skipped=done.held,
        done=done.removed, failed=done.left)
    return {"outcome": "ok", "before": iso_ms(before), **done.counts()}


def _before(text: object, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Misused(f"before is {str(text)[:40]!r}; a time as 2026-01-31T12:00:00.000Z is accepted")
    return at
