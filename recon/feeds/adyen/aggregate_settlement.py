"""Aggregate settlement details report: totals of batches by journal type, below two leading lines. Control of batches.

Its rows of carried balances do not say which batch they come from or go to, so a credit counts as carried in and a
debit as carried out; only their difference is told for certain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from recon.feeds.adyen.types import JOURNAL_TYPES
from recon.feeds.faults import WARNING, refuse
from recon.feeds.fields import Amount, Currency, Kind, Text, Whole
from recon.feeds.header import Shape
from recon.feeds.parser import CONTROL, Claim, GroupControl, Parser, Rule
from recon.feeds.timefields import LabelTime

_NET = "Net Currency"
_NET_MINOR = "coalesce(nullif(net_credit, 0), -nullif(net_debit, 0), 0)"
_START, _END = "Start date", "End date"


def claim(preamble: Sequence[tuple[str, ...]]) -> Claim:
    """What the leading lines say: whose report it is and of which days. Raises FileRefused for an unreadable day.

    The last day is not claimed: nothing says whether its batches had closed when the report was made.
    """
    for line, names in enumerate(preamble[:-1], start=1):
        if _START in names and _END in names:
            told = dict(zip(names, preamble[line], strict=False))
            start, end = (_day(told.get(name, ""), line + 1, name) for name in (_START, _END))
            return Claim(told.get("Merchant/Company") or None, start, end)
    return Claim()


def _day(text: str, line: int, column: str) -> date | None:
    if not text:
        return None
    spoken = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text)
    iso = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})( 00:00:00)?", text)
    try:
        if spoken:
            return date(int(spoken[3]), int(spoken[2]), int(spoken[1]))
        if iso:
            return date.fromisoformat(iso[1])
    except ValueError:
        pass
    raise refuse("impossible or unreadable day", line=line, column=column, value=text, accepted="dd/mm/yyyy")


PARSER = Parser(
    name="aggregate_settlement",
    gateway="adyen",
    role=CONTROL,
    shape=Shape(
        all_of=(
            "Merchant Account", "Batch Number", "Batch Closed Date", "TimeZone", "Journal Type", _NET,
            "Net Debit (NC)", "Net Credit (NC)",
        ),
    ),
    claim=claim,
    fields=(
        Text("account", "Merchant Account", required=True),
        Whole("batch_id", "Batch Number", required=True),
        LabelTime("closed_at", "Batch Closed Date"),
        Text("raw_type", "Journal Type", required=True),
        Kind("kind", "Journal Type", kinds=JOURNAL_TYPES),
        Currency("net_currency", _NET, required=True),
        Amount("net_debit", "Net Debit (NC)", currency=_NET),
        Amount("net_credit", "Net Credit (NC)", currency=_NET),
    ),
    account="account",
    lines={
        "gateway_account": "account",
        "batch_id": "batch_id",
        "closed_at": "closed_at",
        "raw_type": "raw_type",
        "kind": "kind",
        "currency": "net_currency",
        "net_minor": _NET_MINOR,
    },
    rules=(
        Rule(
            "Net Debit (NC)", "coalesce(net_debit, 0) <> 0 AND coalesce(net_credit, 0) <> 0",
            "both debit and credit are filled", "one of the two", value="net_debit",
        ),
    ),
    groups=(
        GroupControl(
            problem="the batch does not sum to zero", by="gateway_account, batch_id, currency",
            bad="sum(net_minor) <> 0", shown="'left over ' || sum(net_minor)",
        ),
        GroupControl(
            problem="unknown journal type, counted in the net", by="raw_type", where="kind = 'held'",
            bad="count(*) > 0", shown="count(*) || ' lines, first on line ' || min(line_no)", level=WARNING,
        ),
    ),
    batches="""
        SELECT gateway_account, batch_id, CAST(batch_id AS BIGINT) AS batch_seq, currency, max(closed_at) AS closed_at,
               coalesce(sum(net_minor) FILTER (WHERE kind NOT IN ('payout', 'payout_reversal', 'balance_transfer')), 0)
                   AS net_minor,
               -sum(net_minor) FILTER (WHERE kind IN ('payout', 'payout_reversal')) AS payout_minor,
               coalesce(sum(net_minor) FILTER (WHERE kind = 'balance_transfer' AND net_minor > 0), 0) AS carry_in_minor,
               coalesce(-sum(net_minor) FILTER (WHERE kind = 'balance_transfer' AND net_minor < 0), 0)
                   AS carry_out_minor,
               NULL AS carry_in_from, NULL AS carry_out_to, NULL AS payout_ref, NULL AS payout_status
        FROM lines GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
    """,
)  # fmt: skip
