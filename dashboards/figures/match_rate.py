"""How much of the ledger found its line, by count and by value."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards import items, money, template
from recon.match.result import RunResult

_TITLE = "Match rate"


def match_rate(result: RunResult) -> go.Figure:
    """Per gateway, account and currency a dot for the share of movements and one for the share of value."""
    totals = [total for total in result.summary["totals"] if total["movements"]]
    if not totals:
        return template.nothing(_TITLE, "No movement falls into this cohort.")
    totals.sort(key=items.account, reverse=True)
    labels = [items.name(items.account(total)) for total in totals]
    by_count = [(total["matched"], total["movements"], "") for total in totals]
    by_value = [(total["matched_value_minor"], total["ledger_value_minor"], total["currency"]) for total in totals]
    made = template.figure(
        _TITLE, "Share of the ledger's movements that found their line at the gateway.",
        height=template.row_height(len(labels), each=26), xaxis={"title": {"text": "Matched (%)"}, "ticksuffix": " %"},
        yaxis={"type": "category"}, margin={"t": 104},
    )  # fmt: skip
    least = 100.0
    for name, shares, marker in (
        ("by count", by_count, {"color": template.BLUE, "symbol": "circle-open", "size": 14, "line": {"width": 2.5}}),
        ("by value", by_value, {"color": template.ORANGE, "symbol": "diamond", "size": 9}),
    ):
        drawn = [_drawn(part, whole) for part, whole, _ in shares]
        least = min(least, *(share for share in drawn if share is not None), 100.0)
        made.add_trace(
            go.Scatter(
                name=name, mode="markers", x=drawn, y=labels,
                marker=marker,
                customdata=[_said(part, whole, currency) for part, whole, currency in shares],
                hovertemplate="<b>%{y}</b>, " + name + "<br>%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    low = max(0.0, least - max(0.05, (100 - least) * 0.1))
    made.update_layout({"xaxis.range": [low, 100 + (100 - low) * 0.04]})
    return made


def _drawn(part: int, whole: int) -> float | None:
    """The share in percent as the number a chart needs, None where there is nothing to share."""
    return part * 1_000_000 // whole * 1e-4 if whole > 0 else None


def _said(part: int, whole: int, currency: str) -> str:
    if currency:
        return f"{money.percent(part, whole)}: {money.number(part, currency)} of {money.text(whole, currency)}"
    return f"{money.percent(part, whole)}: {part:,} of {whole:,}"
