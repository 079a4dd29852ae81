"""p50, p95 and p99 hour by hour, one panel per gateway, the step chosen from a list."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboards import latency_words, template, words
from dashboards.figures.latency.panels import cell, panels
from recon.latency.result import LatencyResult

_TITLE = "Percentiles hour by hour"


def hours(result: LatencyResult) -> go.Figure:
    """By the hour in which the payments entered. The list chooses end to end or a step."""
    rows = [row for measure in ("end_to_end", "step") for row in latency_words.figures(result, measure)
            if row["hour"] is not None and row["gateway"] != "all"]
    if not rows:
        return template.nothing(_TITLE, "No payment of this window has come to an end.")
    steps = ["pay", *(name for name in latency_words.present(row["step"] for row in rows) if name != "pay")]
    names = [name for name in latency_words.gateways(result) if any(row["gateway"] == name for row in rows)]
    made = panels(_TITLE, "By the hour (UTC) in which the payments entered.",
                  [latency_words.gateway(name)[0] for name in names], cols=len(names), each=230)
    belongs: list[str] = []
    for step in steps:
        for number, name in enumerate(names):
            shown = [row for row in rows if row["step"] == step and row["gateway"] == name]
            for level in latency_words.PERCENTILES:
                made.add_trace(_line(level, shown, visible=step == steps[0], legend=number == 0),
                               **cell(number, len(names)))
                belongs.append(step)
    for number in range(len(names)):
        made.update_xaxes(_hours_axis(rows), **cell(number, len(names)))
    layouts = {step: _scales(rows, step, len(names)) for step in steps}
    made.update_layout(layouts[steps[0]])
    made.update_layout(updatemenus=template.menu([
        {"label": latency_words.step(step), "method": "update",
         "args": [{"visible": [owner == step for owner in belongs]}, layouts[step]]} for step in steps]))  # fmt: skip
    return made


def _line(level: str, rows: list[dict[str, Any]], *, visible: bool, legend: bool) -> go.Scatter:
    color, symbol = latency_words.PERCENTILES[level]
    return go.Scatter(
        name=level, legendgroup=level, showlegend=legend, visible=visible, mode="lines+markers",
        x=[row["hour"].isoformat() for row in rows], y=[row[f"{level}_ms"] for row in rows],
        line={"color": color, "width": 2}, marker={"symbol": symbol, "size": 8},
        customdata=[f"{latency_words.duration(row[f'{level}_ms'])}, {words.plural(row['count'], 'payment')}"
                    for row in rows],
        hovertemplate=f"<b>{level}</b> of the hour %{{x|%Y-%m-%d %H:%M}}: %{{customdata}}<extra></extra>",
    )  # fmt: skip


def _hours_axis(rows: list[dict[str, Any]]) -> dict[str, Any]:
    seen = sorted({row["hour"] for row in rows})
    axis: dict[str, Any] = {"type": "date", "title": {"text": "Hour (UTC)"}, "tickformat": "%H:%M\n%d %b"}
    # Few hours are all named; a lone one would otherwise be shown to the millisecond.
    return axis | ({"tickvals": [hour.isoformat() for hour in seen]} if len(seen) <= 8 else {})


def _scales(rows: list[dict[str, Any]], step: str, count: int) -> dict[str, Any]:
    scale = latency_words.scale(row[f"{level}_ms"] for row in rows if row["step"] == step
                                for level in latency_words.PERCENTILES)  # fmt: skip
    found: dict[str, Any] = {}
    for number in range(count):
        axis = "yaxis" if number == 0 else f"yaxis{number + 1}"
        title = f"{latency_words.step(step)}, logarithmic" if number == 0 else ""
        found |= {f"{axis}.type": "log", f"{axis}.range": scale["range"], f"{axis}.tickvals": scale["tickvals"],
                  f"{axis}.ticktext": scale["ticktext"], f"{axis}.title.text": title}  # fmt: skip
    return found
