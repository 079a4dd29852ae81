"""A run that failed, or an event that is no run: somebody is told, once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recon.alerts import links
from recon.alerts.cause import Cause
from recon.alerts.commands import again
from recon.alerts.deliver import send_due
from recon.alerts.journal import FLAGGED, Journal, Said
from recon.alerts.judge import RUN_FAILED
from recon.alerts.message import SENTENCE, VERSION, message_id
from recon.alerts.send import Topic
from recon.store.place import Place


def tell_failed(
    place: Place, topic: Topic, parameters: Mapping[str, str], *, error: str, kept: str, now: datetime,
    region: str | None = None,
) -> list[str]:
    """Tells that a run failed: once, until it is there (then that it recovered). Returns ids of what was sent.

    `parameters`: window, as_of (RFC 3339, as summary.json has it), known_at, lake, engine. `error` is its plain
    message, `kept` where the half-run notebook lies. Raises FlagsNotSent.
    """
    cause = Cause(RUN_FAILED, subject=f"run:{parameters['window']}:{parameters['as_of']}")
    attempt = hashlib.sha256(f"{cause.fingerprint} {parameters['known_at']}".encode()).hexdigest()[:32]
    message = {
        **_failure(cause, attempt, parameters, error),
        "run": kept,
        "links": links.of_run(kept, region),
        "commands": {"run": again(parameters, parameters["lake"])},
    }
    journal = Journal(place)

    def decide(before: Said | None) -> Said | None:
        if before and before.is_flagged:
            return before if before.message["message_id"] == message["message_id"] else None
        return Said(cause, FLAGGED, "break", parameters["known_at"], False, message)

    journal.say(cause, decide, now)
    return send_due(journal, topic, attempt, now)


def tell_refused(place: Place, topic: Topic, event: Mapping[str, Any], *, error: str, now: datetime) -> list[str]:
    """Tells that an event is no firing of a schedule: once per event and day of `now`. Raises FlagsNotSent."""
    text = repr(sorted((str(name), str(value)) for name, value in event.items()))
    day = f"{now:%Y-%m-%dT00:00:00Z}"
    cause = Cause("event_refused", subject=f"event:{hashlib.sha256(text.encode()).hexdigest()[:16]}:{day[:10]}")
    known = {"window": str(event.get("window") or "none")[:20], "as_of": day, "known_at": day}
    message = {**_failure(cause, cause.fingerprint, known, error), "run": "", "links": {}, "commands": {}}
    journal = Journal(place)
    journal.post(message, now)
    return send_due(journal, topic, cause.fingerprint, now)


def _failure(cause: Cause, run_id: str, known: Mapping[str, str], error: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "kind": "failed",
        "message_id": message_id(cause, "failed", run_id),
        "fingerprint": cause.fingerprint,
        "cause": cause.to_dict(),
        "severity": "break",
        "window": known["window"],
        "as_of": known["as_of"],
        "known_at": known["known_at"],
        "run_id": run_id,
        "reason": error if len(error) <= SENTENCE else f"{error[: SENTENCE - 1]}…",
        "open_cases": 0,
        "value_at_risk": [],
        "trend": None,
    }
