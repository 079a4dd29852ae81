"""How old open cases are, which are overdue, and how much is at risk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from recon.breaks.case import Amounts, Case

BUCKETS: tuple[tuple[str, timedelta | None], ...] = (
    ("<24 h", timedelta(hours=24)), ("1-3 d", timedelta(days=3)), ("3-7 d", timedelta(days=7)),
    ("7-30 d", timedelta(days=30)), (">30 d", None),
)  # fmt: skip
"""Name and end of each, itself left out."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of unfinished cases: how many, how many overdue, counts by age, minor units at risk by currency."""

    cases: int
    overdue: int
    by_age: dict[str, int]
    at_risk_minor: Amounts
    oldest: timedelta | None


def age(case: Case, now: datetime) -> timedelta:
    """How long the case has been waiting; none before its time begins."""
    return max(now - case.since, timedelta(0))


def bucket(case: Case, now: datetime) -> str:
    """The name of its age."""
    old = age(case, now)
    return next(name for name, end in BUCKETS if end is None or old < end)


def is_overdue(case: Case, now: datetime) -> bool:
    """Whether somebody should have finished it by now."""
    return case.is_unfinished and case.due_at <= now


def totals(cases: Iterable[Case], now: datetime) -> Totals:
    """The figures over those of `cases` that are unfinished."""
    unfinished = [case for case in cases if case.is_unfinished]
    at_risk: Counter[str] = Counter()
    for case in unfinished:
        for currency, amount_minor in case.at_risk_minor.items():
            at_risk[currency] += amount_minor
    counts = Counter(bucket(case, now) for case in unfinished)
    return Totals(len(unfinished), sum(is_overdue(case, now) for case in unfinished),
                  {name: counts[name] for name, _ in BUCKETS}, dict(sorted(at_risk.items())),
                  max((age(case, now) for case in unfinished), default=None))
