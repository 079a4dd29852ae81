"""The function that schedules fire: one reconciliation, kept, registered, flagged. The clock is read here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from recon.match.request import BadRequest
from recon.schedule.job.again import OneShot
from recon.schedule.job.firing import BadFiring, Firing
from recon.schedule.job.followers import Following
from recon.schedule.job.settings import JobSettings
from recon.schedule.job.walk import Ended, Job, fire
from recon.store.place import open_place


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Does what `event` (see Firing.parse) asks for; {outcome: done | waiting | already | busy, ...}.

    What fails is logged, told and raised, so that the caller delivers the event again and in the end keeps it.
    """
    try:
        settings = JobSettings.from_environment()
        place = open_place(settings.runs)
        following = Following.of(lake=settings.lake, place=place, engine=settings.engine, topic=settings.topic,
                                 measure=_line)
        job = Job(
            settings.lake, settings.engine, place, following,
            OneShot(settings.retry_group, context.invoked_function_arn, settings.retry_role,
                    settings.retry_dead_letters),
            settings.retry_every, settings.retry_for)
        try:
            ended = fire(Firing.parse(event), job, owner=context.aws_request_id, clock=_now)
        except (BadFiring, BadRequest) as refused:
            given = event if isinstance(event, Mapping) else {"event": event}
            following.refused(given, str(refused), now=_now())
            raise
    except Exception as error:
        _line(json.dumps({"event": "firing_failed", "said": str(error), "kind": type(error).__name__,
                          "firing": event}, default=str))
        raise
    answer = _told(ended, settings.runs)
    _line(json.dumps({"event": "fired", **answer}))
    return answer


def _told(ended: Ended, place: str) -> dict[str, Any]:
    attempt = asdict(ended.attempt) if ended.attempt else {}
    return {"outcome": ended.outcome, **ended.firing.event(), "next_attempt_at": ended.next_attempt_at, "runs": place,
            "folder": attempt.get("folder", ""), "run_id": attempt.get("run_id", ""),
            "status": attempt.get("status", "")}


def _now() -> datetime:
    return datetime.now(UTC)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
