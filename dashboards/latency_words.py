"""Plain words, colours and axes for how long payments take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dashboards import template
from recon.latency.result import LatencyResult

STEPS = {
    "start": "Start", "validate": "Validate", "reserve": "Reserve", "authorize": "Authorise", "capture": "Capture",
    "commit": "Commit", "void": "Void", "refund": "Refund", "chargeback": "Chargeback", "recovery": "Recovery",
    "in_doubt": "In doubt", "pay": "End to end", "wait": "Waiting for recovery", "work": "Recovery at work",
}  # fmt: skip
"""Every step in the order of the walk."""

GATEWAYS = {"stripe": ("Stripe", template.BLUE), "adyen": ("Adyen", template.ORANGE)}
PERCENTILES = {"p50": (template.BLUE, "circle"), "p95": (template.ORANGE, "diamond"), "p99": (template.RED, "square")}

OUTCOMES: dict[str, tuple[str, str, frozenset[str]]] = {
    "captured": ("Captured", template.GREEN, frozenset({"COMMITTED"})),
    "authorised": ("Authorised and resting", template.SKY, frozenset({"AUTHORIZED"})),
    "declined": ("Declined", template.ORANGE, frozenset({"DECLINED"})),
    "rejected": ("Rejected by us", "#b6c2cd", frozenset({"REJECTED"})),
    "voided": ("Voided", template.PURPLE, frozenset({"VOIDED"})),
    "returned": ("Refunded or charged back", template.BLUE,
                 frozenset({"PARTIALLY_REFUNDED", "REFUNDED", "CHARGED_BACK"})),
    "open": ("Not ended", template.RED, frozenset()),
}  # fmt: skip
"""Where a payment stands: words, colour and statuses; what no line names has not ended."""

HAPPENED = {"failed": "failed", "compensated": "undone", "in_doubt": "came into doubt", "recovered": "recovered",
            "started": "began", "succeeded": "succeeded"}  # fmt: skip

_TICKS = ((0.1, "0.1 ms"), (1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1_000, "1 s"), (10_000, "10 s"),
          (60_000, "1 min"), (600_000, "10 min"), (3_600_000, "1 h"), (36_000_000, "10 h"))  # fmt: skip
_BETWEEN = ((0.2, "0.2 ms"), (0.5, "0.5 ms"), (2, "2 ms"), (5, "5 ms"), (20, "20 ms"), (50, "50 ms"), (200, "200 ms"),
            (500, "500 ms"), (2_000, "2 s"), (5_000, "5 s"), (30_000, "30 s"), (180_000, "3 min"),
            (1_800_000, "30 min"), (10_800_000, "3 h"))  # fmt: skip
_FEW = 4
"""With fewer marks than this an axis gets those between as well."""


def step(name: str) -> str:
    """A step as people say it; one that is not in the list by its own name."""
    return STEPS.get(name, name.replace("_", " ").capitalize())


def place(name: str) -> tuple[int, str]:
    """What steps are sorted by."""
    return (list(STEPS).index(name) if name in STEPS else len(STEPS), name)


def gateways(result: LatencyResult) -> list[str]:
    """The gateways that the payments of the window have, in one order."""
    seen = set(result.summary["payments_by_gateway"])
    return [name for name in GATEWAYS if name in seen] + sorted(seen - set(GATEWAYS))


def gateway(name: str) -> tuple[str, str]:
    """A gateway's name and colour."""
    return GATEWAYS.get(name, (name.capitalize(), template.SOFT))


def outcome(status: str) -> str:
    """The key in OUTCOMES of a status."""
    return next((key for key, (_, _, statuses) in OUTCOMES.items() if status in statuses), "open")


def duration(ms: float) -> str:
    """A length for people: 0.84 ms, 842 ms, 1.24 s, 2 min 05 s, 3 h 04 min."""
    if ms < 10:
        return f"{ms:.2f} ms"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.2f} s"
    seconds = round(ms / 1_000)
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3_600} h {seconds % 3_600 // 60:02d} min"


def scale(values: Iterable[float], title: str = "Duration, logarithmic") -> dict[str, Any]:
    """A logarithmic axis of lengths in milliseconds that holds all of `values`, with readable marks."""
    seen = [value for value in values if value > 0] or [1]
    low, high = min(seen) / 1.6, max(seen) * 1.9
    shown = [(at, text) for at, text in _TICKS if low <= at <= high]
    if len(shown) < _FEW:
        shown = sorted([*shown, *((at, text) for at, text in _BETWEEN if low <= at <= high)])
    return {"type": "log", "range": [_log10(low), _log10(high)], "tickvals": [at for at, _ in shown],
            "ticktext": [text for _, text in shown], "title": {"text": title}}  # fmt: skip


def figures(result: LatencyResult, measure: str) -> list[dict[str, Any]]:
    """The rows of `result.figures` of one measure, in the order of the walk."""
    rows: list[dict[str, Any]] = [row for row in result.figures.to_pylist() if row["measure"] == measure]
    return sorted(rows, key=lambda row: (place(row["step"]), row["gateway"], str(row["hour"] or "")))


def present(names: Iterable[str]) -> Sequence[str]:
    """Steps without repetition, in the order of the walk."""
    return sorted(set(names), key=place)


def _log10(value: float) -> float:
    import math

    return round(math.log10(value), 6)
