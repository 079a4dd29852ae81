"""The truth about a run: RECONCILIATION's table, read off what happened.

Which line belongs to which movement is not sought: the gateways' book knows it, operation by operation. Of the matcher
nothing is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from infra.local.story.due import Expectation
from infra.local.story.facts import BUCKETS, DAY, STEP_OF_KIND, Account, Facts, Line, Movement, Run, hour_of, rfc
from infra.local.traffic.books import STEPS
from pipeline.schemas.currency import odd_exponents

CLASSES = (
    "missing_at_gateway", "missing_in_ledger", "amount_mismatch", "currency_mismatch", "scale_error",
    "duplicate_capture", "captured_but_voided", "partial_capture", "capture_failed_at_gateway", "ambiguous_match",
    "suggested_match", "refund_missing_at_gateway", "refund_missing_in_ledger", "refund_amount_mismatch",
    "duplicate_refund", "refund_failed", "chargeback_unposted", "chargeback_missing_at_gateway",
    "chargeback_amount_mismatch", "chargeback_reversal_unposted", "double_posting", "feed_late", "feed_incomplete",
    "feed_duplicate", "feed_restated", "payout_residual", "payout_missing", "batch_gap", "negative_carry_over",
    "lake_gap", "duplicate_delivery", "unbalanced_journal",
)
"""The classes that are decided here: of those without a row in the truth none may be reported."""

_AT_GATEWAY = {
    "CAPTURE": "missing_at_gateway", "CAPTURE_REVERSAL": "missing_at_gateway", "REFUND": "refund_missing_at_gateway",
    "REFUND_REVERSAL": "refund_missing_at_gateway", "CHARGEBACK": "chargeback_missing_at_gateway",
    "CHARGEBACK_REVERSAL": "chargeback_missing_at_gateway",
}
_APART = {
    "CAPTURE": "amount_mismatch", "CAPTURE_REVERSAL": "amount_mismatch", "REFUND": "refund_amount_mismatch",
    "REFUND_REVERSAL": "refund_amount_mismatch", "CHARGEBACK": "chargeback_amount_mismatch",
    "CHARGEBACK_REVERSAL": "chargeback_amount_mismatch",
}
_IN_LEDGER = {
    "charge_failure": "missing_in_ledger", "partial_capture_reversal": "missing_in_ledger",
    "refund": "refund_missing_in_ledger", "refund_failure": "refund_failed", "chargeback": "chargeback_unposted",
    "chargeback_reversal": "chargeback_reversal_unposted",
}
Key = tuple[str, str, str]
"""Gateway, account, currency."""


@dataclass(frozen=True, slots=True)
class Row:
    """One divergence that a run must find."""

    divergence: str
    subject: str
    account: Account | None
    currency: str | None
    diff: int = 0
    identity: int = 0
    payment_id: int | None = None
    native_id: str | None = None
    batch: str | None = None


@dataclass(slots=True)
class Truth:
    """All that is true of one run: divergences, claims, and what waits by gateway, account and currency."""

    run: Run
    rows: list[Row] = field(default_factory=list)
    claims: list[tuple[Movement, Line]] = field(default_factory=list)
    pending: dict[Key, int] = field(default_factory=lambda: defaultdict(int))


def truth_of(facts: Facts, expected: Sequence[Expectation], run: Run) -> Truth:
    """The truth of one run."""
    return _Deciding(facts, expected, run).truth()


def unnamed(facts: Facts, truth: Truth) -> dict[Key, int]:
    """What the truth itself leaves without a name, by gateway, account and currency: nothing, if it is one."""
    deciding = _Deciding(facts, (), truth.run)
    left: dict[Key, int] = defaultdict(int)
    claimed = {line.native_id: movement for movement, line in truth.claims}
    for movement in deciding.movements():
        left[(*movement.account, movement.currency)] += movement.amount
    for line in deciding.lines():
        if line.native_id in claimed or (deciding.in_cohort(line.at) and deciding.claimant(line) is None):
            left[(*line.account, line.currency)] -= line.gross
    for row in truth.rows:
        if row.account and row.currency:
            left[(*row.account, row.currency)] -= row.identity
    for key, amount in truth.pending.items():
        left[key] -= amount
    return {key: amount for key, amount in left.items() if amount}


class _Deciding:
    """One run's knowledge, and what follows from it."""

    def __init__(self, facts: Facts, expected: Sequence[Expectation], run: Run) -> None:
        self._facts, self._expected, self._run = facts, {e.account: e for e in expected}, run
        gone = {entry.journal_id for entry in facts.missing if entry.account.startswith("gateway_clearing:")}
        self._there = [m for m in facts.movements if m.journal_id not in gone and m.at < run.as_of]
        self._files = [file for file in facts.files if file.received_at < run.known_at]
        first: dict[tuple[int, str, str], Movement] = {}
        for movement in sorted(self._there, key=lambda m: m.sequence):
            first.setdefault((movement.payment_id, movement.step, movement.operation_ref), movement)
        self._first = first

    def truth(self) -> Truth:
        """All rows, claims and what waits."""
        truth = Truth(self._run)
        claimed: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines():
            if movement := self.claimant(line):
                claimed[movement.journal_id].append(line)
        for movement in self.movements():
            self._decide_movement(movement, claimed[movement.journal_id], truth)
        for line in self.lines():
            if self.in_cohort(line.at) and self.claimant(line) is None:
                self._decide_line(line, truth)
        truth.rows += [*self._late(), *self._payouts(), *self._gaps(), *self._repeated()]
        return truth

    def in_cohort(self, at: datetime) -> bool:
        """Whether an instant belongs to the cohort."""
        return self._run.cohort_from <= at < self._run.cohort_to

    def movements(self) -> Iterator[Movement]:
        """Movements of the cohort that the lake shows."""
        return (movement for movement in self._there if self.in_cohort(movement.at))

    def lines(self) -> Iterator[Line]:
        """Lines of files that had come."""
        return (line for line in self._facts.lines
                if line.at < self._run.as_of and line.file.received_at < self._run.known_at)

    def claimant(self, line: Line) -> Movement | None:
        """The visible movement that a line is of. A failed capture that was never posted is of the capture itself."""
        done = self._facts.operations.get(line.operation)
        if done is None or done.payment_id is None:
            return None
        found = self._first.get((done.payment_id, STEPS[done.kind], done.ref))
        if found is None and done.kind == "capture_failed":
            return self._first.get((done.payment_id, "CAPTURE", done.ref))
        return found

    def _decide_movement(self, movement: Movement, lines: Sequence[Line], truth: Truth) -> None:
        if self._first[movement.payment_id, movement.step, movement.operation_ref] is not movement:
            truth.rows.append(_of(movement, "double_posting", movement.amount))
        elif lines:
            truth.claims += [(movement, line) for line in lines]
            truth.rows += _compared(movement, lines)
        elif self._is_decidable(movement):
            truth.rows.append(_of(movement, _AT_GATEWAY[movement.step], movement.amount))
        else:
            truth.pending[(*movement.account, movement.currency)] += movement.amount

    def _decide_line(self, line: Line, truth: Truth) -> None:
        if self._starved(line):
            truth.pending[(*line.account, line.currency)] -= line.gross
            return
        truth.rows.append(Row(self._unanswered(line), f"line:{line.account[0]}:{line.native_id}", line.account,
                              line.currency, -line.gross, -line.gross, line.payment_id, line.native_id))

    def _unanswered(self, line: Line) -> str:
        if line.kind != "charge":
            return _IN_LEDGER[line.kind]
        if any(m.payment_id == line.payment_id and m.step == "CAPTURE" for m in self._there):
            return "duplicate_capture"
        since = None if line.payment_id is None else self._facts.given_up.get(line.payment_id)
        return "captured_but_voided" if since is not None and since < self._run.as_of else "missing_in_ledger"

    def _is_decidable(self, movement: Movement) -> bool:
        """Whether its line is due, and the file that must hold it has come."""
        expected = self._expected[movement.account]
        covered = any(file.account == movement.account and file.covers_from <= movement.at < file.covers_until
                      for file in self._files)
        return covered and expected.due(movement.at) <= self._run.as_of

    def _starved(self, line: Line) -> bool:
        """Whether its movement could lie in a hole of the lake, or in what is not counted yet."""
        hour = hour_of(line.at)
        if self._facts.controlled_until.get(hour, hour) <= line.at:
            return True
        return any(abs(hour_of(entry.at) - hour) <= DAY and entry.step == STEP_OF_KIND[line.kind]
                   and entry.currency == line.currency
                   and (line.payment_id is None or line.payment_id % BUCKETS == entry.payment_id % BUCKETS)
                   for entry in self._facts.missing)

    def _late(self) -> Iterator[Row]:
        for account, expected in self._expected.items():
            for begins, ends in expected.days(self._run.cohort_from, self._run.cohort_to):
                covered = any(file.account == account and file.covers_from <= begins and ends <= file.covers_until
                              for file in self._files)
                if not covered and expected.due(begins) <= self._run.as_of:
                    yield Row("feed_late", f"feed:{account[0]}:{account[1]}:{expected.report}:{rfc(begins)}", account,
                              None)

    def _payouts(self) -> Iterator[Row]:
        for payout in self._facts.payouts:
            file = payout.file
            meets = file.covers_from < self._run.cohort_to and self._run.cohort_from < file.covers_until
            if payout.owed != payout.told and meets and file.received_at < self._run.known_at:
                subject = f"batch:{payout.account[0]}:{payout.account[1]}:{payout.batch}:{payout.currency}"
                yield Row("payout_residual", subject, payout.account, payout.currency, payout.owed - payout.told,
                          batch=payout.batch)

    def _gaps(self) -> Iterator[Row]:
        short: dict[tuple[str, str, str], int] = defaultdict(int)
        for entry in self._facts.missing:
            if self.in_cohort(hour_of(entry.at)):
                short[rfc(hour_of(entry.at)), entry.step, entry.currency] += (
                    entry.amount if entry.direction == "D" else 0)
        for (hour, step, currency), debits in sorted(short.items()):
            yield Row("lake_gap", f"hour:ledger_entries:{hour}:{step}:{currency}", None, currency, debits)

    def _repeated(self) -> Iterator[Row]:
        for table, hour in sorted(self._facts.repeated):
            if self.in_cohort(hour):
                yield Row("duplicate_delivery", f"hour:{table}:{rfc(hour)}::", None, None)


