"""A finished run enters the register: cases are opened, found again, and closed where it shows that they are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from recon.breaks.append import Writing, actor_of, append
from recon.breaks.book import Book
from recon.breaks.case import SEVERITIES, Case
from recon.breaks.changes import Changes
from recon.breaks.entry import Draft
from recon.breaks.fold import amounts_with
from recon.breaks.policy import Policy
from recon.breaks.run_files import RunFiles
from recon.breaks.runs import RunRow, create_run
from recon.breaks.said import Said, instant, said_by_case
from recon.breaks.witness import Witness, may_clear
from recon.store.place import Place


def update(place: Place, run: RunFiles, *, actor: str, now: datetime) -> Changes:
    """Register `run` in the lake at `place`: what that changed, in one append.

    A run that is registered changes nothing more and gives the same again, `already`; one whose registration was cut
    off is finished. `now` is aware. Raises Refused, with nothing written.
    """
    return enter(place, run, actor=actor, now=now)[0]


def enter(place: Place, run: RunFiles, *, actor: str, now: datetime) -> tuple[Changes, Book]:
    """As update(), and the register as it is then: who needs it too need not read and verify it again."""
    actor = actor_of(actor)
    policy = Policy.load(place)
    said = said_by_case(run.rows)
    was_there = False

    def decide(writing: Writing) -> None:
        nonlocal was_there
        was_there = writing.book.has_run(run.run_id)
        if not was_there:
            _Registration(writing, run, actor, policy).decide(said)

    book, _ = append(place, now, decide)
    if run.run_id not in book.runs:
        row = _row(run, book, now)
        create_run(place, row)
        book = book.with_run(row)
    changes = book.changes_of(run.run_id)
    return (changes if was_there else replace(changes, already=False)), book


def _row(run: RunFiles, book: Book, now: datetime) -> RunRow:
    own = [entry for entry in book.chain.entries if entry.run_id == run.run_id]
    last = own[-1] if own else book.chain.last
    return RunRow(run.run_id, run.window, run.as_of, run.known_at, run.status, run.cohort_from, run.cohort_to,
                  run.engine, last.entry_id if last else None, now)


class _Registration:
    """One run on its way into one book."""

    def __init__(self, writing: Writing, run: RunFiles, actor: str, policy: Policy) -> None:
        self._writing, self._run, self._actor, self._policy = writing, run, actor, policy
        self._told: Mapping[str, str] = {
            "window": run.window, "as_of": instant(run.as_of), "known_at": instant(run.known_at),
            "cohort_from": instant(run.cohort_from), "cohort_to": instant(run.cohort_to),
        }  # fmt: skip

    def decide(self, said: Mapping[str, Said]) -> None:
        """Add what the run changes: what it finds, in the order of case_id, then what it clears."""
        cases = self._writing.book.cases
        for case_id, statement in sorted(said.items()):
            case = cases.get(case_id)
            if case is None:
                self._open(statement)
            elif self._is_later(case):
                self._find(case, statement)
        silent = [case for case_id, case in cases.items() if case_id not in said and case.status != "resolved"
                  and self._is_later(case) and may_clear(self._run, case)]
        witness = Witness(self._run, silent)
        for case in silent:
            proof = witness.proof(case)
            if proof:
                self._resolve(case, proof)

    def _is_later(self, case: Case) -> bool:
        """Whether the run knows more than whoever spoke of the case last: nothing is said against later knowledge."""
        return case.spoken is None or (self._run.known_at, self._run.as_of) > case.spoken

    def _open(self, said: Said) -> None:
        first = said.content["first_seen_at"]
        since = datetime.fromisoformat(first) if first else self._writing.now
        self._add("opened", said, "open", said.severity, since)

    def _find(self, case: Case, said: Said) -> None:
        diff_minor, _ = amounts_with(case, said.content, self._told)
        changed = dict(diff_minor) != dict(case.diff_minor)
        back = case.status == "resolved" or (case.status not in ("open", "assigned") and changed)
        if back:
            self._add("reopened", said, "assigned" if case.assignee else "open", said.severity, self._writing.now)
            return
        same = case.cls == said.cls
        severity = max(case.severity, said.severity, key=SEVERITIES.index) if same else said.severity
        self._add("seen" if same else "reclassified", said, case.status, severity, case.since)

    def _add(self, action: str, said: Said, status: str, severity: str, since: datetime) -> None:
        evidence: dict[str, Any] = {
            "run": self._told, "said": said.content, "counted_from": instant(since),
            "due_at": instant(self._policy.due_at(severity, since)),
        }  # fmt: skip
        self._writing.add(Draft(said.case_id, action, self._actor, said.subject_id, said.cls, severity, status,
                                evidence, said.divergence_id, self._run.run_id))

    def _resolve(self, case: Case, proof: Mapping[str, Any]) -> None:
        evidence: dict[str, Any] = {"run": self._told, "proof": proof}
        if case.status == "written_off":
            evidence["mind"] = "it had been written off: the write-off has to be taken back in the books"
        self._writing.add(Draft(case.case_id, "resolved", self._actor, case.subject_id, case.cls, case.severity,
                                "resolved", evidence, run_id=self._run.run_id))
