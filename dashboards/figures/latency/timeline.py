"""The slowest payments, each on a time axis of its own: its steps, the gateway's answers, and what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go

from dashboards import latency_words, template
from dashboards.figures.latency.panels import cell, panels
from recon.latency.result import LatencyResult, Row

SHOWN = 5
_TITLE = "The slowest payments, step by step"
_EACH_PX = 24
_MARKS = {"in_doubt": ("in doubt", template.RED, "x"), "failed": ("failed", template.ORANGE, "triangle-down"),
          "compensated": ("undone", template.PURPLE, "triangle-left"),
          "recovered": ("recovered, or told by the gateway", template.GREEN, "star")}  # fmt: skip


def timeline(result: LatencyResult) -> go.Figure:
    """One panel per payment: seconds since its id, a row per step."""
    slowest = [row for row in result.slowest if row["us"] is not None][:SHOWN] or list(result.slowest[:SHOWN])
    if not slowest:
        return template.nothing(_TITLE, "No payment entered in this window.")
    rows: dict[int, list[Row]] = defaultdict(list)
    for row in result.timeline:
        rows[row["place"]].append(row)
    names = [f"{row['place']}. {latency_words.gateway(row['gateway'] or 'none')[0]} · payment {row['payment_id']} · "
             + ("not ended" if row["us"] is None else latency_words.duration(row["us"] / 1000)) for row in slowest]
    tallest = max(len(_steps(rows[row["place"]])) for row in slowest)
    made = panels(_TITLE, "Light: time in the step. Dark: the gateway's answer, one bar per attempt.", names, cols=1,
                  each=_EACH_PX * tallest + 14, gap=64, shared_x=False, barmode="overlay", bargap=0.3)
    told: set[str] = set()
    for number, payment in enumerate(slowest):
        steps = _steps(rows[payment["place"]])
        for trace in _traces(rows[payment["place"]], payment["id_at"]):
            fresh = trace.name not in told
            told.add(trace.name)
            made.add_trace(trace.update(showlegend=fresh, legendgroup=trace.name), **cell(number, 1))
        made.update_xaxes(title={"text": "Seconds since the payment's id" if number == len(slowest) - 1 else ""},
                          rangemode="tozero", **cell(number, 1))
        made.update_yaxes(type="category", categoryorder="array",
                          categoryarray=[latency_words.step(step) for step in steps][::-1],
                          range=[-0.6, len(steps) - 0.4], **cell(number, 1))
    return made


def _steps(rows: Sequence[Row]) -> Sequence[str]:
    """In the order in which the payment came to them."""
    begun: dict[str, datetime] = {}
    for row in rows:
        if row["step"]:
            at = row["event_at"] - timedelta(microseconds=row["us"] or 0)
            begun[row["step"]] = min(at, begun.get(row["step"], at))
    return sorted(begun, key=lambda step: (begun[step], latency_words.place(step)))


def _traces(rows: Sequence[Row], start: datetime) -> list[go.Bar | go.Scatter]:
    spent = [row for row in rows if row["kind"] == "status" and row["step"]]
    calls = [row for row in rows if row["kind"] == "event" and row["us"]]
    spent += _recovery(rows)
    found: list[go.Bar | go.Scatter] = [
        _bars("time in the step", "#b9d4e6", 0.75, spent, start),
        _bars("gateway's answer", template.BLUE, 0.35, calls, start),
    ]
    for outcome, (name, color, symbol) in _MARKS.items():
        marked = [row for row in rows if row["kind"] == "event" and row["outcome"] == outcome]
        if marked:
            found.append(go.Scatter(
                name=name, mode="markers", x=[_seconds(row["event_at"], start) for row in marked],
                y=[latency_words.step(row["step"]) for row in marked],
                marker={"color": color, "symbol": symbol, "size": 10, "line": {"color": "white", "width": 1}},
                customdata=[_said(row) for row in marked],
                hovertemplate="<b>%{y}</b> %{customdata}, after %{x:.3f} s<extra></extra>",
            ))  # fmt: skip
    return found


def _recovery(rows: Sequence[Row]) -> list[Row]:
    """Recovery's work as a span of its own, where its beginning and its end are known."""
    told = [row for row in rows if row["kind"] == "event" and row["step"] == "recovery"]
    begun = next((row for row in told if row["outcome"] == "started"), None)
    done = next((row for row in reversed(told) if row["outcome"] == "recovered"), None)
    if begun is None or done is None:
        return []
    return [{**done, "us": (done["event_at"] - begun["event_at"]) // timedelta(microseconds=1)}]


def _bars(name: str, color: str, width: float, rows: Sequence[Row], start: datetime) -> go.Bar:
    lengths = [row["us"] / 1_000_000 for row in rows]
    return go.Bar(
        name=name, orientation="h", width=width, marker={"color": color},
        y=[latency_words.step(row["step"]) for row in rows],
        base=[max(_seconds(row["event_at"], start) - length, 0) for row, length in zip(rows, lengths, strict=True)],
        x=lengths, customdata=[f"{latency_words.duration(row['us'] / 1000)}, {_said(row)}" for row in rows],
        hovertemplate="<b>%{y}</b>: %{customdata}<extra></extra>",
    )  # fmt: skip


def _said(row: Row) -> str:
    if row["kind"] == "status":
        return f"then {row['outcome']}"
    code = f" ({row['error_code']})" if row["error_code"] else ""
    return f"{latency_words.HAPPENED.get(row['outcome'], row['outcome'])} at attempt {row['attempt']}{code}"


def _seconds(at: datetime, start: datetime) -> float:
    return round((at - start).total_seconds(), 6)
