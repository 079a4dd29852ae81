"""How long the open items have been open."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import plotly.graph_objects as go

from dashboards import items, money, template, words
from recon.match.result import RunResult

BUCKETS: tuple[tuple[str, timedelta | None], ...] = (
    ("under 24 h", timedelta(hours=24)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("7 to 30 days", timedelta(days=30)),
    ("over 30 days", None),
)
"""Label and upper bound (exclusive) of each bucket, youngest first."""

UNKNOWN = "age unknown"
_TITLE = "Age of the open items"


def bucket(age: timedelta | None) -> str:
    """The bucket of an age: bounds are half-open, so exactly 24 h is '1 to 3 days'."""
    if age is None:
        return UNKNOWN
    return next(label for label, until in BUCKETS if until is None or age < until)


def aging(result: RunResult) -> go.Figure:
    """Items per age bucket, stacked by severity; the value per currency is in the hover text."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    values: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in items.rows(result):
        key = (row["severity"], bucket(items.age(result, row)))
        counts[key] += 1
        values[key][row["currency"] or ""] += items.size(row)
    if not counts:
        return template.nothing(_TITLE, "Nothing is open.")
    labels = [label for label, _ in BUCKETS] + ([UNKNOWN] if any(label == UNKNOWN for _, label in counts) else [])
    made = template.figure(
        _TITLE, "Counted from when the difference could first be seen to the time of this run.", height=360,
        barmode="stack", xaxis={"title": {"text": "Open for"}, "categoryorder": "array", "categoryarray": labels},
        yaxis={"title": {"text": "Items"}, **template.counting(max(_per_bucket(counts).values()))},
        margin={"t": 104},
    )  # fmt: skip
    for severity in sorted({s for s, _ in counts}, key=_gravity):
        shown = [counts.get((severity, label), 0) for label in labels]
        made.add_trace(
            go.Bar(
                name=severity, x=labels, y=shown, text=[str(n) if n else "" for n in shown],
                textposition="inside", textangle=0,
                marker={"color": template.SEVERITY.get(severity, template.SOFT)},
                customdata=[_value(values.get((severity, label), {})) for label in labels],
                hovertemplate="<b>%{y} " + severity + "</b>, open for %{x}%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    return made


def oldest(result: RunResult, limit: int) -> list[dict[str, object]]:
    """The `limit` items that have been open longest, oldest first; equal ages by size, then id."""
    aged = [(items.age(result, row), row) for row in items.rows(result)]
    known = [(age, row) for age, row in aged if age is not None]
    known.sort(key=lambda pair: (-pair[0], -items.size(pair[1]), pair[1]["divergence_id"]))
    return [row for _, row in known[:limit]]


def _gravity(severity: str) -> int:
    return list(template.SEVERITY).index(severity) if severity in template.SEVERITY else len(template.SEVERITY)


def _per_bucket(counts: dict[tuple[str, str], int]) -> dict[str, int]:
    stacked: dict[str, int] = defaultdict(int)
    for (_, label), count in counts.items():
        stacked[label] += count
    return stacked


def _value(by_currency: dict[str, int]) -> str:
    parts = [money.text(amount, currency) for currency, amount in sorted(by_currency.items()) if currency and amount]
    return "<br>" + words.plural(len(parts), "currency", "currencies") + ": " + ", ".join(parts) if parts else ""
