"""The largest items, one currency at a time: sizes in different currencies have no order."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboards import items, money, template, words
from recon.match.result import RunResult

_TITLE = "Largest items"


def by_currency(result: RunResult, limit: int) -> dict[str, list[dict[str, Any]]]:
    """Per currency the `limit` items of the largest difference, largest first; equal sizes by id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(items.rows(result), key=lambda row: (-items.size(row), row["divergence_id"])):
        kept = found.setdefault(row["currency"] or "", [])
        if items.size(row) and len(kept) < limit:
            kept.append(row)
    return {currency: rows for currency, rows in sorted(found.items()) if currency and rows}


def largest(result: RunResult, limit: int = 10) -> go.Figure:
    """Bars for the largest differences in one currency, chosen from a list; the reason is in the hover text."""
    found = by_currency(result, limit)
    if not found:
        return template.nothing(_TITLE, "No divergence has an amount.")
    rows_max = max(len(rows) for rows in found.values())
    made = template.figure(
        _TITLE, "Ledger less gateway; the reason is in the hover text.",
        height=template.row_height(rows_max, each=34), showlegend=False,
    )  # fmt: skip
    buttons = []
    for position, (currency, rows) in enumerate(found.items()):
        made.add_trace(_bars(rows, currency, visible=position == 0))
        layout = _layout(currency, rows)
        if position == 0:
            made.update_layout(layout)
        shown = [number == position for number in range(len(found))]
        buttons.append({"label": currency, "method": "update", "args": [{"visible": shown}, layout]})
    made.update_layout(updatemenus=template.menu(buttons))
    return made


def _bars(rows: list[dict[str, Any]], currency: str, *, visible: bool) -> go.Bar:
    texts = [money.text(row["diff_minor"] or items.size(row), currency, signed=True) for row in rows]
    return go.Bar(
        visible=visible, orientation="h", y=[_name(rank, row) for rank, row in enumerate(rows, 1)],
        x=[money.drawn(items.size(row), currency) for row in rows], text=texts, textposition="outside",
        cliponaxis=False, marker={"color": [template.SEVERITY.get(row["severity"], template.SOFT) for row in rows]},
        customdata=[[_broken(row["reason"]), row["subject_id"]] for row in rows],
        hovertemplate="<b>%{y}</b>: %{text}<br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )  # fmt: skip


def _layout(currency: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    most = max(money.drawn(items.size(row), currency) for row in rows)
    return {
        "xaxis.title.text": f"Size of the difference ({currency})", "xaxis.tickformat": money.tick_format(currency),
        "xaxis.range": [0, most * 1.25], "yaxis.autorange": "reversed",
    }  # fmt: skip


def _name(rank: int, row: dict[str, Any]) -> str:
    return f"{rank}. {words.label(row['class'])} · {row['gateway_account'] or row['gateway'] or ''}"


def _broken(reason: str, width: int = 80) -> str:
    """The reason in lines of at most `width` letters, so that the hover box fits the page."""
    lines = [""]
    for word in reason.replace("&", "&amp;").replace("<", "&lt;").split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
