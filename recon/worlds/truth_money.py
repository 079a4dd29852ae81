"""The truth about movements and lines: RECONCILIATION section 4, read off what really happened.

Which line belongs to which movement is not sought: the history knows. Only what could not be known at the run's
instant (references blank or crossed, files absent, holes in the lake) makes a pair unknowable, and is treated so.
"""

from __future__ import annotations

from collections import Counter

from pipeline.schemas.currency import odd_exponents
from recon.worlds.model import Line, Movement
from recon.worlds.truth_groups import Groups, groups_of
from recon.worlds.truth_rows import RunTruth, Truth, key_of, of_line, of_move
from recon.worlds.view import View

_AT_GATEWAY = {
    "CAPTURE": "missing_at_gateway",
    "CAPTURE_REVERSAL": "missing_at_gateway",
    "REFUND": "refund_missing_at_gateway",
    "REFUND_REVERSAL": "refund_missing_at_gateway",
    "CHARGEBACK": "chargeback_missing_at_gateway",
    "CHARGEBACK_REVERSAL": "chargeback_missing_at_gateway",
}
_IN_LEDGER = {
    "charge_failure": "missing_in_ledger",
    "partial_capture_reversal": "missing_in_ledger",
    "refund_failure": "refund_failed",
    "chargeback": "chargeback_unposted",
    "chargeback_reversal": "chargeback_reversal_unposted",
}
_APART = {
    "CAPTURE": "amount_mismatch",
    "CAPTURE_REVERSAL": "amount_mismatch",
    "REFUND": "refund_amount_mismatch",
    "REFUND_REVERSAL": "refund_amount_mismatch",
    "CHARGEBACK": "chargeback_amount_mismatch",
    "CHARGEBACK_REVERSAL": "chargeback_amount_mismatch",
}


def claimant(line: Line, view: View) -> Movement | None:
    """The visible movement that claims a visible line; None where no reference decides it."""
    if line.kind == "held" or line.keyless or line.tangle or line.movement is None:
        return None
    return line.movement if view.has_move(line.movement) and countable(line.movement, view) else None


def claimed_lines(move: Movement, view: View) -> list[Line]:
    """The visible lines that a movement claims."""
    return [line for line in move.lines if view.has_line(line) and claimant(line, view) is move]


def countable(move: Movement, view: View) -> bool:
    """Whether a movement without operation reference pairs by count: as many equal amounts in the ledger as at the
    gateway. Always true where the ledger has the reference."""
    if move.operation_ref is not None:
        return True
    ours, theirs = unreferenced(move, view)
    return Counter(m.signed for m in ours) == Counter(line.gross for line in theirs)


def unreferenced(move: Movement, view: View) -> tuple[list[Movement], list[Line]]:
    """The payment's visible movements of that step without reference, and the visible lines that are theirs."""
    p = move.payment
    ours = [m for m in p.moves if m.step == move.step and m.operation_ref is None and view.has_move(m)]
    theirs = [
        line
        for m in p.moves
        if m.step == move.step and m.operation_ref is None
        for line in m.lines
        if view.has_line(line)
    ]
    return ours, theirs


def decide_money(view: View, truth: RunTruth, journal_ids: list[str]) -> None:
    """Add every money row, claim and waiting amount of the run's cohort to `truth`."""
    groups = groups_of(view, claimed_lines, unreferenced, countable)
    for move in view.moves_in_cohort():
        _decide_move(move, view, groups, truth, journal_ids)
    for line in view.lines_in_cohort():
        _decide_line(line, view, groups, truth)
    truth.rows += groups.rows(view, journal_ids)


def _decide_move(move: Movement, view: View, groups: Groups, truth: RunTruth, journal_ids: list[str]) -> None:
    if move.repeats:
        truth.rows.append(of_move("double_posting", move, journal_ids, move.signed))
        return
    lines = claimed_lines(move, view)
    if lines:
        truth.claims += [(move, line) for line in lines]
        truth.rows += _compared(move, lines, view, journal_ids)
    elif move in groups:
        return
    elif not view.is_due(move) or view.is_held(move):
        truth.pending[key_of(move)] += move.signed
    else:
        truth.rows.append(of_move(_AT_GATEWAY[move.step], move, journal_ids, move.signed))


def _compared(move: Movement, lines: list[Line], view: View, journal_ids: list[str]) -> list[Truth]:
    foreign = [line for line in lines if line.currency != move.currency]
    if foreign:
        rest = move.signed - sum(line.gross for line in lines if line.currency == move.currency)
        return [
            of_move("currency_mismatch", move, journal_ids, rest, line=lines[0]),
            *(
                of_move("currency_mismatch", move, journal_ids, -line.gross, currency=line.currency, line=line)
                for line in foreign
            ),
        ]
    total = sum(line.gross for line in lines)
    diff = move.signed - total
    kinds = {line.kind for line in lines}
    if move.step == "CAPTURE" and "charge_failure" in kinds:
        return [of_move("capture_failed_at_gateway", move, journal_ids, diff, line=lines[0])]
    if diff == 0:
        return []
    if diff > 0 and move.step == "CAPTURE" and ("partial_capture_reversal" in kinds or view.told_authorised(move)):
        name = "partial_capture"
    elif odd_exponents(move.account.gateway, move.currency) and _power_of_ten(move.signed, total):
        name = "scale_error"
    else:
        name = _APART[move.step]
    return [of_move(name, move, journal_ids, diff, line=lines[0])]


def _decide_line(line: Line, view: View, groups: Groups, truth: RunTruth) -> None:
    if line.kind == "held":
        truth.held[key_of(line)] -= line.gross
    elif claimant(line, view) is not None or line in groups:
        return
    elif view.starved(line):
        truth.pending[key_of(line)] -= line.gross
    else:
        truth.rows.append(of_line(_unanswered(line, view), line))


def _unanswered(line: Line, view: View) -> str:
    p = line.payment
    siblings = [] if line.keyless else [m for m in p.moves if not m.repeats and view.has_move(m)]
    if line.kind == "charge":
        if any(m.step == "CAPTURE" and claimed_lines(m, view) for m in siblings):
            return "duplicate_capture"
        return "captured_but_voided" if not line.keyless and p.path in ("voided", "declined") else "missing_in_ledger"
    if line.kind == "refund":
        same = any(
            m.step == "REFUND"
            and any(other.gross == line.gross and other.currency == line.currency for other in claimed_lines(m, view))
            for m in siblings
        )
        return "duplicate_refund" if same else "refund_missing_in_ledger"
    return _IN_LEDGER[line.kind]


def _power_of_ten(ours: int, theirs: int) -> bool:
    return any(ours == theirs * factor or theirs == ours * factor for factor in (10, 100, 1000))
