"""After the last request: recovery is asked as by its schedule, until no saga is unfinished and no webhook waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.deploy import STACK, invoked
from infra.local.errors import LocalRefused
from infra.local.gateways.client import Client
from infra.local.traffic.ledger import Row, unfinished

SWEEP_S = 2.0
"""Between two sweeps: a sweep that finds nothing costs little, and a lease may end at any time."""
FAILED_AT_MOST = 3
"""Sweeps in a row that may be cut off."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settled:
    """`found` payments were unfinished when the requests were over, `left` still are; `sweeps` were asked for."""

    found: int
    left: int
    sweeps: int
    seconds: float
    webhooks_left: int

    def __add__(self, later: Settled) -> Settled:
        """Both together: what is left is what the later one left."""
        return Settled(self.found + later.found, later.left, self.sweeps + later.sweeps, self.seconds + later.seconds,
                       later.webhooks_left)


def settle(dsn: str, gateways: Client, aws: Mapping[str, str], *, patience_s: float, tell: Tell) -> Settled:
    """Waits until everything is resolved, at most `patience_s`. Raises LocalRefused where a part does not answer."""
    start = time.monotonic()
    seen: set[int] = set()
    sweeps = failed = 0
    while True:
        rows = unfinished(dsn, datetime.now(UTC))
        waiting = int(gateways.webhook_state()["waiting"])
        seen |= {int(row["payment_id"]) for row in rows}
        passed = time.monotonic() - start
        if (not rows and not waiting) or passed >= patience_s:
            return Settled(len(seen), len(rows), sweeps, passed, waiting)
        tell(_words(rows, waiting, passed))
        if any(row["lease_s"] <= 0 for row in rows):
            try:
                invoked(aws, f"{STACK}-Recovery", {})
                failed = 0
            except LocalRefused:
                # One that a busy machine cut off is asked for again, as by its schedule.
                failed += 1
                if failed == FAILED_AT_MOST:
                    raise
            sweeps += 1
        time.sleep(SWEEP_S if rows else 0.3)


def _words(rows: list[Row], waiting: int, passed: float) -> str:
    """How far it is, for a person who waits."""
    if not rows:
        return f"{waiting} webhooks are still to be delivered ({passed:.0f} s)"
    soonest = min(float(row["lease_s"]) for row in rows)
    statuses = ", ".join(sorted({str(row["status"]) for row in rows}))
    when = "now" if soonest <= 0 else f"in {soonest:.0f} s"
    return f"{len(rows)} sagas to finish ({statuses}), the next {when} ({passed:.0f} s)"
