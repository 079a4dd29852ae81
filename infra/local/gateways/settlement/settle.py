"""Writes the settlement files that are due, of all accounts, and remembers how far it has come."""

from __future__ import annotations

import threading
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from infra.local.gateways.settlement import adyen, stripe
from infra.local.gateways.settlement.files import day_of, starts, write
from infra.local.gateways.settlement.lines import first_at
from infra.local.gateways.store import Store

_one_at_a_time = threading.Lock()
_VENDORS = {"stripe": (stripe.plan, stripe.report, UTC), "adyen": (adyen.plan, adyen.report, ZoneInfo(adyen.ZONE))}


def settle(store: Store, folder: Path, until: int) -> list[dict[str, Any]]:
    """Files whose reports are ready by `until` (milliseconds UTC) and that were not written before; name and times.

    A file is written again, the same, where it was cut off between the file and what is remembered of it.
    """
    written = []
    with _one_at_a_time:
        accounts = store.rows("SELECT DISTINCT vendor, account FROM payments ORDER BY 1, 2")
        for vendor, account in ((row["vendor"], row["account"]) for row in accounts):
            plan, report, zone = _VENDORS[vendor]
            done = f"settled:{vendor}:{account}"
            begun = first_at(store, vendor, account)
            if begun is None:
                continue
            since = int(store.fact(done) or starts(day_of(begun, zone), zone))
            for planned in plan(since, until):
                made = report(store, account, _from(planned, store.fact(done)))
                if made is None:
                    continue
                planned = _from(planned, store.fact(done))
                write(folder, account, planned, made)
                with store.transaction():
                    for name, value in {**made.facts, done: str(planned.until)}.items():
                        store.remember(name, value)
                written.append({"name": made.name, "gateway": vendor, "gateway_account": account,
                                "since": planned.since, "until": planned.until, "received_at": planned.ready})
    return written


def _from(planned: Any, settled: str | None) -> Any:
    """The plan, speaking also for the quiet time since the last file."""
    return planned if settled is None else type(planned)(planned.day, int(settled), planned.until, planned.ready)
