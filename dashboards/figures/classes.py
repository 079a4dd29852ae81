"""What the divergences are: how many of each class, and how much money."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import plotly.graph_objects as go

from dashboards import items, money, template, words
from recon.match.result import RunResult

_TITLE = "Divergences by class"


def classes(result: RunResult) -> go.Figure:
    """Two panels of bars: items per class, and their value in one currency, chosen from a list."""
    rows = items.rows(result)
    if not rows:
        return template.nothing(_TITLE, "No divergence of any class.")
    counts: dict[str, int] = defaultdict(int)
    values: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        counts[row["class"]] += 1
        values[row["currency"] or ""][row["class"]] += items.size(row)
    names = sorted(counts, key=lambda name: (-counts[name], name))[::-1]
    currencies = [currency for currency in sorted(values) if currency and any(values[currency].values())]
    made = template.figure(
        _TITLE, "Left: items. Right: their value, each item counted positive.", height=template.row_height(len(names)),
        showlegend=False,
        xaxis={"domain": [0.0, 0.47], "title": {"text": "Items"}, **template.counting(max(counts.values()))},
        xaxis2={"domain": [0.53, 1.0], "anchor": "y", "rangemode": "tozero", "gridcolor": template.LINE},
    )  # fmt: skip
    labels = [words.label(name) for name in names]
    made.add_trace(_bars(labels, [counts[n] for n in names], [f"{counts[n]:,}" for n in names], names, template.BLUE))
    buttons = []
    for position, currency in enumerate(currencies):
        amounts = [values[currency].get(name, 0) for name in names]
        drawn = [money.drawn(amount, currency) for amount in amounts]
        texts = [money.number(amount, currency) if amount else "" for amount in amounts]
        trace = _bars(labels, drawn, texts, names, template.ORANGE, axis="x2", unit=f" {currency}")
        made.add_trace(trace.update(visible=position == 0))
        layout = _layout(currency, max(drawn))
        if position == 0:
            made.update_layout(layout)
        shown = [True] + [number == position for number in range(len(currencies))]
        buttons.append({"label": currency, "method": "update", "args": [{"visible": shown}, layout]})
    made.update_layout({"xaxis.range": [0, max(counts.values()) * 1.2], "updatemenus": template.menu(buttons)})
    return made


def _layout(currency: str, most: float) -> dict[str, Any]:
    return {"xaxis2.title.text": f"Value ({currency})", "xaxis2.tickformat": money.tick_format(currency),
            "xaxis2.range": [0, most * 1.3]}  # fmt: skip


def _bars(
    labels: list[str], lengths: list[Any], texts: list[str], names: list[str], color: str, *, axis: str = "x",
    unit: str = "",
) -> go.Bar:  # fmt: skip
    return go.Bar(
        orientation="h", y=labels, x=lengths, xaxis=axis, text=texts, textposition="outside", cliponaxis=False,
        marker={"color": color}, customdata=[words.meaning(name) for name in names],
        hovertemplate="<b>%{y}</b>: %{text}" + unit + "<br>%{customdata}<extra></extra>",
    )  # fmt: skip
