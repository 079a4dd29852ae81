"""Run results made by hand, shaped as a run leaves them, with both identities true."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from recon.match.result import DIVERGENCES, MATCHES, RunResult

AS_OF = datetime(2026, 3, 15, tzinfo=UTC)
ACCOUNTS = (("adyen", "ShopEU"), ("adyen", "ShopUS"), ("stripe", "acct_main"), ("stripe", "acct_asia"))
CURRENCIES = ("EUR", "JPY", "KWD", "USD")
RUN_ID = "7c1f0b9e4d2a8855"


@dataclass(frozen=True, slots=True)
class Item:
    """One divergence in short; amounts in minor units, `age_h` hours before as_of."""

    name: str
    account: int
    currency: str
    ledger: int | None
    gateway: int | None
    diff: int
    identity: int
    age_h: int
    severity: str = "break"
    subject: str = "movement"


ITEMS: tuple[Item, ...] = (
    Item("missing_at_gateway", 0, "EUR", 1_249_900, None, 1_249_900, 1_249_900, 170),
    Item("missing_at_gateway", 2, "USD", 4_299, None, 4_299, 4_299, 26),
    Item("missing_in_ledger", 2, "USD", None, 15_000, -15_000, -15_000, 12, subject="line"),
    Item("duplicate_capture", 2, "EUR", None, 8_450, -8_450, -8_450, 60, subject="line"),
    Item("amount_mismatch", 0, "EUR", 10_000, 9_990, 10, 10, 100),
    Item("scale_error", 3, "JPY", 4_500, 450_000, -445_500, -445_500, 200),
    Item("scale_error", 1, "KWD", 12_345, 1_234, 11_111, 11_111, 800),
    Item("refund_missing_at_gateway", 1, "USD", -3_300, None, -3_300, -3_300, 44),
    Item("chargeback_unposted", 3, "USD", None, -9_900, 9_900, 9_900, 340, subject="line"),
    Item("ambiguous_match", 2, "EUR", 5_000, 5_000, 0, 0, 75, "warning", "group"),
    Item("fee_variance", 2, "EUR", None, None, -35, 0, 5, "warning", "line"),
    Item("payout_residual", 1, "USD", None, None, 1_200, 0, 130, "break", "batch"),
    Item("feed_late", 1, "USD", None, None, 0, 0, 9, "timing", "feed"),
    Item("duplicate_delivery", 0, "EUR", None, None, 0, 0, 3, "info", "hour"),
)


def build(
    items: Sequence[Item] = ITEMS, *, unexplained: Mapping[tuple[int, str], int] | None = None, status: str = "ok",
    pending_minor: int = 250_000,
) -> RunResult:
    """A T+7 result with four accounts and four currencies; `unexplained` by (account, currency) in minor units.

    `pending_minor` is pending in each currency of the second account.
    """
    rows = sorted((_row(number, item) for number, item in enumerate(items)), key=lambda row: str(row["divergence_id"]))
    cohort_from = AS_OF - timedelta(days=7)
    summary = {
        "window": "T+7", "as_of": _z(AS_OF), "known_at": _z(AS_OF),
        "cohort_from": _z(cohort_from), "cohort_to": _z(cohort_from + timedelta(days=1)),
        "engine": "duckdb", "run_id": RUN_ID, "status": status,
        "totals": _totals(items, unexplained or {}, pending_minor),
        "value_at_risk": _at_risk(items), "batches": _batches(), "classes": _classes(items),
        "decidable": _decidable(), "feeds": _feeds(cohort_from), "seconds": {"matching": 0.41}, "later_files": 0,
        "scan": None,
    }  # fmt: skip
    return RunResult(
        window="T+7", as_of=AS_OF, known_at=AS_OF, cohort_from=cohort_from, cohort_to=cohort_from + timedelta(days=1),
        engine="duckdb", run_id=RUN_ID, divergences=pa.Table.from_pylist(rows, schema=DIVERGENCES),
        matches=pa.table({"journal_id": ["j1"], "line_id": ["l1"], "rule": ["operation_ref"]}, schema=MATCHES),
        summary=summary, manifest={"run_id": RUN_ID, "inputs": []},
    )  # fmt: skip


def _row(number: int, item: Item) -> dict[str, Any]:
    gateway, account = ACCOUNTS[item.account]
    subject = f"{item.subject}:{number:04d}"
    naive = AS_OF.replace(tzinfo=None)
    return {
        "divergence_id": _hash(item.name, subject, item.currency), "case_id": _hash(subject), "run_id": RUN_ID,
        "window": "T+7", "as_of": naive, "known_at": naive, "class": item.name, "severity": item.severity,
        "subject_kind": item.subject, "subject_id": subject, "gateway": gateway, "gateway_account": account,
        "currency": item.currency, "payment_id": 7_300_000_000_000_000_000 + number, "native_id": f"txn_{number:06d}",
        "batch_id": None, "ledger_minor": item.ledger, "gateway_minor": item.gateway, "diff_minor": item.diff,
        "identity_minor": item.identity, "nearest_miss": None, "root_cause": None, "trace_id": None,
        "reason": f"The other side of <{item.name}> was looked for by every key & not found.", "evidence": "[]",
        "first_seen_at": naive - timedelta(hours=item.age_h),
    }  # fmt: skip


def _totals(
    items: Sequence[Item], unexplained: Mapping[tuple[int, str], int], pending_minor: int
) -> list[dict[str, Any]]:
    named: dict[tuple[int, str], int] = defaultdict(int)
    divergent: dict[tuple[int, str], int] = defaultdict(int)
    for item in items:
        named[item.account, item.currency] += item.identity
        divergent[item.account, item.currency] += item.identity != 0
    totals = []
    for position, (gateway, account) in enumerate(ACCOUNTS):
        for currency in CURRENCIES:
            key = position, currency
            ledger, pending = 900_000_000 + 1_234_567 * position + len(currency), pending_minor if position == 1 else 0
            left = unexplained.get(key, 0)
            totals.append({
                "gateway": gateway, "gateway_account": account, "currency": currency,
                "movements": 1_200 + position, "matched": 1_200 + position - divergent[key] - (pending > 0),
                "pending": int(pending > 0), "divergent": divergent[key], "ledger_minor": ledger,
                "ledger_value_minor": ledger, "matched_value_minor": ledger - abs(named[key]) - pending,
                "gateway_minor": ledger - named[key] - pending - left,
                "matched_minor": ledger - abs(named[key]) - pending,
                "named_minor": named[key], "pending_minor": pending, "held_minor": 0, "unexplained_minor": left,
            })  # fmt: skip
    return totals


def _classes(items: Sequence[Item]) -> dict[str, Any]:
    classes: dict[str, Any] = {}
    for item in items:
        entry = classes.setdefault(item.name, {"rows": 0, "diff_minor": defaultdict(int)})
        entry["rows"] += 1
        entry["diff_minor"][item.currency] += item.diff
    return {name: {"rows": entry["rows"], "diff_minor": dict(entry["diff_minor"])} for name, entry in classes.items()}


def _at_risk(items: Sequence[Item]) -> dict[str, int]:
    risk: dict[str, int] = defaultdict(int)
    for item in items:
        if item.severity in ("break", "warning"):
            risk[item.currency] += abs(item.diff)
    return dict(sorted(risk.items()))


def _batches() -> list[dict[str, Any]]:
    return [
        {"gateway": "adyen", "gateway_account": "ShopUS", "batch_id": "301", "currency": "USD", "net_minor": 901_200,
         "payout_minor": 900_000, "residual_minor": 1_200},
        {"gateway": "adyen", "gateway_account": "ShopEU", "batch_id": "302", "currency": "EUR", "net_minor": 50_000,
         "payout_minor": 50_000, "residual_minor": 0},
        {"gateway": "stripe", "gateway_account": "acct_asia", "batch_id": "po_1", "currency": "JPY", "net_minor": 7_000,
         "payout_minor": None, "residual_minor": None},
    ]  # fmt: skip


def _decidable() -> list[dict[str, Any]]:
    return [
        {"gateway": "stripe", "gateway_account": "acct_asia", "class": "fee_variance", "decidable": False,
         "reason": "no fee schedule is loaded for this account"},
        {"gateway": "adyen", "gateway_account": "ShopEU", "class": "payout_residual", "decidable": True, "reason": ""},
    ]  # fmt: skip


def _feeds(cohort_from: datetime) -> list[dict[str, Any]]:
    feeds = []
    for position, (gateway, account) in enumerate(ACCOUNTS):
        for day in range(3):
            covers_from = cohort_from + timedelta(days=day - 1)
            late = position == 1 and day == 2
            status = "late" if late else "incomplete" if position == 3 and day == 1 else "accepted"
            due = covers_from + timedelta(days=2)
            feeds.append({
                "gateway": gateway, "gateway_account": account,
                "report_type": "payout_reconciliation" if gateway == "stripe" else "settlement_details",
                "covers_from": _z(covers_from), "covers_until": _z(covers_from + timedelta(days=1)), "status": status,
                "due_at": _z(due), "received_at": None if late else _z(due - timedelta(hours=5)),
                "rows": 0 if late else 1_210,
            })  # fmt: skip
    return feeds


def _z(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
