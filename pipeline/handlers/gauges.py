"""Gauges: once a minute what operations watch, on one line. What cannot be read is missing there, which is alarmed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError
from pipeline.handlers.parts import client, database
from pipeline.ids.slots import DynamoSlots
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit
from pipeline.times import utc_now

if TYPE_CHECKING:
    from pipeline.ledger.gauges import Gauges
    from pipeline.ledger.outbox import Outbox

WINDOW = timedelta(minutes=10)
"""Journals that are added up each time: the last ones, and some that were before."""

Values = Mapping[str, int | float]


def sagas(gauges: Gauges, at: datetime) -> Values:
    """What has not ended; ages in seconds, 0 where there is nothing."""
    found = gauges.unfinished()
    return {"OldestUnfinishedSaga": _age(found.oldest, at), "InDoubt": found.in_doubt, "CompensationStuck": found.stuck}


def imbalance(gauges: Gauges, at: datetime) -> Values:
    """Journals and currencies that do not add up to zero."""
    journals = gauges.crooked_journals(since=at - WINDOW, until=at + WINDOW)
    return {"Imbalance": journals + sum(amount != 0 for amount in gauges.trial_balance().values())}


def waiting(outbox: Outbox, at: datetime) -> Values:
    """How far the relay is behind."""
    rows, oldest = outbox.lag()
    return {"OutboxWaiting": rows, "OutboxLag": _age(oldest, at)}


def slots(table: DynamoSlots, at: datetime) -> Values:
    """Workers that mint ids, and those that left less than a lease ago."""
    return {"SlotsInUse": table.in_use(at_ms=int(at.timestamp() * 1000))}


def read(sources: Mapping[str, Callable[[], Values]]) -> tuple[dict[str, int | float], list[str]]:
    """Values of all sources that could be read, and the names of the others. One that fails holds up no other."""
    values: dict[str, int | float] = {}
    failed = []
    for name, source in sources.items():
        try:
            values |= source()
        except PipelineError as error:
            log("gauge_not_read", kind=name, error=type(error).__name__, reason=str(error))
            failed.append(name)
    return values, failed


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"outcome", "values", "failed"}; `retryable` where a source could not be read."""
    from pipeline.ledger.gauges import Gauges
    from pipeline.ledger.outbox import Outbox

    start, at = time.monotonic(), utc_now()
    values, failed = read({
        "sagas": lambda: sagas(Gauges(database()), at),
        "imbalance": lambda: imbalance(Gauges(database()), at),
        "outbox": lambda: waiting(Outbox(database()), at),
        "slots": lambda: slots(DynamoSlots(client("dynamodb"), Settings.of().text("WORKER_SLOTS_TABLE")), at),
    })
    outcome = "retryable" if failed else "ok"
    if values:
        emit(values, properties={"event": "gauges", "duration_ms": (time.monotonic() - start) * 1000,
                                 "failed": len(failed)})
    return {"outcome": outcome, "values": values, "failed": failed}


def _age(since: datetime | None, at: datetime) -> float:
    return 0.0 if since is None else max((at - since).total_seconds(), 0.0)
