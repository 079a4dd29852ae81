"""What came of a run, in numbers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from infra.local.traffic.checks import resting
from infra.local.traffic.findings import Check
from infra.local.traffic.ledger import Ledger
from infra.local.traffic.settle import Settled
from infra.local.traffic.shop import Exchange

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Summary:
    """`requests` counts by kind of request and status (0: no answer), `payments` by status and gateway, those of this
    run; latencies in seconds by kind of request and percentile; `in_doubt`: answered 202 or finished by recovery."""

    run: str
    seed: int
    asked: int
    concurrency: int
    seconds: float
    kinds: Mapping[str, int]
    requests: Mapping[str, Mapping[int, int]]
    payments: Mapping[str, Mapping[str, int]]
    latency_s: Mapping[str, Mapping[int, float]]
    in_doubt: int
    interrupted: int
    resting: int
    settled: Settled
    checks: Sequence[Check]

    @property
    def per_second(self) -> float:
        """Payments per second while requests were made, everything slow included."""
        return self.asked / self.seconds if self.seconds else 0.0

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a program."""
        checks = [{"name": check.name, "holds": check.holds, "looked_at": check.looked_at, "unit": check.unit,
                   "faults": [asdict(fault) for fault in check.faults]} for check in self.checks]
        return {
            "run": self.run, "seed": self.seed, "payments_asked": self.asked, "concurrency": self.concurrency,
            "seconds": round(self.seconds, 3), "payments_per_second": round(self.per_second, 3),
            "kinds": dict(self.kinds), "requests": {what: dict(by) for what, by in self.requests.items()},
            "payments": {status: dict(by) for status, by in self.payments.items()},
            "latency_ms": {what: {f"p{rank}": round(seconds * 1000, 1) for rank, seconds in by.items()}
                           for what, by in self.latency_s.items()},
            "in_doubt": {"found": self.in_doubt, "unfinished_after_requests": self.settled.found,
                         "left": self.settled.left, "sweeps": self.settled.sweeps,
                         "seconds": round(self.settled.seconds, 3)},
            "interrupted": self.interrupted, "resting_authorized": self.resting,
            "webhooks_left": self.settled.webhooks_left,
            "checks": checks, "holds": self.holds,
        }


def summed(run: str, seed: int, concurrency: int, seconds: float, kinds: Mapping[str, int], stopped: int,
           exchanges: Sequence[Exchange], ledger: Ledger, settled: Settled, checks: Sequence[Check]) -> Summary:
    """The summary of a run that took `seconds` from its first request to its last."""
    requests: dict[str, Counter[int]] = defaultdict(Counter)
    took: dict[str, list[float]] = defaultdict(list)
    for exchange in exchanges:
        what = exchange.what if exchange.number >= 0 else "warm-up"
        requests[what][exchange.status] += 1
        took[what].append(exchange.seconds)
    ours = [row for row in ledger.payments if (row["reference"] or "").startswith(f"{run}-")]
    payments: dict[str, Counter[str]] = defaultdict(Counter)
    for row in ours:
        payments[row["status"]][row["gateway"]] += 1
    accepted = {exchange.payment_id for exchange in exchanges if exchange.status == 202}
    recovered = {str(row["payment_id"]) for row in ours if row["takeovers"] > 0}
    return Summary(run, seed, sum(kinds.values()), concurrency, seconds, kinds, requests, payments,
                   {what: percentiles(found) for what, found in took.items()}, len((accepted | recovered) - {None}),
                   stopped, resting(ledger), settled, checks)


def percentiles(seconds: Sequence[float]) -> dict[int, float]:
    """The nearest-rank percentiles of at least one duration."""
    ordered = sorted(seconds)
    return {rank: ordered[max(math.ceil(len(ordered) * rank / 100) - 1, 0)] for rank in PERCENTILES}
