"""The first thing to read: is every cent explained, how much is at risk, and what the run covered."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime

from dashboards import items, money, words
from dashboards.show import Html
from recon.match.result import RunResult


def verdict(result: RunResult) -> Html:
    """A card with the verdict in words, unexplained and value at risk per currency, and the counts."""
    left = items.unexplained(result)
    state, headline, detail = _said(result, left)
    risk = result.summary["value_at_risk"]
    totals = result.summary["totals"]
    counts = {name: sum(total[name] for total in totals) for name in ("movements", "matched", "pending", "divergent")}
    return Html(
        f'<div class="verdict {state}">\n'
        f'<p class="state">{html.escape(words.WINDOWS.get(result.window, result.window))}</p>\n'
        f'<p class="headline">{html.escape(headline)}</p>\n<p class="detail">{html.escape(detail)}</p>\n'
        f'<div class="numbers">\n{_number("Unexplained", left)}{_number("Value at risk", risk)}{_counts(counts)}'
        f"</div>\n"
        f'<p class="scope">{html.escape(_scope(result))}</p>\n</div>'
    )


def _said(result: RunResult, left: Mapping[str, int]) -> tuple[str, str, str]:
    rows = result.divergences.num_rows
    open_items = words.plural(rows, "named item") if rows else "no divergence"
    off = [money.text(amount, currency) for currency, amount in left.items() if amount]
    if not result.summary["totals"]:
        return "wait", "Nothing to reconcile.", "No movement and no line of a gateway falls into this cohort."
    if off:
        return "bad", f"{', '.join(off)} unexplained.", f"Beside {open_items}, this much has no name yet."
    if result.status == "waiting":
        late = sum(1 for row in items.rows(result) if row["class"] == "feed_late")
        return "wait", "Every cent is named, but a file is overdue.", (
            f"{words.plural(late, 'settlement file')} due and not here; what it would hold is pending, not missing. "
            f"The rest has {open_items}."
        )  # fmt: skip
    if result.status == "failed":
        return "bad", "This run did not hold.", "A control of the run itself failed; do not use its figures."
    waits = [name for name in ("pending", "held") if any(total[f"{name}_minor"] for total in result.summary["totals"])]
    waiting = f"what is {' or '.join(waits)}" if waits else ""
    if rows or waiting:
        causes = " and ".join(filter(None, [f"what the {open_items} say{'s' * (rows == 1)}" if rows else "", waiting]))
        return "good", "Every cent is named.", f"Ledger and gateways differ only by {causes}."
    return "good", "Ledger and gateways agree to the cent.", "No divergence of any class, nothing pending."


def _number(label: str, amounts: Mapping[str, int]) -> str:
    """Zero currencies are told in one word, so that the eye finds what is not zero."""
    some = [(money.number(amount, currency), currency) for currency, amount in amounts.items() if amount]
    shown = "".join(f"<li><b>{amount}</b> {html.escape(currency)}</li>" for amount, currency in some)
    where = words.plural(len(amounts), "currency", "currencies")
    none = f"<li><b>0</b> in {'all ' if len(amounts) > 1 else ''}{where}</li>"
    return f'<div class="number"><p class="label">{label}</p><ul>{shown or none}</ul></div>\n'


def _counts(counts: Mapping[str, int]) -> str:
    share = money.percent(counts["matched"], counts["movements"])
    rest = f"{counts['pending']:,} pending, {counts['divergent']:,} divergent"
    return (
        f'<div class="number"><p class="label">Matched movements</p><ul><li><b>{share}</b></li></ul>'
        f'<p class="note">{counts["matched"]:,} of {counts["movements"]:,}; {rest}</p></div>\n'
    )


def _scope(result: RunResult) -> str:
    parts = [
        f"Events from {_at(result.cohort_from)} to {_at(result.cohort_to)} UTC",
        f"as of {_at(result.as_of)}",
        f"knowing what had arrived by {_at(result.known_at)}",
        f"on {result.engine}",
    ]
    later = result.summary.get("later_files")
    count = len(later) if isinstance(later, list) else int(later or 0)
    left_out = f" Left out: {words.plural(count, 'file')} that came later." if count else ""
    return ", ".join(parts) + "." + left_out


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
