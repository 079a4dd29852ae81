"""A summary as tables for a person."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Column, Table

from infra.local.traffic.summary import PERCENTILES, Summary

FAULTS_SHOWN = 20
_NO_ANSWER = "none"


def tables(summary: Summary) -> Iterator[RenderableType]:
    """The tables, then how it ended."""
    yield _requests(summary)
    yield _payments(summary)
    yield _checks(summary)
    yield (f"{summary.asked} payments in {summary.seconds:.1f} s at concurrency {summary.concurrency}: "
           f"{summary.per_second:.1f} payments/s, slow gateways and repetitions included")
    settled = summary.settled
    yield (f"{summary.in_doubt} in doubt or finished by recovery, {settled.found} unfinished after the last request, "
           f"{settled.left} left after {settled.sweeps} sweeps in {settled.seconds:.0f} s; "
           f"{summary.interrupted} taken back because a step was late, {summary.resting} rest authorized")
    for check in summary.checks:
        for fault in check.faults[:FAULTS_SHOWN]:
            yield f"FAULT {check.name}: {fault.where} {fault.why}"
        if len(check.faults) > FAULTS_SHOWN:
            yield f"... and {len(check.faults) - FAULTS_SHOWN} more: --json shows all"


def _requests(summary: Summary) -> Table:
    shown = Table(Column("requests", no_wrap=True), title_justify="left",
                  title=f"Traffic {summary.run}, seed {summary.seed}")
    statuses = sorted({status for by in summary.requests.values() for status in by})
    for status in statuses:
        shown.add_column(str(status or _NO_ANSWER), justify="right")
    for rank in PERCENTILES:
        shown.add_column(f"p{rank} ms", justify="right")
    for what, by in summary.requests.items():
        shown.add_row(what, *(str(by.get(status) or "") for status in statuses),
                      *(f"{summary.latency_s[what][rank] * 1000:.0f}" for rank in PERCENTILES))
    return shown


def _payments(summary: Summary) -> Table:
    gateways = sorted({gateway for by in summary.payments.values() for gateway in by})
    shown = Table("payments", *gateways, "all")
    for column in shown.columns[1:]:
        column.justify = "right"
    for status, by in sorted(summary.payments.items()):
        shown.add_row(status, *(str(by.get(gateway) or "") for gateway in gateways), str(sum(by.values())))
    return shown


def _checks(summary: Summary) -> Table:
    shown = Table("check", "looked at", "")
    for check in summary.checks:
        ended = "holds" if check.holds else f"FAILS: {len(check.faults)}"
        shown.add_row(check.name, f"{check.looked_at:,} {check.unit}", ended, style=None if check.holds else "bold red")
    return shown
