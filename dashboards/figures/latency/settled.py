"""How many business days lie between a capture and its money, and the report that says so."""

from __future__ import annotations

from collections import Counter

import plotly.graph_objects as go

from dashboards import latency_words, template, words
from dashboards.figures.latency.panels import cell, counting, panels
from recon.latency.result import LatencyResult

_TITLE = "From capture to settlement"
_NONE = "no line yet"


def settled(result: LatencyResult) -> go.Figure:
    """Captured payments by business days to the money and to the file, the gateways beside each other."""
    if not result.settled:
        return template.nothing(_TITLE, "Nothing was captured in this window.")
    if all(row["reported_after"] is None for row in result.settled):
        return template.nothing(_TITLE, "No settlement line of these payments is known yet.")
    kinds = {"To the money": "paid_after", "To the gateway's report": "reported_after"}
    most = max(row[column] or 0 for row in result.settled for column in kinds.values())
    days = [str(day) for day in range(most + 1)]
    missing = any(row[column] is None for row in result.settled for column in kinds.values())
    labels = [*days, *([_NONE] if missing else [])]
    made = panels(_TITLE, "Money: the day of payout (Stripe), the day on which the batch was booked (Adyen).",
                  list(kinds), cols=2, each=220, barmode="group")
    highest = 0
    for number, column in enumerate(kinds.values()):
        for name in latency_words.gateways(result):
            counts: Counter[str] = Counter()
            for row in result.settled:
                if row["gateway"] == name:
                    counts[_NONE if row[column] is None else str(row[column])] += row["payments"]
            if counts:
                highest = max(highest, *counts.values())
                made.add_trace(_bars(name, labels, counts, legend=number == 0), **cell(number, 2))
        made.update_xaxes(type="category", categoryorder="array", categoryarray=labels,
                          title={"text": "Business days after the capture"}, **cell(number, 2))
    for number in range(2):
        made.update_yaxes(title={"text": "Payments" if number == 0 else ""}, **counting(highest), **cell(number, 2))
    return made


def _bars(gateway: str, labels: list[str], counts: Counter[str], *, legend: bool) -> go.Bar:
    name, color = latency_words.gateway(gateway)
    shown = [counts[label] for label in labels]
    return go.Bar(
        name=name, legendgroup=gateway, showlegend=legend, x=labels, y=shown, marker={"color": color},
        text=[str(count) if count else "" for count in shown], textposition="outside", cliponaxis=False,
        customdata=[words.plural(count, "payment") for count in shown],
        hovertemplate=f"<b>{name}</b>: %{{customdata}}, %{{x}} business days<extra></extra>",
    )  # fmt: skip
