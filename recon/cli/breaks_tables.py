"""Cases as people read them: a table with its totals, one case with its history, and what a pack changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recon.breaks.aging import age, bucket, is_overdue, totals
from recon.breaks.book import Book
from recon.breaks.case import Case
from recon.breaks.command import open_command
from recon.breaks.entry import Entry
from recon.breaks.money import shown
from recon.breaks.said import when

if TYPE_CHECKING:
    # A workbook's library takes a while to load, and most commands need none.
    from recon.breaks.pack_import import Difference

_SHOWN = 12
"""Characters of a case id in a table: enough to name it in every command."""


def print_cases(console: Console, cases: Sequence[Case], now: datetime, *, title: str | None = None,
                with_totals: bool = False) -> None:  # fmt: skip
    """A line per case; `with_totals` the figures over the unfinished ones among them."""
    if cases:
        table = Table("case", "severity", "class", "account", title=title, title_justify="left", box=SIMPLE_HEAD,
                      pad_edge=False)
        table.add_column("ledger − gateway", justify="right")
        table.add_column("age", justify="right")
        for heading in ("due", "state", "assignee"):
            table.add_column(heading)
        for case in cases:
            overdue = is_overdue(case, now)
            table.add_row(
                case.case_id[:_SHOWN], case.severity, " ".join(case.cls),
                f"{case.gateway or '-'} {case.gateway_account or ''}".strip(), shown(case.diff_minor, zero="-"),
                _long(age(case, now)) if case.is_unfinished else "-",
                Text(when(case.due_at) + (" overdue" if overdue else ""), "red" if overdue else ""),
                case.status.replace("_", " "), Text(case.assignee or ""))  # fmt: skip
        console.print(table, no_wrap=True, overflow="ignore", crop=False)
    if with_totals:
        of = totals(cases, now)
        ages = ", ".join(f"{name} {count:,}" for name, count in of.by_age.items() if count)
        console.print(f"unfinished {of.cases:,}, overdue {of.overdue:,}; at risk: {shown(of.at_risk_minor)}"
                      + (f"; by age: {ages}" if ages else ""))


def print_case(console: Console, book: Book, case: Case, now: datetime, lake: str) -> None:
    """Everything that is known of one case, and the command that opens it."""
    account = " ".join(part for part in (case.gateway, case.gateway_account) if part)
    lines: list[tuple[str, str | None]] = [
        ("case", case.case_id), ("subject", case.subject_id), ("class", " ".join(case.cls)),
        ("severity", case.severity), ("state", case.status.replace("_", " ")), ("assignee", case.assignee),
        ("account", account),
        ("payment", str(case.payment_id or "")), ("batch", case.batch_id), ("line", case.native_id),
        ("ledger − gateway", shown(case.diff_minor, zero="no amount")), ("reason", case.reason),
        ("nearest miss", case.nearest_miss), ("root cause", case.root_cause), ("said last", case.text),
        ("first seen", when(case.first_seen_at)), ("opened", when(case.opened_at)),
        ("age", f"{_long(age(case, now))} ({bucket(case, now)})"),
        ("due", when(case.due_at) + (", overdue" if is_overdue(case, now) else "")), ("trace", case.trace_id),
    ]  # fmt: skip
    for name, value in lines:
        if value:
            console.print(Text.assemble((f"{name:<17}", "bold"), value))
    for silent in book.silent_runs(case):
        console.print(f"pending: {silent.window} as of {when(silent.as_of)} (known {when(silent.known_at)}) looked at "
                      "its cohort, did not find it and does not show that it is over")
    console.print("history", style="bold")
    for entry in book.history(case.case_id):
        console.print(Text(f"  {when(entry.recorded_at)}  {entry.action.replace('_', ' ')} by {entry.actor}"
                           f"{_told(entry)}"))
    console.print("to look into it", style="bold")
    run = book.runs.get(case.run_id)
    console.print(f"  {open_command(case, lake, run.engine if run else None)}")


def print_differences(console: Console, differences: Sequence[Difference]) -> None:
    """What a pack changes, a line per case."""
    table = Table("case", "class", "done", "state before", "after", "assignee", "text", box=SIMPLE_HEAD, pad_edge=False)
    for of in differences:
        table.add_row(of.before.case_id[:_SHOWN], " ".join(of.before.cls), ", ".join(of.actions),
                      of.before.status.replace("_", " "), of.after.status.replace("_", " "),
                      Text(of.after.assignee or ""), Text(of.text))
    console.print(table, no_wrap=True, overflow="ignore", crop=False)


def _told(entry: Entry) -> str:
    """What an entry adds, in a few words: what a run found or showed, what a person said."""
    told: dict[str, Any] = entry.told()
    if "said" in told:
        run, said = told["run"], told["said"]
        return (f": {run['window']} as of {run['as_of'][:16]}Z finds {entry.cls}, {shown(said['diff_minor'])}; "
                f"run {str(entry.run_id)[:_SHOWN]}, {_rows(said)}")
    if "proof" in told:
        proof = told["proof"]
        more = {name: value for name, value in proof.items() if name != "why" and value}
        return (f": {told['run']['window']} as of {told['run']['as_of'][:16]}Z shows that {proof['why']}; run "
                f"{str(entry.run_id)[:_SHOWN]}{', ' + json.dumps(more, ensure_ascii=False) if more else ''}"
                f"{'; ' + told['mind'] if 'mind' in told else ''}")
    words = [f"to {told['assignee']}"] if "assignee" in told else []
    words += [str(told["text"])] if "text" in told else []
    return f": {'; '.join(words)}" if words else ""


def _rows(said: dict[str, Any]) -> str:
    rows = [{name: value for name, value in row["evidence"].items() if value} for row in said["rows"]]
    return f"evidence {json.dumps(rows[0] if len(rows) == 1 else rows, ensure_ascii=False)}"


def _long(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"
