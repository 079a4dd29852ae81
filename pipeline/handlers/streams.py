"""The lake's Firehose streams, for the functions that send to them."""

from __future__ import annotations

import random
import time
from math import inf
from typing import Any

from pipeline.handlers.parts import client
from pipeline.lake.firehose import Sending, Timing
from pipeline.lake.packing import LIMITS, Limits
from pipeline.settings import Settings
from pipeline.telemetry import log

READ_S = 20.0
"""A call may carry 4 MiB."""


def firehose() -> Any:
    """The client; what it does not take is sent again by those who know which records."""
    return client("firehose", read_s=READ_S, attempts=1)


def names() -> dict[str, str]:
    """Name of each table's stream. Raises Misused where one is not set."""
    settings = Settings.of()
    return {
        "ledger_entries": settings.text("LEDGER_ENTRIES_STREAM"),
        "payment_states": settings.text("PAYMENT_STATES_STREAM"),
        "payment_events": settings.text("PAYMENT_EVENTS_STREAM"),
        "ledger_control": settings.text("LEDGER_CONTROL_STREAM"),
    }


def sending(longest_s: float = inf) -> Sending:
    """How this function sends, for `longest_s` from now on. Raises Misused."""
    settings = Settings.of()
    limits = Limits(record_bytes=settings.number("LAKE_RECORD_BYTES", LIMITS.record_bytes),
                    call_bytes=settings.number("LAKE_CALL_BYTES", LIMITS.call_bytes))
    return Sending(Timing(time.monotonic, time.sleep, random.random), log, limits,
                   deadline=time.monotonic() + longest_s)
