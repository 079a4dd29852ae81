"""Small multiples: panels of one figure that look alike, each with its title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards import template

_HEADING_PX, _LEGEND_PX = 92, 34
"""Title, subtitle and the first panels' titles; the legend between them."""
_FOOT_PX = 64


def panels(title: str, subtitle: str, names: Sequence[str], *, cols: int, each: int, gap: int = 58,
           shared_x: bool = True, legend: bool = True, **layout: Any) -> go.Figure:
    """An empty figure with one panel per name, `cols` beside each other, each `each` pixels high with `gap` between.

    Only the first column writes at its vertical axis; whoever fills the panels gives them all one range.
    """
    rows = -(-len(names) // cols)
    plot = rows * each + (rows - 1) * gap
    heading = _HEADING_PX + (_LEGEND_PX if legend else 0)
    made = template.figure(title, subtitle, height=plot + heading + _FOOT_PX)
    made.set_subplots(
        rows=rows, cols=cols, subplot_titles=list(names), shared_xaxes="all" if shared_x else False,
        shared_yaxes=cols > 1, vertical_spacing=gap / plot if rows > 1 else 0,
        horizontal_spacing=0.05,
    )
    made.update_annotations(font={"size": 13, "color": template.INK}, xanchor="left", align="left")
    for number, note in enumerate(made.layout.annotations):
        note.x = made.get_subplot(**cell(number, cols)).xaxis.domain[0]
    # The panels' titles stand between the legend and the panels.
    made.update_layout(margin={"t": heading, "b": _FOOT_PX}, legend={"y": 1 + 24 / plot}, showlegend=legend, **layout)
    return made


def cell(number: int, cols: int) -> dict[str, int]:
    """Row and column of panel `number`, counted from 0."""
    return {"row": number // cols + 1, "col": number % cols + 1}



def counting(most: int) -> dict[str, Any]:
    """A vertical axis of whole numbers from 0 to a little above `most`, the same for all panels."""
    return template.counting(most) | {"range": [0, most * 1.12]}
