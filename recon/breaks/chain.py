"""The break log as it lies in the lake: one object per append, each entry hashed over the one before.

An append is an object with the next number, created only where nothing lies: of two writers one wins. `_head.json` is
moved after it, so it may lag behind and never be ahead: a head that is ahead says that the end was cut off.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.schemas.reference import BREAK_LOG
from recon.breaks.entry import Entry, digest
from recon.breaks.errors import LogBroken
from recon.breaks.files import Unreadable, decode, read_all
from recon.breaks.runs import RunRow, read_runs
from recon.store.port import Absent, Store

FOLDER = BREAK_LOG.name
HEAD = f"{FOLDER}/_head.json"
_NAME = re.compile(r"[0-9]{8}\.parquet")


@dataclass(frozen=True, slots=True)
class Head:
    """The last object that an append has finished: its number, its last entry and the hex SHA-256 of its bytes."""

    number: int
    entry_id: str
    object: str

    def encode(self) -> bytes:
        """As it is written."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Chain:
    """A verified log: its entries, how many objects hold them, and the digest of the last object's bytes."""

    entries: tuple[Entry, ...] = ()
    number: int = 0
    object: str | None = None

    @property
    def last(self) -> Entry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None


def object_path(number: int) -> str:
    """Path of the object with this number in the lake."""
    return f"{FOLDER}/{number:08d}.parquet"


def read_chain(store: Store) -> tuple[Chain, Mapping[str, RunRow]]:
    """The whole log and the registered runs, verified. Raises LogBroken naming what does not fit."""
    # What points into the log is read before it: a writer at work can only make the log longer.
    head = read_head(store)
    runs = read_runs(store)
    numbers = _numbers(store)
    entries: list[Entry] = []
    ends: list[tuple[str, str]] = []
    for number, body in zip(numbers, read_all(store, [object_path(number) for number in numbers]), strict=True):
        _follow(store, number, body, entries, ends[-1][1] if ends else None)
        ends.append((entries[-1].entry_id, hashlib.sha256(body).hexdigest()))
    _check_head(store, head, ends)
    known = {entry.entry_id for entry in entries}
    for run in runs.values():
        if run.log_entry_id is not None and run.log_entry_id not in known:
            raise LogBroken(f"{store.root}/{FOLDER}", f"entry {run.log_entry_id[:12]} is gone, up to which run "
                            f"{run.run_id} was registered")
    return Chain(tuple(entries), len(numbers), ends[-1][1] if ends else None), runs


def read_head(store: Store) -> Head | None:
    """The head, or None where nothing was ever appended. Raises LogBroken."""
    try:
        body = store.read(HEAD)
    except Absent:
        return None
    try:
        head = Head(**json.loads(body))
        if head.encode() == body:
            return head
    except (ValueError, TypeError):
        pass
    raise LogBroken(f"{store.root}/{HEAD}", "it is not as a head is written: number, entry_id and object")


def _numbers(store: Store) -> list[int]:
    """The objects' numbers: 1, 2, ... without a gap. Raises LogBroken naming the one that is missing."""
    numbers: set[int] = set()
    for _ in range(2):
        # No listing is a snapshot: of two objects that came while it went it may have the later one alone.
        numbers |= _listed(store)
        if len(numbers) == max(numbers, default=0):
            return sorted(numbers)
    gap = next(number for number in range(1, max(numbers) + 1) if number not in numbers)
    after = min(number for number in numbers if number > gap)
    raise LogBroken(f"{store.root}/{object_path(gap)}", f"it is missing, and {after:08d} is there")


def _listed(store: Store) -> set[int]:
    names = [entry.name for entry in store.entries(FOLDER) or () if entry.name[0] not in "._"]
    for name in names:
        if not _NAME.fullmatch(name) or int(name[:8]) == 0:
            raise LogBroken(f"{store.root}/{FOLDER}/{name}", "it is no object of the log, which are 00000001.parquet "
                            "and so on")
    return {int(name[:8]) for name in names}


def _follow(store: Store, number: int, body: bytes, entries: list[Entry], before: str | None) -> None:
    """Add the entries of one object, each checked against the one before it and the object against its predecessor."""
    where = f"{store.root}/{object_path(number)}"
    try:
        rows = decode(BREAK_LOG, body)
    except Unreadable as error:
        raise LogBroken(where, str(error)) from None
    if not rows:
        raise LogBroken(where, "it holds no entry")
    for row in rows:
        last = entries[-1] if entries else None
        fault = _fault(row, last, before)
        if fault:
            raise LogBroken(where, f"entry {len(entries) + 1} ({row['action']} of case {row['case_id'][:12]}) does not "
                            f"fit: {fault}")
        entries.append(Entry.of_row(row))


def _fault(row: Mapping[str, Any], last: Entry | None, before: str | None) -> str | None:
    if row["previous_id"] != (last.entry_id if last else None):
        return "it does not follow the entry before it"
    if row["entry_no"] != (last.entry_no + 1 if last else 1):
        return f"its number is {row['entry_no']}"
    if row["entry_id"] != digest(row):
        return "its hash is not that of its content"
    if row["previous_object"] != before:
        return "the bytes of the object before it are not those that it was appended to"
    return None


def _check_head(store: Store, head: Head | None, ends: list[tuple[str, str]]) -> None:
    where = f"{store.root}/{HEAD}"
    if head is None:
        # The very first append may have been cut off before its head; any later one has had one to move.
        if len(ends) > 1:
            raise LogBroken(where, f"it is gone, though {len(ends)} objects were appended")
        return
    if head.number > len(ends):
        raise LogBroken(where, f"it names object {head.number:08d}, and the log ends with {len(ends):08d}: its end was "
                        "cut off")
    if head.number < 1 or ends[head.number - 1] != (head.entry_id, head.object):
        raise LogBroken(where, f"object {head.number:08d} is not the one that it names, with last entry "
                        f"{head.entry_id[:12]}")
