"""What a notebook cell ends with: charts as plotly data alone, tables as HTML alone, so that outputs can be compared.

plotly's own display adds a copy of plotly.js or a picture of the object's address, depending on who looks; both would
make equal runs differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol

import plotly.graph_objects as go

PLOTLY = "application/vnd.plotly.v1+json"


class Part(Protocol):
    """Something that a cell shows."""

    def bundle(self) -> Mapping[str, Any]:
        """The one output as {media type: content}."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure."""

    figure: go.Figure

    def bundle(self) -> Mapping[str, Any]:
        """plotly's JSON."""
        drawn = json.loads(self.figure.to_json())
        return {PLOTLY: {"data": drawn["data"], "layout": drawn["layout"], "config": {"displaylogo": False}}}


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of HTML."""

    text: str

    def bundle(self) -> Mapping[str, Any]:
        """The text."""
        return {"text/html": self.text}


class Section:
    """Parts shown one after the other."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts:
            display(dict(part.bundle()), raw=True)  # type: ignore[no-untyped-call]


@cache
def style() -> Html:
    """The look of verdict and tables, for the first cell that shows one."""
    return Html(f"<style>\n{resources.files('dashboards').joinpath('style.css').read_text(encoding='utf-8')}</style>")
