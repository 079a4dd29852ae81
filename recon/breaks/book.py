"""The register as a whole: a verified log, the registered runs, and every case as the log has it."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from recon.breaks.case import Case
from recon.breaks.chain import FOLDER, Chain, read_chain
from recon.breaks.changes import Changes, changes_of
from recon.breaks.entry import Entry
from recon.breaks.errors import LogBroken, NotPossible
from recon.breaks.fold import folded
from recon.breaks.runs import RunRow
from recon.store.port import Store

_PREFIX = re.compile(r"[0-9a-f]{6,}")


class Book:
    """What is known of every break. `cases` by case_id, in the order of their opening."""

    def __init__(self, root: str, chain: Chain, runs: Mapping[str, RunRow]) -> None:
        """`chain` and `runs` are verified. Raises LogBroken where an entry says what none of ours says."""
        self.root = root
        self.chain = chain
        self.runs = runs
        self.cases: Mapping[str, Case] = self._fold(chain.entries)

    @classmethod
    def read(cls, store: Store) -> Book:
        """The register in a lake, verified from its first entry to its last. Raises LogBroken, naming what is wrong."""
        return cls(store.root, *read_chain(store))

    def with_entries(self, entries: Sequence[Entry], number: int, body: bytes) -> Book:
        """This book after an append of `entries` as object `number`."""
        chain = Chain((*self.chain.entries, *entries), number, hashlib.sha256(body).hexdigest())
        return self._as(chain, self.runs, self._fold(entries, self.cases))

    def with_run(self, run: RunRow) -> Book:
        """This book once `run` is registered."""
        return self._as(self.chain, {**self.runs, run.run_id: run}, self.cases)

    def changes_of(self, run_id: str) -> Changes:
        """What the registration of a run changed, from the log. Raises NotPossible where it was never registered."""
        if not self.has_run(run_id):
            raise NotPossible(f"run {run_id} is not in the register of {self.root}; recon breaks update registers it")
        touched = {entry.case_id for entry in self.chain.entries if entry.run_id == run_id}
        cases: dict[str, Case] = {}
        steps = []
        for entry in self.chain.entries:
            if entry.case_id in touched:
                before = cases.get(entry.case_id)
                cases[entry.case_id] = after = folded(before, entry)
                if entry.run_id == run_id:
                    steps.append((before, entry, after))
        return changes_of(run_id, steps, already=True)

    def has_run(self, run_id: str) -> bool:
        """Whether the run is registered, be it that only the log knows."""
        return run_id in self.runs or any(entry.run_id == run_id for entry in self.chain.entries)

    def history(self, case_id: str) -> list[Entry]:
        """The entries of one case, the oldest first."""
        return self._entries_by_case.get(case_id, [])

    @cached_property
    def _entries_by_case(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.chain.entries:
            found[entry.case_id].append(entry)
        return dict(found)

    def as_of_entry(self, entry_id: str) -> Mapping[str, Case] | None:
        """Every case as it was after that entry; None where the log has no such entry."""
        for number, entry in enumerate(self.chain.entries, 1):
            if entry.entry_id == entry_id:
                return self.cases if number == len(self.chain.entries) else self._fold(self.chain.entries[:number])
        return None

    def as_of(self, at: datetime) -> Mapping[str, Case]:
        """Every case as the register had it at that instant."""
        count = next((number for number, entry in enumerate(self.chain.entries) if entry.recorded_at > at), None)
        return self.cases if count is None else self._fold(self.chain.entries[:count])

    def find(self, name: str) -> Case:
        """The case with this id or beginning of one (at least 6 characters). Raises NotPossible."""
        name = name.strip().lower()
        if not _PREFIX.fullmatch(name):
            raise NotPossible(f"{name!r} is no case id; accepted: at least its first 6 characters (0-9, a-f), as "
                              "recon breaks list shows them")
        found = [case for case_id, case in self.cases.items() if case_id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotPossible(f"there is no case {name} in {self.root}; recon breaks list shows those there are")
        raise NotPossible(f"{name} could be {', '.join(case.case_id for case in found[:5])}"
                          f"{' or others' if len(found) > 5 else ''}; give more characters")

    def silent_runs(self, case: Case) -> list[RunRow]:
        """Registered runs that knew more than the last word on an open case, looked at all of its cohort, and neither
        found it nor showed that it is over: there it is pending."""
        if case.status == "resolved" or case.spoken is None:
            return []
        return sorted(
            (run for run in self.runs.values() if (run.known_at, run.as_of) > case.spoken
             and run.cohort_from <= case.cohort_from and case.cohort_to <= run.cohort_to),
            key=lambda run: (run.known_at, run.as_of),
        )  # fmt: skip

    def _as(self, chain: Chain, runs: Mapping[str, RunRow], cases: Mapping[str, Case]) -> Book:
        book = Book.__new__(Book)
        book.root, book.chain, book.runs, book.cases = self.root, chain, runs, cases
        return book

    def _fold(self, entries: Sequence[Entry], start: Mapping[str, Case] | None = None) -> dict[str, Case]:
        cases = dict(start or {})
        for entry in entries:
            try:
                cases[entry.case_id] = folded(cases.get(entry.case_id), entry)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise LogBroken(f"{self.root}/{FOLDER}", f"entry {entry.entry_no} ({entry.action} of case "
                                f"{entry.case_id[:12]}) says what no entry says: {error}") from None
        return cases
