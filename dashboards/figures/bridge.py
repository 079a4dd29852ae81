"""From the ledger's total to the gateway's, every step named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from dashboards import items, money, template, words
from recon.match.result import RunResult

_STEPS_MAX = 6
_ZOOM_BELOW = 0.25
"""With steps smaller than this share of the totals the axis leaves zero out, or nobody could see them."""


def bridge(result: RunResult) -> go.Figure:
    """A waterfall per gateway, account and currency, chosen from a list; those with differences come first."""
    by_class = items.identity_by_class(result)
    totals = sorted(result.summary["totals"], key=lambda total: _interest(total, by_class))
    if not totals:
        return template.nothing("From ledger to gateway", "No movement and no line falls into this cohort.")
    ticks = {"autotickangles": [0, 35], "tickfont": {"size": 12}}
    made = template.figure("From ledger to gateway", height=470, showlegend=False, xaxis=ticks)
    buttons = []
    for position, total in enumerate(totals):
        books = items.account(total)
        steps = _steps(total, by_class.get(books, {}))
        made.add_trace(_waterfall(steps, books[2], visible=position == 0))
        layout = _layout(books, steps)
        if position == 0:
            made.update_layout(layout)
        shown = [number == position for number in range(len(totals))]
        buttons.append({"label": items.name(books), "method": "update", "args": [{"visible": shown}, layout]})
    made.update_layout(updatemenus=template.menu(buttons))
    return made


def _interest(total: items.Total, by_class: Mapping[items.Account, Mapping[str, int]]) -> tuple[Any, ...]:
    """Sorts what is unexplained first, then by the number of differences, then by name."""
    books = items.account(total)
    differences = len(by_class.get(books, ())) + bool(total["pending_minor"]) + bool(total["held_minor"])
    return total["unexplained_minor"] == 0, -differences, books


def _steps(total: items.Total, named: dict[str, int]) -> list[tuple[str, str, int]]:
    """Label, measure and signed minor units of each bar, in order; the relative ones add up to the last."""
    ordered = sorted(named.items(), key=lambda item: (-abs(item[1]), item[0]))
    shown, rest = ordered[:_STEPS_MAX], ordered[_STEPS_MAX:]
    others = total["named_minor"] - sum(amount for _, amount in shown)
    steps = [("Ledger", "absolute", total["ledger_minor"])]
    steps += [(words.label(name), "relative", -amount) for name, amount in shown]
    if rest or others:
        steps.append((f"{words.plural(len(rest), 'other class', 'other classes')}", "relative", -others))
    steps += [
        ("Pending", "relative", -total["pending_minor"]),
        ("Held", "relative", -total["held_minor"]),
        ("Unexplained", "relative", -total["unexplained_minor"]),
        ("Gateway", "total", total["gateway_minor"]),
    ]
    return steps


def _waterfall(steps: list[tuple[str, str, int]], currency: str, *, visible: bool) -> go.Waterfall:
    texts = [money.number(amount, currency, signed=measure == "relative") for _, measure, amount in steps]
    return go.Waterfall(
        visible=visible,
        x=[_wrapped(label) for label, _, _ in steps],
        y=[money.drawn(amount, currency) for _, _, amount in steps],
        measure=[measure for _, measure, _ in steps],
        text=texts,
        textposition="outside",
        cliponaxis=False,
        customdata=[[label, text] for (label, _, _), text in zip(steps, texts, strict=True)],
        hovertemplate="%{customdata[0]}: <b>%{customdata[1]} " + currency + "</b><extra></extra>",
        connector={"line": {"color": "#9aa7b3", "width": 1, "dash": "dot"}},
        increasing={"marker": {"color": template.SKY}},
        decreasing={"marker": {"color": template.ORANGE}},
        totals={"marker": {"color": template.BLUE}},
    )


def _layout(books: items.Account, steps: list[tuple[str, str, int]]) -> dict[str, Any]:
    currency = books[2]
    level, levels = 0, []
    for _, measure, amount in steps:
        level = level + amount if measure == "relative" else amount
        levels.append(level)
    low, high = min(levels), max(levels)
    zoomed = 0 < high - low < _ZOOM_BELOW * max(abs(low), abs(high))
    base_low, base_high = (low, high) if zoomed else (min(low, 0), max(high, 0))
    pad = max(1, (base_high - base_low) * 15 // 100)
    axis: dict[str, Any] = {
        "yaxis.title.text": f"Amount ({currency})",
        "yaxis.tickformat": money.tick_format(currency),
        "yaxis.range": [money.drawn(base_low - pad, currency), money.drawn(base_high + pad, currency)],
        "yaxis.autorange": False,
    }  # fmt: skip
    note = " The axis does not start at zero." if zoomed else ""
    axis["title.text"] = f"From ledger to gateway: {items.name(books)}"
    axis["title.subtitle.text"] = f"Ledger less every named difference is what the gateway settled.{note}"
    return axis


def _wrapped(label: str, width: int = 11) -> str:
    """The label in lines of at most `width` letters where its words allow."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
