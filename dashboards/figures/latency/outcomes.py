"""What became of the payments of each hour, and what went wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from dashboards import latency_words, template, words
from dashboards.figures.latency.panels import cell, counting, panels
from recon.latency.result import LatencyResult, Row

_OUTCOMES = "What became of the payments"
_TROUBLE = "What was undone, in doubt and recovered"


def outcomes(result: LatencyResult) -> go.Figure:
    """Payments by the hour in which they entered, stacked by where they stand, one panel per gateway."""
    counts: Counter[tuple[str, datetime, str]] = Counter()
    for row in result.outcomes:
        counts[row["gateway"] or "none", row["hour_at"], latency_words.outcome(row["last_status"])] += row["payments"]
    if not counts:
        return template.nothing(_OUTCOMES, "No payment entered in this window.")
    names = latency_words.gateways(result)
    made = panels(_OUTCOMES, "By the hour (UTC) in which they entered; where they stood at last, at most a day later.",
                  [latency_words.gateway(name)[0] for name in names], cols=len(names), each=240, barmode="stack")
    seen = sorted({hour for _, hour, _ in counts})
    for key, (label, color, _) in latency_words.OUTCOMES.items():
        if not any(outcome == key for _, _, outcome in counts):
            continue
        for number, name in enumerate(names):
            shown = [counts[name, hour, key] for hour in seen]
            made.add_trace(_bars(label, color, seen, shown, legend=number == 0), **cell(number, len(names)))
    most = max(sum(count for (name, at, _), count in counts.items() if (name, at) == key)
               for key in {(name, at) for name, at, _ in counts})
    _axes(made, seen, most, len(names), "Payments")
    return made


def trouble(result: LatencyResult) -> go.Figure:
    """Per hour the payments that were undone, came into doubt at a step, or were brought to their end by recovery."""
    kinds = {
        # The last undoing of a payment is that of its first step.
        "Undone": [row for row in result.trouble if (row["step"], row["outcome"]) == ("validate", "compensated")],
        "Came into doubt": [row for row in result.trouble if row["outcome"] == "in_doubt"],
        "Ended by recovery": [row for row in result.trouble
                              if (row["step"], row["outcome"]) == ("recovery", "recovered")],
    }
    if not any(kinds.values()):
        return template.nothing(_TROUBLE, "No payment of this window was undone, in doubt or recovered.")
    made = panels(_TROUBLE, "Payments by the hour (UTC) in which they entered.", list(kinds), cols=len(kinds), each=190,
                  barmode="stack")
    seen = sorted({row["hour_at"] for row in result.outcomes})
    told: set[str] = set()
    for number, rows in enumerate(kinds.values()):
        for name in latency_words.gateways(result):
            label, color = latency_words.gateway(name)
            shown = _per_hour(rows, name, seen)
            if any(shown):
                trace = _bars(label, color, seen, shown, legend=name not in told)
                told.add(name)
                made.add_trace(trace, **cell(number, len(kinds)))
    most = max(sum(row["payments"] for row in rows if row["hour_at"] == hour)
               for rows in kinds.values() for hour in seen)
    _axes(made, seen, most, len(kinds), "Payments")
    return made


def _per_hour(rows: Sequence[Row], gateway: str, seen: Sequence[datetime]) -> list[int]:
    return [sum(row["payments"] for row in rows if row["gateway"] == gateway and row["hour_at"] == hour)
            for hour in seen]


def _bars(name: str, color: str, seen: Sequence[datetime], shown: Sequence[int], *, legend: bool) -> go.Bar:
    return go.Bar(
        name=name, legendgroup=name, showlegend=legend, x=[_hour(hour) for hour in seen], y=list(shown),
        text=[str(count) if count else "" for count in shown], textposition="inside", textangle=0,
        insidetextanchor="middle", marker={"color": color},
        customdata=[words.plural(count, "payment") for count in shown],
        hovertemplate=f"<b>{name}</b>: %{{customdata}}, hour %{{x}}<extra></extra>",
    )  # fmt: skip


def _hour(at: datetime) -> str:
    return f"{at:%H:%M}<br>{at:%m-%d}"


def _axes(made: go.Figure, seen: Sequence[datetime], most: int, cols: int, title: str) -> None:
    # A lone hour is no wall.
    beside = max(4 - len(seen), 0) / 2
    axis: dict[str, Any] = {"type": "category", "categoryorder": "array", "categoryarray": [_hour(at) for at in seen],
                            "title": {"text": "Hour (UTC)"}, "nticks": 12, "tickangle": 0,
                            "range": [-0.6 - beside, len(seen) - 0.4 + beside]}
    for number in range(cols):
        made.update_xaxes(axis, **cell(number, cols))
        made.update_yaxes(title={"text": title if number == 0 else ""}, **counting(most), **cell(number, cols))