def _compared(movement: Movement, lines: Sequence[Line]) -> list[Row]:
    """What a movement and the lines that it claims differ in."""
    foreign = [line for line in lines if line.currency != movement.currency]
    total = sum(line.gross for line in lines if line.currency == movement.currency)
    diff = movement.amount - total
    if foreign:
        return [_of(movement, "currency_mismatch", diff, lines[0]),
                *(_of(movement, "currency_mismatch", -line.gross, line, currency=line.currency) for line in foreign)]
    kinds = {line.kind for line in lines}
    if movement.step == "CAPTURE" and "charge_failure" in kinds:
        return [_of(movement, "capture_failed_at_gateway", diff, lines[0])]
    if diff == 0:
        return []
    if movement.step == "CAPTURE" and diff > 0 and "partial_capture_reversal" in kinds:
        return [_of(movement, "partial_capture", diff, lines[0])]
    if odd_exponents(movement.account[0], movement.currency) and _scaled(movement.amount, total):
        return [_of(movement, "scale_error", diff, lines[0])]
    return [_of(movement, _APART[movement.step], diff, lines[0])]


def _of(movement: Movement, divergence: str, diff: int, line: Line | None = None, *,
        currency: str | None = None) -> Row:
    return Row(divergence, f"movement:{movement.journal_id}", movement.account, currency or movement.currency, diff,
               diff, movement.payment_id, line.native_id if line else None)


def _scaled(ours: int, theirs: int) -> bool:
    return any(ours == theirs * factor or theirs == ours * factor for factor in (10, 100, 1000))

