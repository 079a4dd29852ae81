"""Which settlement files are here, what they cover, and whether they came in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from dashboards import template, words
from recon.match.result import RunResult

_TITLE = "Settlement files: what they cover and when they came"
_MS = 1000


def feeds(result: RunResult) -> go.Figure:
    """A time line per account and report: what each file covers, its due time and its arrival; the cohort is shaded."""
    files = [feed for feed in result.summary["feeds"] if feed.get("covers_from")]
    if not files:
        return template.nothing(_TITLE, "No settlement file is known for this cohort.")
    names = sorted({_name(feed) for feed in files}, reverse=True)
    made = template.figure(
        _TITLE, "Bars: time covered, by state. Circle: arrived. Line: due. Shaded: this run's cohort (UTC).",
        height=template.row_height(len(names), each=40, least=300), barmode="overlay", margin={"t": 104},
        xaxis={"type": "date", "title": {"text": "Time (UTC)"}},
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names},
    )  # fmt: skip
    for status in sorted({_status(feed) for feed in files}, key=lambda s: list(template.FEED_STATUS).index(s)
                         if s in template.FEED_STATUS else len(template.FEED_STATUS)):  # fmt: skip
        made.add_trace(_bars([feed for feed in files if _status(feed) == status], status))
    made.add_trace(_marks(files, "received_at", "arrived", "circle", template.INK))
    made.add_trace(_marks(files, "due_at", "due", "line-ns-open", template.INK))
    made.add_vrect(
        x0=result.cohort_from.isoformat(), x1=result.cohort_to.isoformat(), fillcolor=template.BLUE, opacity=0.10,
        line_width=0, layer="below",
    )  # fmt: skip
    return made


def _bars(files: list[Mapping[str, Any]], status: str) -> go.Bar:
    starts = [_at(feed["covers_from"]) for feed in files]
    ends = [_at(feed["covers_until"]) for feed in files]
    return go.Bar(
        name=status.replace("_", " "), orientation="h", y=[_name(feed) for feed in files],
        base=[start.isoformat() for start in starts], width=0.5, opacity=0.85,
        x=[int((end - start).total_seconds()) * _MS for start, end in zip(starts, ends, strict=True)],
        marker={"color": template.FEED_STATUS.get(status, template.SOFT), "line": {"color": "white", "width": 1}},
        customdata=[_said(feed) for feed in files], hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _marks(files: list[Mapping[str, Any]], field: str, name: str, symbol: str, color: str) -> go.Scatter:
    timed = [feed for feed in files if feed.get(field)]
    return go.Scatter(
        name=name, mode="markers", x=[feed[field] for feed in timed], y=[_name(feed) for feed in timed],
        marker={"symbol": symbol, "size": 12 if "line" in symbol else 8, "color": color, "line": {"width": 2}},
        customdata=[_said(feed) for feed in timed], hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _said(feed: Mapping[str, Any]) -> str:
    lines = [f"<b>{_name(feed)}</b>: {_status(feed).replace('_', ' ')}",
             f"covers {_short(feed['covers_from'])} to {_short(feed['covers_until'])}"]  # fmt: skip
    if feed.get("due_at"):
        lines.append(f"due {_short(feed['due_at'])}")
    arrived = feed.get("received_at")
    lines.append(f"arrived {_short(arrived)} with {words.plural(feed.get('rows') or 0, 'row')}" if arrived else
                 "not here yet")  # fmt: skip
    return "<br>".join(lines)


def _name(feed: Mapping[str, Any]) -> str:
    return f"{feed['gateway']} · {feed['gateway_account']} · {words.report(feed.get('report_type'))}"


def _status(feed: Mapping[str, Any]) -> str:
    return str(feed.get("status") or "unknown")


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _short(text: str) -> str:
    return f"{_at(text):%Y-%m-%d %H:%M}"
