"""How reports arrive: what is here of what was due, how long they take, and what is named now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dashboards import items, words
from dashboards.show import Html
from dashboards.tables import Column, table
from recon.match.result import RunResult

_TOLD = 50
"""Findings that a page shows; the summary has all of them."""


def reports(result: RunResult) -> Html:
    """One line per report: periods by state, usual and slowest arrival, and when the next is likely to come."""
    found = _arrivals(result).get("reports", ())
    columns = [Column("Account"), Column("Report"), *(
        Column(heading, "number") for heading in
        ("Periods", "Here", "Cut", "Late", "Not due", "Half within", "99 % within")
    ), Column("Next likely (UTC)"), Column("Refused", "number")]  # fmt: skip
    rows = (_report(report) for report in found if report["report_type"])
    return table("How reports have arrived in the last 35 days", columns, rows,
                 empty="No report is expected, and none has come.")  # fmt: skip


def findings(result: RunResult) -> Html:
    """What is late, cut, short or skipped now, whatever this run's cohort."""
    found = _arrivals(result).get("findings", ())
    columns = [Column("What"), Column("Account"), Column("Report"), Column("Since (UTC)"), Column("Why", "wide")]
    rows = (
        (words.label(of["class"]), _books(of), words.report(of["report_type"]), _minute(of["first_seen_at"]),
         of["reason"])
        for of in found[:_TOLD]
    )  # fmt: skip
    more = f" (the first {_TOLD} of {len(found):,})" if len(found) > _TOLD else ""
    return table(f"Named now, whatever the cohort{more}", columns, rows,
                 empty="Every report that is due is here and whole.")  # fmt: skip


def _report(report: Mapping[str, Any]) -> tuple[str, ...]:
    here, times = report["completeness"], report["timeliness"]
    states = ("periods", "accepted", "incomplete", "late", "waiting")
    counts = [f"{here[state]:,}" if report["expected"] else "–" for state in states]
    following = times["next"]["likely_by"] if times["next"] else None
    return (_books(report), words.report(report["report_type"]), *counts, _delay(times["p50_s"]),
            _delay(times["p99_s"]), _minute(following), f"{report['accuracy']['refused']:,}")


def _arrivals(result: RunResult) -> Mapping[str, Any]:
    """None where an older version made the run."""
    told: Mapping[str, Any] = result.summary.get("arrivals", {})
    return told


def _books(of: Mapping[str, Any]) -> str:
    return items.name((of["gateway"], of["gateway_account"], ""))


def _delay(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    whole_hours = -(-seconds // 3600)
    return items.age_text(timedelta(hours=whole_hours)) if seconds > 0 else "before its end"


def _minute(at: str | None) -> str:
    return at[:16].replace("T", " ") if at else "–"
