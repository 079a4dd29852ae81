"""Writes the settlement files that are due, of all accounts, and remembers how far it has come."""

from __future__ import annotations

import json
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


def settle(store: Store, folder: Path, until: int, quiet_since: int | None = None) -> list[dict[str, Any]]:
    """Files whose reports are ready by `until` (milliseconds UTC) and that were not written before; name and times.

    With `quiet_since` days on which nothing happened have their files as well, from that instant's day on. A file is
    written again, the same, where it was cut off between the file and what is remembered of it.
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
            first = begun if quiet_since is None else min(begun, quiet_since)
            since = int(store.fact(done) or starts(day_of(first, zone), zone))
            for planned in plan(since, until):
                made = report(store, account, _from(planned, store.fact(done)), quiet=quiet_since is not None)
                if made is None:
                    continue
                planned = _from(planned, store.fact(done))
                for one in (*made.beside, made):
                    write(folder, account, planned, one)
                    written.append({"name": one.name, "gateway": vendor, "gateway_account": account,
                                    "since": planned.since, "until": planned.until, "received_at": planned.ready})
                with store.transaction():
                    for name, value in {**made.facts, done: str(planned.until)}.items():
                        store.remember(name, value)
                    for place, said in enumerate(made.told):
                        body = json.dumps({**said, "gateway": vendor, "gateway_account": account})
                        store.change("INSERT OR REPLACE INTO settled VALUES (?, ?, ?)", made.name, place, body)
    return written


def settled(store: Store) -> list[dict[str, Any]]:
    """What the files say, in order: lines (native_id as recon counts it, operation, defect, amounts in ISO minor units)
    and payouts (batch, what was owed, what is told)."""
    return [{"file": row["file"], **json.loads(row["body"])}
            for row in store.rows("SELECT * FROM settled ORDER BY file, place")]


def _from(planned: Any, settled: str | None) -> Any:
    """The plan, speaking also for the quiet time since the last file."""
    return planned if settled is None else type(planned)(planned.day, int(settled), planned.until, planned.ready)
