"""What was known of a history at one instant: the facts that the truth of one run may use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from recon.worlds.clock import DAY, HOUR, due, landing, local_date, local_midnight
from recon.worlds.control import RECORDED_AFTER
from recon.worlds.journals import COMMIT_AFTER
from recon.worlds.model import STEP_OF_KIND, FeedFile, Gap, History, Line, Movement, Run

Key = tuple[str, str, str]
"""Gateway, account, currency."""

_CONTROL_LANDS = RECORDED_AFTER + 2 * 60_000


@dataclass(frozen=True, slots=True)
class Posting:
    """The debits of one journal, as ledger_control counts them."""

    step: str
    currency: str
    bucket: int
    debit: int


@dataclass(slots=True)
class Index:
    """A history ordered for questions: movements and lines by UTC day, odd lines, movements by amount."""

    history: History
    moves: dict[int, list[Movement]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    loose: list[Line] = field(default_factory=list)
    unreferenced: list[Movement] = field(default_factory=list)
    alike: dict[tuple[int, str, str, int], list[Movement]] = field(default_factory=lambda: defaultdict(list))
    withheld: dict[Gap, list[Posting]] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Index:
        """Read the history once."""
        index = cls(history, withheld={gap: list(postings(history, gap)) for gap in history.gaps})
        for p in history.payments:
            for move in p.moves:
                index.moves[move.at // DAY].append(move)
                if move.operation_ref is None:
                    index.unreferenced.append(move)
            for line in p.lines:
                index.lines[line.at // DAY].append(line)
                if line.keyless or line.tangle:
                    index.loose.append(line)
        wanted = {_likeness(line) for line in index.loose}
        for p in history.payments:
            for move in p.moves:
                key = (p.account.index, move.step, p.currency, move.signed)
                if key in wanted:
                    index.alike[key].append(move)
        return index

    def resembling(self, line: Line) -> list[Movement]:
        """Movements of the line's account, kind, currency and amount."""
        return self.alike.get(_likeness(line), [])


@dataclass(slots=True)
class View:
    """One run's knowledge."""

    index: Index
    run: Run
    gaps: list[Gap] = field(default_factory=list)
    holders: dict[tuple[int, str, int], FeedFile] = field(default_factory=dict)
    holes: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, index: Index, run: Run) -> View:
        """Files and objects that had come by `known_at`."""
        view = cls(index, run)
        history = index.history
        view.gaps = [gap for gap in history.gaps if gap.landed_at is None or gap.landed_at >= run.known_at]
        known = [f for f in history.files if f.received_at < run.known_at and f.status != "duplicate"]
        for file in sorted(known, key=lambda f: (f.status == "accepted", f.received_at)):
            view.holders[file.account.index, file.report, file.covers_from] = file
        for gap in view.gaps:
            for posting in index.withheld[gap]:
                view.holes[posting.step, posting.currency].add((gap.hour, posting.bucket))
        return view

    def settlement_files(self) -> list[FeedFile]:
        """Settlement files whose lines count."""
        return [f for f in self.holders.values() if f.role == "settlement"]

    def in_cohort(self, at: int) -> bool:
        """Whether an instant belongs to the run's cohort."""
        return self.run.cohort_from <= at < self.run.cohort_to

    def has_move(self, move: Movement) -> bool:
        """Whether the lake showed the movement."""
        hour = move.at // HOUR * HOUR
        return (
            move.at < self.run.as_of
            and landing(hour) < self.run.known_at
            and not any(gap.hour == hour and move.payment.bucket in gap.buckets for gap in self.gaps)
        )

    def has_line(self, line: Line) -> bool:
        """Whether a file that counts showed the line."""
        return line.at < self.run.as_of and any(
            self.holders.get((f.account.index, f.report, f.covers_from)) is f for f in line.files
        )

    def is_held(self, move: Movement) -> bool:
        """Whether a visible line of a type nobody knows is the movement's."""
        return any(line.kind == "held" and self.has_line(line) for line in move.lines)

    def is_due(self, move: Movement) -> bool:
        """Whether the movement's line is due and an accepted file covers the instant of the movement."""
        account = move.account
        if due(move.at, account.expected) > self.run.as_of:
            return False
        begins = local_midnight(local_date(move.at, account.zone), account.zone)
        file = self.holders.get((account.index, account.report, begins))
        return file is not None and file.status == "accepted"

    def told_authorised(self, move: Movement) -> bool:
        """Whether a report of states that had come says that just the movement's amount was authorised."""
        account, p = move.account, move.payment
        if account.status is None or move.amount != p.amount:
            return False
        begins = local_midnight(local_date(p.authorized_at, account.zone), account.zone)
        return (account.index, account.status, begins) in self.holders

    def starved(self, line: Line) -> bool:
        """Whether the line's movement could lie in a hole of the lake, or in an hour without control yet."""
        hour = line.at // HOUR * HOUR
        if hour + HOUR + _CONTROL_LANDS >= self.run.known_at:
            return True
        bucket = line.payment.bucket if line.payment_ref else None
        return any(
            abs(gap_hour - hour) <= DAY and bucket in (None, gap_bucket)
            for gap_hour, gap_bucket in self.holes.get((STEP_OF_KIND[line.kind], line.currency), ())
        )

    def moves_in_cohort(self) -> Iterator[Movement]:
        """Visible movements of the cohort."""
        for day in range(self.run.cohort_from // DAY, (self.run.cohort_to - 1) // DAY + 1):
            for move in self.index.moves.get(day, ()):
                if self.in_cohort(move.at) and self.has_move(move):
                    yield move

    def lines_in_cohort(self) -> Iterator[Line]:
        """Visible lines whose own time lies in the cohort."""
        for day in range(self.run.cohort_from // DAY, (self.run.cohort_to - 1) // DAY + 1):
            for line in self.index.lines.get(day, ()):
                if self.in_cohort(line.at) and self.has_line(line):
                    yield line


def postings(history: History, gap: Gap) -> Iterator[Posting]:
    """What a gap withholds. CAPTURE debits twice: it releases the hold and moves clearing."""
    for p in history.payments:
        if p.bucket not in gap.buckets or p.path == "rejected":
            continue
        facts = [("RESERVE", p.reserved_at, p.amount)]
        if p.path in ("voided", "declined"):
            facts.append(("RELEASE", p.ended_at, p.amount))
        for m in p.moves:
            opening = m.step == "CAPTURE" and not m.repeats
            facts.append((m.step, m.at, m.amount * 2 if opening else m.amount))
            if opening:
                facts.append(("COMMIT", m.at + COMMIT_AFTER, p.amount))
        for step, at, debit in facts:
            if gap.hour <= at < gap.hour + HOUR:
                yield Posting(step, p.currency, p.bucket, debit)


def _likeness(line: Line) -> tuple[int, str, str, int]:
    return line.account.index, STEP_OF_KIND.get(line.kind, ""), line.currency, line.gross
