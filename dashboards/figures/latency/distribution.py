"""How lengths are distributed: end to end by gateway, and step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import plotly.graph_objects as go

from dashboards import latency_words, template, words
from dashboards.figures.latency.panels import cell, counting, panels
from recon.latency.result import LatencyResult

_END = "How long payments take from end to end"
_STEP = "How long each step takes"
_COLS = 4


def end_to_end(result: LatencyResult) -> go.Figure:
    """Payments by length, one panel per gateway, with p50, p95 and p99 marked."""
    found = _shares(result, "end_to_end")
    names = [name for name in latency_words.gateways(result) if (name, "pay") in found]
    if not names:
        return template.nothing(_END, "No payment of this window has come to an end.")
    made = panels(_END, "From the payment's id to its first end. Lines: p50, p95 and p99.",
                  [latency_words.gateway(name)[0] for name in names], cols=1, each=150, legend=False)
    marks = {row["gateway"]: row for row in latency_words.figures(result, "end_to_end") if row["hour"] is None}
    span = [mark[key] for mark in marks.values() for key in ("min_ms", "max_ms")]
    most = max(max(found[name, "pay"].values()) for name in names)
    for number, name in enumerate(names):
        made.add_trace(_line(result, found[name, "pay"], name, "payment", share=False), **cell(number, 1))
        made.update_xaxes(latency_words.scale(span, "Time from end to end, logarithmic"
                                              if number == len(names) - 1 else "") | {"showticklabels": True},
                          **cell(number, 1))
        made.update_yaxes(title={"text": "Payments"}, **counting(most), **cell(number, 1))
        for level, (color, _) in latency_words.PERCENTILES.items():
            made.add_vline(x=marks[name][f"{level}_ms"], line={"color": color, "width": 2, "dash": "dot"},
                           **cell(number, 1))
        made.add_annotation(
            text="&#160;&#160; ".join(
                f'<span style="color:{color}"><b>{level}</b></span> '
                f'{latency_words.duration(marks[name][f"{level}_ms"])}'
                for level, (color, _) in latency_words.PERCENTILES.items()),
            x=1, y=1, xref="x domain" if number == 0 else f"x{number + 1} domain",
            yref="y domain" if number == 0 else f"y{number + 1} domain", xanchor="right", yanchor="bottom",
            showarrow=False, font={"size": 13},
        )
    return made


def step_distributions(result: LatencyResult) -> go.Figure:
    """Share of payments by length, one panel per step, the gateways over each other."""
    found = _shares(result, "step")
    names = latency_words.present(step for _, step in found)
    if not names:
        return template.nothing(_STEP, "No step of this window has come to an end.")
    made = panels(_STEP, "Share of the payments that went through the step, by its length.",
                  [latency_words.step(name) for name in names], cols=_COLS, each=130)
    span = [row[key] for row in latency_words.figures(result, "step") for key in ("min_ms", "max_ms")]
    axis = latency_words.scale(span, "")
    # In a quarter of the page every second mark is enough.
    axis |= {"tickvals": axis["tickvals"][::2], "ticktext": axis["ticktext"][::2], "showticklabels": True}
    highest = max(count * 100 / sum(counts.values()) for counts in found.values() for count in counts.values())
    last_row = (len(names) - 1) // _COLS * _COLS
    for number, step in enumerate(names):
        for name in latency_words.gateways(result):
            if (name, step) in found:
                trace = _line(result, found[name, step], name, "payment", share=True)
                made.add_trace(trace.update(showlegend=number == 0), **cell(number, _COLS))
        made.update_xaxes(axis | {"title": {"text": "Duration, logarithmic" if number >= last_row else ""}},
                          **cell(number, _COLS))
        made.update_yaxes(title={"text": "Share" if number % _COLS == 0 else ""}, ticksuffix=" %",
                          range=[0, highest * 1.1], **cell(number, _COLS))
    return made


def _shares(result: LatencyResult, measure: str) -> dict[tuple[str, str], dict[int, int]]:
    found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in result.histogram:
        if row["measure"] == measure:
            found[row["gateway"], row["step"]][row["bin"]] = row["spans"]
    return found


def _line(result: LatencyResult, counts: Mapping[int, int], gateway: str, unit: str, *, share: bool) -> go.Scatter:
    """A histogram as a stepped line over its bins, down to zero on both sides."""
    first, last, total = min(counts), max(counts), sum(counts.values())
    x, y, said = [], [], []
    for number in range(first, last + 2):
        one, count = result.bins[min(number, len(result.bins) - 1)], counts.get(number, 0)
        x.append(max(one.from_us, 10) / 1000)
        y.append(count * 100 / total if share else count)
        said.append(f"{words.plural(count, unit)} of {total:,}, {latency_words.duration(one.from_us / 1000)} to "
                    f"{latency_words.duration(one.until_us / 1000)}")
    name, color = latency_words.gateway(gateway)
    return go.Scatter(
        name=name, x=[x[0], *x], y=[0, *y], customdata=[said[0], *said], mode="lines",
        line={"shape": "hv", "color": color, "width": 2}, fill="none" if share else "tozeroy", legendgroup=gateway,
        hovertemplate=f"<b>{name}</b>: %{{customdata}}<extra></extra>",
    )  # fmt: skip
