"""p50, p95 and p99 side by side: of the steps with the gateways' part of them, and of doubt and recovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards import latency_words, template, words
from dashboards.figures.latency.panels import cell, panels
from recon.latency.result import LatencyResult

_STEPS = "Where the time goes"
_DOUBT = "How long payments were in doubt, and recovery took"
_EACH_PX = 30


def steps(result: LatencyResult) -> go.Figure:
    """Per gateway a panel: every step in the order of the walk, under it what the gateway's answer took of it."""
    rows = [(latency_words.place(row["step"]), 0, latency_words.step(row["step"]), row)
            for row in latency_words.figures(result, "step")]
    rows += [(latency_words.place(row["step"]), 1, f"{latency_words.step(row['step'])}: gateway's answer", row)
             for row in latency_words.figures(result, "gateway_call")]
    rows += [(latency_words.place("pay"), 0, "<b>End to end</b>", row)
             for row in latency_words.figures(result, "end_to_end")]
    ordered = sorted(rows, key=lambda row: row[:2])
    return _dots(result, _STEPS, "Each step with the hand-over to it; below it what the gateway itself took.",
                 [(label, row) for _, _, label, row in ordered], "No step of this window has come to an end.")


def doubt(result: LatencyResult) -> go.Figure:
    """Spells in doubt by the step that came into it, and recovery: waiting for it and its work."""
    rows = [(f"In doubt: {latency_words.step(row['step']).lower()}", row)
            for row in latency_words.figures(result, "in_doubt")]
    rows += [(latency_words.step(row["step"]), row) for row in latency_words.figures(result, "recovery")]
    return _dots(result, _DOUBT, "Waiting: from a saga's last sign of life to the coming of recovery.", rows,
                 "No payment of this window was in doubt or needed recovery.")


def _dots(result: LatencyResult, title: str, subtitle: str, rows: Sequence[tuple[str, dict[str, Any]]],
          empty: str) -> go.Figure:
    whole = [(label, row) for label, row in rows if row["hour"] is None and row["gateway"] != "all"]
    if not whole:
        return template.nothing(title, empty)
    labels = list(dict.fromkeys(label for label, _ in rows))
    names = [name for name in latency_words.gateways(result) if any(row["gateway"] == name for _, row in whole)]
    made = panels(title, subtitle, [latency_words.gateway(name)[0] for name in names], cols=len(names),
                  each=max(110, _EACH_PX * len(labels)))
    axis = latency_words.scale(row[key] for _, row in whole for key in ("p50_ms", "p99_ms"))
    if len(names) > 1:
        axis |= {"tickvals": axis["tickvals"], "ticktext": axis["ticktext"]}
    for number, name in enumerate(names):
        shown = [(label, row) for label, row in whole if row["gateway"] == name]
        for trace in _traces(shown, legend=number == 0):
            made.add_trace(trace, **cell(number, len(names)))
        made.update_xaxes(axis, **cell(number, len(names)))
        made.update_yaxes(categoryorder="array", categoryarray=labels[::-1], range=[-0.6, len(labels) - 0.4],
                          **cell(number, len(names)))
    return made


def _traces(rows: Sequence[tuple[str, dict[str, Any]]], *, legend: bool) -> list[go.Scatter]:
    """The range from p50 to p99 as a line, and a mark for each percentile."""
    line_x: list[float | None] = []
    line_y: list[str | None] = []
    for label, row in rows:
        line_x += [row["p50_ms"], row["p99_ms"], None]
        line_y += [label, label, None]
    found = [go.Scatter(x=line_x, y=line_y, mode="lines", line={"color": "#b6c2cd", "width": 3}, showlegend=False,
                        hoverinfo="skip", hovertemplate="<extra></extra>")]
    for level, (color, symbol) in latency_words.PERCENTILES.items():
        found.append(go.Scatter(
            name=level, legendgroup=level, showlegend=legend, mode="markers", x=[row[f"{level}_ms"] for _, row in rows],
            y=[label for label, _ in rows], marker={"color": color, "symbol": symbol, "size": 10},
            customdata=[f"{latency_words.duration(row[f'{level}_ms'])} of {words.plural(row['count'], 'span')}, "
                        f"longest {latency_words.duration(row['max_ms'])}" for _, row in rows],
            hovertemplate=f"<b>%{{y}}</b><br>{level}: %{{customdata}}<extra></extra>",
        ))  # fmt: skip
    return found
