"""Which objects of the lake are lost, and which come twice: small ones, so that most of the story can be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from infra.local.story.facts import Entry
from infra.local.story.lake_objects import Object

_AT_MOST = 0.15
"""Share of the ledger's captures that may be lost with an object."""


def chosen(objects: Sequence[Object], entries: Sequence[Entry], touched: Collection[int],
           ) -> tuple[Object | None, Object | None]:
    """A small object with a whole capture in it to lose, of as few currencies as can be, and the smallest other one to
    deliver again; None where there is none. Payments that are `touched` by something else are left in peace."""
    of = {entry.entry_id: entry for entry in entries}
    captures = sum(_is_capture(entry) for entry in entries)
    ours = sorted((one for one in objects if one.table == "ledger_entries"), key=lambda one: (len(one.rows), one.key))
    fitting = [one for one in ours if len(ours) > 2 and _may_go(one, of, touched, captures)]
    lost = min(fitting, key=lambda one: (_currencies(one, of), len(one.rows), one.key)) if fitting else None
    again = next((one for one in ours if one is not lost), None)
    return lost, again


def _may_go(one: Object, of: dict[str, Entry], touched: Collection[int], captures: int) -> bool:
    rows = [of[str(row[0])] for row in one.rows]
    lost = sum(map(_is_capture, rows))
    return 0 < lost <= captures * _AT_MOST and not any(entry.payment_id in touched for entry in rows)


def _currencies(one: Object, of: dict[str, Entry]) -> int:
    """In how many currencies lines would wait."""
    return len({of[str(row[0])].currency for row in one.rows if of[str(row[0])].step == "CAPTURE"})


def _is_capture(entry: Entry) -> bool:
    return entry.step == "CAPTURE" and entry.account.startswith("gateway_clearing:")
