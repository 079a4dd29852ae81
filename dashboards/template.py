"""One look for every figure: type, colours and spacing. The colours stay apart for colour-blind readers (Okabe-Ito)."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
INK, SOFT, LINE = "#1b2733", "#5b6875", "#e3e8ec"

SEVERITY = {"break": RED, "warning": ORANGE, "timing": SKY, "info": "#b6c2cd"}
"""Every severity, gravest first."""

FEED_STATUS = {
    "accepted": GREEN, "incomplete": ORANGE, "late": RED, "waiting": "#b6c2cd",
}  # fmt: skip

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def _axis() -> dict[str, Any]:
    return {"gridcolor": LINE, "linecolor": "#b6c2cd", "zerolinecolor": "#9aa7b3", "automargin": True,
            "title": {"standoff": 12, "font": {"color": SOFT, "size": 13}}}  # fmt: skip


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                  "pad": {"l": 20, "t": 18}, "font": {"size": 16},
                  "subtitle": {"font": {"size": 13, "color": SOFT}}},
        "paper_bgcolor": "white", "plot_bgcolor": "white", "colorway": [BLUE, ORANGE, GREEN, RED, SKY, PURPLE],
        "margin": {"l": 24, "r": 28, "t": 84, "b": 48}, "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "bgcolor": "white", "align": "left"},
        "legend": {"orientation": "h", "x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "paper",
                   "yanchor": "bottom"},
        "xaxis": _axis(), "yaxis": _axis(), "bargap": 0.35, "separators": ".,",
    }
)  # fmt: skip


def figure(title: str, subtitle: str = "", *, height: int = 420, **layout: Any) -> go.Figure:
    """An empty figure in the project's look."""
    made = go.Figure()
    made.update_layout(
        template=TEMPLATE, height=height, title={"text": title, "subtitle": {"text": subtitle}}, **layout
    )
    return made


def nothing(title: str, says: str) -> go.Figure:
    """A figure that says in its middle why it is empty."""
    made = figure(title, height=200, xaxis={"visible": False}, yaxis={"visible": False})
    made.add_annotation(
        text=says, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15, "color": SOFT}
    )
    return made


def menu(buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A drop-down list at the top right; none where there is nothing to choose."""
    if len(buttons) < 2:
        return []
    return [{"buttons": buttons, "direction": "down", "showactive": True, "x": 1, "xanchor": "right", "y": 1,
             "yanchor": "bottom", "pad": {"b": 44}, "bgcolor": "white", "bordercolor": "#b6c2cd",
             "font": {"size": 13}}]  # fmt: skip


def counting(most: int) -> dict[str, Any]:
    """An axis of whole numbers up to `most`: few items never get half steps."""
    return {"rangemode": "tozero", "tickformat": ",d", **({"dtick": 1} if most <= 8 else {})}


def row_height(rows: int, *, frame: int = 150, each: int = 30, least: int = 240) -> int:
    """Pixels for a chart with one line per row."""
    return max(least, frame + each * rows)
