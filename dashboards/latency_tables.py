"""Tables of how long payments take: the headline, percentiles, reasons, attempts, and the slowest payments."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from dashboards import latency_words, tables, words
from dashboards.show import Html
from dashboards.tables import Column
from dashboards.trace import link
from recon.latency.result import LatencyResult


def headline(result: LatencyResult) -> Html:
    """A card: how many payments, how many ended and how, the percentiles from end to end, and what was measured."""
    summary = result.summary
    count, running = summary["payments"], summary["running"]
    if not count:
        state, said = "wait", "No payment entered in this window."
        detail = "Every figure below says so; another window, or the other gateway, may hold some."
    elif running:
        state, said = "wait", f"{words.plural(running, 'payment')} of {count:,} did not come to an end."
        detail = "A day after the window they were still at a step, in doubt or being unwound."
    else:
        state, said = "good", f"All {words.plural(count, 'payment')} came to an end."
        detail = _ends(summary["statuses"])
    main = summary["end_to_end"]
    names = latency_words.gateways(result)
    numbers = "".join(_numbers(name, main[name]) for name in ([] if len(names) == 1 else ["all"]) + names
                      if name in main)
    which = "all gateways" if result.gateway == "all" else latency_words.gateway(result.gateway)[0]
    return Html(
        f'<div class="verdict {state}">\n<p class="state">Latency, {html.escape(which)}</p>\n'
        f'<p class="headline">{html.escape(said)}</p>\n<p class="detail">{html.escape(detail)}</p>\n'
        f'<div class="numbers">\n{numbers}</div>\n'
        f'<p class="scope">Payments that entered from {result.since:%Y-%m-%d %H:%M} to {result.until:%Y-%m-%d %H:%M} '
        f"UTC, followed for a day, on {html.escape(summary['engine'])}.</p>\n</div>"
    )


def percentiles(result: LatencyResult) -> Html:
    """One line per step and gateway for the whole window: end to end, steps, and what gateways took."""
    names = {"end_to_end": "", "step": "", "gateway_call": ": gateway's answer"}
    rows = [row | {"suffix": suffix} for measure, suffix in names.items()
            for row in latency_words.figures(result, measure) if row["hour"] is None]
    gateways = ["all", *latency_words.gateways(result)]
    if len(gateways) == 2:
        # Of one gateway both would say the same.
        rows = [row for row in rows if row["gateway"] != "all"]
    rows.sort(key=lambda row: (latency_words.place(row["step"]), row["suffix"], gateways.index(row["gateway"])))
    names_of = [latency_words.step(row["step"]) + row["suffix"] for row in rows]
    shown = [name if name != before else "" for before, name in zip(["", *names_of], names_of, strict=False)]
    columns = [Column("Step"), Column("Gateway"), *(Column(heading, "number") for heading in
               ("Count", "p50", "p95", "p99", "Longest"))]  # fmt: skip
    return tables.table(
        "Percentiles over the whole window (nearest rank)", columns,
        ((name, _gateway(row["gateway"]), f"{row['count']:,}",
          *(latency_words.duration(row[f"{level}_ms"]) for level in ("p50", "p95", "p99", "max")))
         for name, row in zip(shown, rows, strict=True)),
        empty="No step of this window has come to an end.",
    )  # fmt: skip


def reasons(result: LatencyResult) -> Html:
    """What happened at which step and why, with the number of payments."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in result.trouble:
        counts[row["step"], row["outcome"], row["error_code"] or "–"] += row["payments"]
    columns = [Column("Step"), Column("What happened"), Column("Reason", "code"), Column("Payments", "number")]
    ordered = sorted(counts.items(), key=lambda item: (latency_words.place(item[0][0]), item[0][1], -item[1], item[0]))
    return tables.table(
        "Failed, undone, in doubt and recovered, by step and reason", columns,
        ((latency_words.step(step), _happened(step, outcome), reason, f"{count:,}")
         for (step, outcome, reason), count in ordered),
        empty="Nothing failed, was undone, in doubt or recovered.",
    )  # fmt: skip


def attempts(result: LatencyResult) -> Html:
    """Per step and gateway how many payments took more than one attempt."""
    found: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for row in result.attempts:
        found[row["step"], row["gateway"] or "none"][row["attempts"]] += row["payments"]
    columns = [Column("Step"), Column("Gateway"), *(Column(heading, "number") for heading in
               ("Payments", "At the first attempt", "Tried again", "Most attempts"))]  # fmt: skip
    ordered = sorted(found.items(), key=lambda item: (latency_words.place(item[0][0]), item[0][1]))
    return tables.table(
        "Attempts", columns,
        ((latency_words.step(step), _gateway(gateway), f"{sum(by.values()):,}", f"{by[1]:,}",
          f"{sum(by.values()) - by[1]:,}", f"{max(by)}") for (step, gateway), by in ordered),
        empty="No step that is tried again was reached in this window.",
    )  # fmt: skip


def slowest(result: LatencyResult) -> Html:
    """The slowest payments, each with its trace: a link where the region is known."""
    columns = [Column("", "number"), Column("Payment", "code"), Column("Gateway"), Column("Entered (UTC)"),
               Column("End to end", "number"), Column("Ended as"), Column("Times in doubt", "number"),
               Column("Trace", "code")]  # fmt: skip
    return tables.table(
        f"The {words.plural(len(result.slowest), 'slowest payment')}; those that did not end come first", columns,
        ((str(row["place"]), str(row["payment_id"]), _gateway(row["gateway"] or "none"),
          f"{row['entered_at']:%Y-%m-%d %H:%M:%S}",
          "not ended" if row["us"] is None else latency_words.duration(row["us"] / 1000),
          _status(row), str(row["doubts"]), link(result.region, row["trace_id"])) for row in result.slowest),
        empty="No payment entered in this window.",
    )  # fmt: skip


def _ends(statuses: Mapping[str, int]) -> str:
    counts: Counter[str] = Counter()
    for status, count in statuses.items():
        counts[latency_words.outcome(status)] += count
    return ", ".join(f"{counts[key]:,} {label[0].lower()}{label[1:]}"
                     for key, (label, _, _) in latency_words.OUTCOMES.items() if counts[key]) + "."


def _numbers(gateway: str, found: Mapping[str, Any]) -> str:
    p50, p95, p99 = (latency_words.duration(found[f"{level}_ms"]) for level in latency_words.PERCENTILES)
    return (
        f'<div class="number"><p class="label">{html.escape(_gateway(gateway))}, p50 from end to end</p>'
        f"<ul><li><b>{p50}</b></li></ul>"
        f'<p class="note">p95 {p95}, p99 {p99}; {words.plural(found["count"], "payment")}</p></div>\n'
    )


def _gateway(name: str) -> str:
    return "Both gateways" if name == "all" else latency_words.gateway(name)[0]


def _happened(step: str, outcome: str) -> str:
    if outcome == "recovered" and step != "recovery":
        return "told by the gateway's event"
    return latency_words.HAPPENED.get(outcome, outcome)


def _status(row: Mapping[str, Any]) -> str:
    return str(row["end_status"] or row["last_status"]).replace("_", " ").lower()
