"""One JSON line per event on standard output, of fields that are on a list: what is not on it is never logged."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping

IDENTIFIERS = frozenset({
    "payment_id", "merchant_id", "trace_id", "execution", "request_id", "worker", "slot", "event_id", "outbox_id",
    "gateway_ref", "operation_ref",
})
"""Names of things, logged as they are."""

FIELDS = IDENTIFIERS | frozenset({
    "saga", "step", "direction", "outcome", "status", "cause", "fence", "version", "sequence", "attempt", "attempts",
    "gateway", "operation", "code", "error", "reason", "route", "method", "http_status", "field", "currency",
    "amount_minor", "capture_mode", "decision", "score", "model", "retry_after_s", "duration_ms", "budget_ms",
    "waited_ms", "lease_s", "age_s", "count", "found", "claimed", "done", "failed", "resolved", "delivered", "skipped",
    "stuck", "cold", "replayed", "takeover", "lock", "migration", "migrations", "limits", "kind", "function", "items",
    "channel",
})
"""All fields that a line may have. None of them may ever hold a secret, a token, a key or the body of a request."""

TEXT_LENGTH = 300
_CARD_LIKE = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


def log(event: str, **fields: object) -> None:
    """Writes one line: `event` and those of `fields` that are on the list; names of the others go to `left_out`.

    Values are numbers, truth values, None, or text (cut at 300 characters; anything else is logged as its type's name).
    What looks like a card number in a text is masked, except in identifiers.
    """
    write({"event": event, **listed(fields)})


def is_on(variable: str) -> bool:
    """Whether the environment's `variable` says yes."""
    return os.environ.get(variable, "").lower() in ("1", "true", "yes", "on")


def listed(fields: Mapping[str, object]) -> dict[str, object]:
    """`fields` as a line may have them."""
    line = {name: _value(name, value) for name, value in fields.items() if name in FIELDS}
    if strangers := sorted(fields.keys() - FIELDS):
        line["left_out"] = strangers
    return line


def write(line: Mapping[str, object]) -> None:
    """One JSON document on a line of its own."""
    sys.stdout.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def _value(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int):
        # A JSON reader may keep 53 bits.
        return str(value) if name in IDENTIFIERS and value is not None else value
    if isinstance(value, float):
        return round(value, 3) if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, str):
        return value[:TEXT_LENGTH] if name in IDENTIFIERS else _CARD_LIKE.sub("[masked]", value)[:TEXT_LENGTH]
    return f"({type(value).__name__})"
