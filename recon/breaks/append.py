"""Adding to the log: all of it at once, or nothing; the loser of a race reads again and decides again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from pipeline.schemas.reference import BREAK_LOG
from recon.breaks.book import Book
from recon.breaks.case import Case
from recon.breaks.chain import HEAD, Head, object_path, read_head
from recon.breaks.entry import Draft, Entry, chained
from recon.breaks.errors import Contended, NotPossible
from recon.breaks.files import encode
from recon.breaks.fold import folded
from recon.store.place import Place
from recon.store.port import Absent

TRIES = 20
"""So often a writer that lost a race decides anew."""


class Writing:
    """Entries about to be appended to a book: what was added so far counts for what is added next."""

    def __init__(self, book: Book, now: datetime) -> None:
        """`now` is the entries' recorded_at, aware UTC; what is below a millisecond is cut off."""
        self.book = book
        self.now = now.astimezone(UTC).replace(microsecond=now.microsecond - now.microsecond % 1000)
        self.entries: list[Entry] = []
        self._changed: dict[str, Case] = {}

    def case(self, case_id: str) -> Case | None:
        """The case as of the last entry added."""
        return self._changed.get(case_id) or self.book.cases.get(case_id)

    def add(self, draft: Draft) -> Case:
        """Add an entry; its case after it."""
        previous = self.entries[-1] if self.entries else self.book.chain.last
        entry = chained(draft, previous, self.book.chain.object, self.now)
        case = folded(self.case(draft.case_id), entry)
        self.entries.append(entry)
        self._changed[draft.case_id] = case
        return case


def append(place: Place, now: datetime, decide: Callable[[Writing], None]) -> tuple[Book, list[Entry]]:
    """Let `decide` add entries to the book as it is, and write them as one object; the book after it and the entries.

    `decide` is called anew whenever another writer was first, so it may change nothing but its Writing. What it raises
    ends the append with nothing written. Raises LogBroken, and Contended after TRIES lost races.
    """
    for _ in range(TRIES):
        book = Book.read(place)
        writing = Writing(book, now)
        decide(writing)
        if not writing.entries:
            _catch_up(place, book)
            return book, []
        number = book.chain.number + 1
        body = encode(BREAK_LOG, [entry.row() for entry in writing.entries])
        if place.create(object_path(number), body) or _lies_there(place, number, body):
            move_head(place, Head(number, writing.entries[-1].entry_id, hashlib.sha256(body).hexdigest()))
            return book.with_entries(writing.entries, number, body), writing.entries
    raise Contended(f"{place.root}: {TRIES} times another writer of break_log was first; nothing was written; repeat "
                    "the command")


def _catch_up(place: Place, book: Book) -> None:
    """Move the head where an append was cut off before it could."""
    last = book.chain.last
    if last is not None and book.chain.object is not None:
        move_head(place, Head(book.chain.number, last.entry_id, book.chain.object))


def move_head(place: Place, head: Head) -> None:
    """Let _head.json name `head`, unless it names a later one; whoever is first, the later one stays."""
    for _ in range(TRIES):
        known = read_head(place)
        if known is None:
            if place.create(HEAD, head.encode()):
                return
            continue
        if known.number >= head.number:
            return
        body, tag = place.tagged(HEAD)
        if body == known.encode() and place.replace(HEAD, head.encode(), tag):
            return


def actor_of(name: str) -> str:
    """Who acts, as the log keeps it. Raises NotPossible where nobody is named."""
    kept = " ".join(name.split())
    if not kept or len(kept) > 200:
        raise NotPossible(f"actor {name[:50]!r} names nobody; accepted: 1 to 200 characters, with --actor")
    return kept


def _lies_there(place: Place, number: int, body: bytes) -> bool:
    """Whether what lies there is our own: the answer to a write that was done may be lost on the way."""
    try:
        return place.read(object_path(number)) == body
    except Absent:
        return False
