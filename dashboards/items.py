"""The rows of a run's divergences and totals in the shapes that figures and tables share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from recon.match.result import RunResult

Total = Mapping[str, Any]
Account = tuple[str, str, str]
"""Gateway, gateway account, currency."""

_NEEDED = ["divergence_id", "class", "severity", "subject_id", "gateway", "gateway_account", "currency", "payment_id",
           "native_id", "batch_id", "ledger_minor", "gateway_minor", "diff_minor", "identity_minor", "reason",
           "nearest_miss", "first_seen_at"]  # fmt: skip


def rows(result: RunResult) -> list[dict[str, Any]]:
    """Every divergence as a mapping, without the long columns that nobody reads on a page."""
    return result.divergences.select(_NEEDED).to_pylist()


def account(row: Mapping[str, Any]) -> Account:
    """The books that a row or a total belongs to."""
    return (row["gateway"] or "", row["gateway_account"] or "", row["currency"] or "")


def name(books: Account) -> str:
    """'stripe · acct_main · EUR', without what is empty."""
    return " · ".join(part for part in books if part)


def identity_by_class(result: RunResult) -> dict[Account, dict[str, int]]:
    """identity_minor summed per books and class; classes that explain nothing are left out."""
    sums: dict[Account, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    table = result.divergences.select(["gateway", "gateway_account", "currency", "class", "identity_minor"])
    grouped = table.group_by(["gateway", "gateway_account", "currency", "class"]).aggregate([("identity_minor", "sum")])
    for row in grouped.to_pylist():
        if row["identity_minor_sum"]:
            sums[account(row)][row["class"]] += row["identity_minor_sum"]
    return {books: dict(classes) for books, classes in sums.items()}


def unexplained(result: RunResult) -> dict[str, int]:
    """Per currency, in minor units: what nothing explains, each account counted positive so that none hides another."""
    left: dict[str, int] = defaultdict(int)
    for total in result.summary["totals"]:
        left[total["currency"]] += abs(total["unexplained_minor"])
    return dict(sorted(left.items()))


def age(result: RunResult, row: Mapping[str, Any]) -> timedelta | None:
    """How long before as_of the divergence could first be seen."""
    seen: datetime | None = row["first_seen_at"]
    return None if seen is None else max(timedelta(0), result.as_of.replace(tzinfo=None) - seen.replace(tzinfo=None))


def age_text(value: timedelta | None) -> str:
    """'5 h', '3 d 4 h'."""
    if value is None:
        return "–"
    hours = value // timedelta(hours=1)
    return f"{hours} h" if hours < 48 else f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


def size(row: Mapping[str, Any]) -> int:
    """What the item is worth, in minor units of its currency, whichever side it is missing from."""
    worth: int = abs(row["diff_minor"])
    return worth
