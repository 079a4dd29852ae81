"""A case pack comes back: every row is checked, and all of it is applied, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, InvalidOperation

from recon.breaks.append import Writing, actor_of, append
from recon.breaks.book import Book
from recon.breaks.case import Case
from recon.breaks.errors import NotPossible
from recon.breaks.orders import ACTIONS, Order, write
from recon.breaks.pack_columns import COLUMNS, amount, fixed_cells, row_digest
from recon.breaks.pack_read import Pack, PackRefused, Row
from recon.breaks.policy import Policy
from recon.breaks.said import when
from recon.store.place import Place
from recon.store.port import Store

SHOWN = 20
"""So many faults are named one by one."""
_DOUBLE = Context(prec=15)
"""What a spreadsheet keeps of a number."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one row changes: the case before and after, and what was said with it."""

    before: Case
    after: Case
    actions: tuple[str, ...]
    text: str


def preview(store: Store, pack: Pack, *, actor: str, now: datetime) -> list[Difference]:
    """What import_pack would change now. Raises as it does; changes nothing."""
    writing = Writing(Book.read(store), now)
    return _decide(writing, pack, actor_of(actor), Policy.load(store))


def import_pack(place: Place, pack: Pack, *, actor: str, now: datetime) -> list[Difference]:
    """Apply what was filled in, in one append; what it changed, nothing where nothing was filled in.

    Raises PackRefused with every fault and nothing applied.
    """
    actor = actor_of(actor)
    policy = Policy.load(place)
    done: list[Difference] = []

    def decide(writing: Writing) -> None:
        done[:] = _decide(writing, pack, actor, policy)

    append(place, now, decide)
    return done


def _decide(writing: Writing, pack: Pack, actor: str, policy: Policy) -> list[Difference]:
    then = writing.book.as_of_entry(pack.head)
    if then is None:
        raise PackRefused(f"the pack was exported from {pack.lake} at entry {pack.head[:12]}, which the log of "
                          f"{writing.book.root} does not have: it is of another lake; name that lake, or export anew")
    faults: list[str] = []
    done: list[Difference] = []
    first_at: dict[str, Row] = {}
    for row in pack.rows:
        name = row.text("case")
        case = then.get(name)
        if name in first_at:
            faults.append(f"{row.cell('case')}: case {name[:12]} stands in row {first_at[name].number} already")
            continue
        first_at[name] = row
        if case is None or name not in pack.known:
            faults.append(f"{row.cell('case')}: {name[:40]!r} is no case of this pack")
            continue
        found = list(_faults(row, case, pack))
        if not found and _is_filled_in(row, case):
            found = list(_out_of_date(row, case, writing.book))
            if not found:
                try:
                    done.append(_apply(writing, row, case, actor, policy))
                except NotPossible as refused:
                    found = [f"{row.cell('action')}: {refused}"]
        faults += found
    if faults:
        raise _refused(faults)
    return done


def _faults(row: Row, case: Case, pack: Pack) -> Iterator[str]:
    """Formulas, and fixed cells that are not what the export wrote, whatever was done to the hidden sheet."""
    for name in row.formulas:
        yield f"{row.cell(name)} holds a formula; write the text itself"
    if row.formulas:
        return
    expected = fixed_cells(case, pack.exported_at)
    for column in COLUMNS:
        if column.text and row.text(column.name) != expected[column.name]:
            yield (f"{row.cell(column.name)}: {column.name} was {expected[column.name]!r} and is now "
                   f"{row.text(column.name)[:80]!r}; fixed columns cannot be changed")
        elif column.is_number and not _same_number(row.text(column.name), amount(case)):
            yield (f"{row.cell(column.name)}: the number was {amount(case)} and is now {row.text(column.name)[:40]!r}; "
                   "fixed columns cannot be changed")
    if pack.known[case.case_id] != (case.last_entry_id, row_digest(expected)):
        yield f"{row.cell('case')}: what the hidden sheet says of case {case.case_id[:12]} was changed; export anew"


def _same_number(text: str, expected: Decimal | None) -> bool:
    if expected is None or not text:
        return expected is None and not text
    try:
        return _DOUBLE.create_decimal(text) == _DOUBLE.plus(expected)
    except InvalidOperation:
        return False


def _is_filled_in(row: Row, case: Case) -> bool:
    return bool(row.text("assignee").strip() != (case.assignee or "") or row.text("action").strip()
                or row.text("text").strip())


def _out_of_date(row: Row, case: Case, book: Book) -> Iterator[str]:
    """Whether the case is as it was at the export; else who changed it since."""
    if book.cases[case.case_id].last_entry_id == case.last_entry_id:
        return
    history = book.history(case.case_id)
    later = history[next(place for place, entry in enumerate(history, 1) if entry.entry_id == case.last_entry_id):]
    who = ", ".join(f"{entry.actor} ({entry.action.replace('_', ' ')}, {when(entry.recorded_at)})"
                    for entry in later[-3:])
    yield (f"{row.cell('case')}: case {case.case_id[:12]} has changed since the export: {who}; export again and look "
           "at it anew")


def _apply(writing: Writing, row: Row, case: Case, actor: str, policy: Policy) -> Difference:
    """Write a row's orders. Raises NotPossible."""
    assignee, action, text = (row.text(name).strip() for name in ("assignee", "action", "text"))
    if action and (action not in ACTIONS or action == "assign"):
        accepted = ", ".join(name for name in ACTIONS if name != "assign")
        raise NotPossible(f"action {action[:40]!r} is unknown; accepted: {accepted}, or nothing")
    if text and not action:
        raise NotPossible(f"there is a text and no action in {row.cell('action')}; say what is to be done")
    after, actions = case, []
    if assignee != (case.assignee or ""):
        if not assignee:
            raise NotPossible(f"the assignee was {case.assignee} and is gone; name who works on it from now on")
        after = write(writing, Order(case.case_id, "assign", assignee), actor, policy)
        actions.append("assign")
    if action:
        after = write(writing, Order(case.case_id, action, text), actor, policy)
        actions.append(action)
    return Difference(case, after, tuple(actions), text)


def _refused(faults: list[str]) -> PackRefused:
    more = len(faults) - SHOWN
    lines = [*faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return PackRefused(f"the pack has {count}, and nothing of it was applied:\n  " + "\n  ".join(lines))
