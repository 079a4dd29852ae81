"""The lake's Firehose streams, for the functions that send to them."""

from __future__ import annotations

import random
import time
from typing import Any

from pipeline.handlers.parts import client
from pipeline.lake.firehose import Timing
from pipeline.settings import Settings

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


def timing() -> Timing:
    """This machine's."""
    return Timing(time.monotonic, time.sleep, random.random)
