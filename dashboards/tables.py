"""Tables for people: plain HTML, every cell escaped, numbers aligned to the right."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards import items, money, words
from dashboards.figures.aging import oldest
from dashboards.figures.largest import by_currency
from dashboards.show import Html
from dashboards.trace import Link
from recon.match.result import RunResult


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how its cells are set: `text`, `number`, `number must-be-zero`, `code` or `wide`."""

    heading: str
    kind: str = "text"


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, empty: str) -> Html:
    """One table, or the sentence `empty` where it would have no row."""
    body = "".join(
        "<tr>" + "".join(_cell(column, text) for column, text in zip(columns, row, strict=True)) + "</tr>\n"
        for row in rows
    )
    if not body:
        return Html(f'<p class="nothing">{html.escape(empty)}</p>')
    head = "".join(f'<th class="{column.kind}">{html.escape(column.heading)}</th>' for column in columns)
    return Html(
        f'<table class="people"><caption>{html.escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
    )


def statement(result: RunResult) -> Html:
    """The reconciliation statement: one line per gateway, account and currency; amounts in major units."""
    columns = [Column("Account"), Column("Currency"), *(
        Column(heading, "number") for heading in
        ("Movements", "Matched", "Ledger", "Gateway", "Named", "Pending", "Held")
    ), Column("Unexplained", "number must-be-zero")]  # fmt: skip
    rows = (_statement_row(total) for total in sorted(result.summary["totals"], key=items.account))
    return table("Ledger less gateway = named + pending + held + unexplained, in every line", columns, rows,
                 empty="No movement and no line falls into this cohort.")  # fmt: skip


def class_list(result: RunResult) -> Html:
    """Every class of this run: items, difference per currency, and what it means."""
    totals: dict[str, dict[str, int]] = {}
    counts: dict[str, int] = {}
    for row in items.rows(result):
        counts[row["class"]] = counts.get(row["class"], 0) + 1
        sums = totals.setdefault(row["class"], {})
        sums[row["currency"] or ""] = sums.get(row["currency"] or "", 0) + row["diff_minor"]
    columns = [Column("Class"), Column("Items", "number"), Column("Ledger less gateway", "number"),
               Column("Meaning", "wide")]  # fmt: skip
    rows = (
        (words.label(name), f"{counts[name]:,}", _amounts(totals[name]), words.meaning(name))
        for name in sorted(counts, key=lambda name: (-counts[name], name))
    )
    return table("Classes in this run", columns, rows, empty="No divergence of any class.")


def largest_items(result: RunResult, limit: int = 5) -> Html:
    """The largest items of each currency with their reasons."""
    chosen = [row for rows in by_currency(result, limit).values() for row in rows]
    caption = f"Largest items: the top {limit} of each currency"
    return _item_table(caption, result, chosen, "No divergence has an amount.")


def oldest_items(result: RunResult, limit: int = 10) -> Html:
    """The items that have been open longest with their reasons."""
    return _item_table("Oldest items", result, oldest(result, limit), "Nothing is open.")


def undecided(result: RunResult) -> Html:
    """What this run could not decide, and why: never reported as zero."""
    columns = [Column("Gateway"), Column("Account"), Column("Class"), Column("Why", "wide")]
    rows = (
        (entry.get("gateway") or "all", entry.get("gateway_account") or "all", words.label(str(entry.get("class", ""))),
         str(entry.get("reason") or ""))
        for entry in result.summary["decidable"]
        if not entry.get("decidable", False)
    )  # fmt: skip
    return table("Not decidable", columns, rows, empty="Everything that a run can decide was decided.")


def unsettled_batches(result: RunResult) -> Html:
    """Batches whose lines and payout differ, in minor units turned into the batch's currency."""
    columns = [Column("Gateway"), Column("Account"), Column("Batch", "code"), Column("Lines, net", "number"),
               Column("Paid out", "number"), Column("Residual", "number")]  # fmt: skip
    rows = (
        (str(batch["gateway"]), str(batch["gateway_account"]), str(batch["batch_id"]),
         _optional(batch.get("net_minor"), batch["currency"]), _optional(batch.get("payout_minor"), batch["currency"]),
         _optional(batch.get("residual_minor"), batch["currency"]))
        for batch in result.summary["batches"]
        if batch.get("residual_minor")
    )  # fmt: skip
    return table("Payouts that do not add up", columns, rows, empty="Every payout that can be checked adds up.")


def _item_table(caption: str, result: RunResult, rows: Sequence[Mapping[str, Any]], empty: str) -> Html:
    columns = [Column("Class"), Column("Account"), Column("Difference", "number"), Column("Open for", "number"),
               Column("Reason", "wide"), Column("Payment, or subject", "code")]  # fmt: skip
    lines = (
        (words.label(row["class"]), _books(row),
         _difference(row), items.age_text(items.age(result, row)),
         _reason(row), _reference(row))
        for row in rows
    )  # fmt: skip
    return table(caption, columns, lines, empty=empty)


def _statement_row(total: items.Total) -> tuple[str, ...]:
    currency = total["currency"]
    counts = (f"{total[name]:,}" for name in ("movements", "matched"))
    sides = (money.number(total[f"{name}_minor"], currency) for name in ("ledger", "gateway"))
    steps = (
        money.number(total[f"{name}_minor"], currency, signed=True)
        for name in ("named", "pending", "held", "unexplained")
    )
    return (_books(total), currency, *counts, *sides, *steps)


def _books(row: Mapping[str, Any]) -> str:
    return items.name((row["gateway"] or "", row["gateway_account"] or "", ""))


def _difference(row: Mapping[str, Any]) -> str:
    return money.text(row["diff_minor"], row["currency"], signed=True) if row["currency"] else "–"


def _reason(row: Mapping[str, Any]) -> str:
    return str(row["reason"]) + (f" Nearest: {row['nearest_miss']}" if row["nearest_miss"] else "")


def _reference(row: Mapping[str, Any]) -> str:
    if row["payment_id"] is not None:
        return str(row["payment_id"])
    return str(row["native_id"] or row["batch_id"] or row["subject_id"])


def _amounts(by_currency_minor: Mapping[str, int]) -> str:
    amounts = sorted((currency, amount) for currency, amount in by_currency_minor.items() if amount)
    parts = [money.text(amount, currency, signed=True) for currency, amount in amounts]
    return "\n".join(parts) or "–"


def _optional(amount_minor: int | None, currency: str) -> str:
    return "not known" if amount_minor is None else money.text(amount_minor, currency)


def _cell(column: Column, text: str) -> str:
    shown = html.escape(text).replace("\n", "<br>")
    zero = " zero" if column.kind.startswith("number") and not text.strip("0.,") else ""
    if isinstance(text, Link):
        shown = f'<a href="{html.escape(text.href)}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return f'<td class="{column.kind}{zero}">{shown}</td>'
