"""The decision table for money classes (RECONCILIATION section 4), rule by rule, first that applies.

Claimed movements are compared with the lines they claimed; what is unclaimed is missing, further, failed or waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.schemas.currency import odd_exponents
from recon.match.classes import AMOUNT_MISMATCH, MISSING_AT_GATEWAY, MISSING_IN_LEDGER
from recon.match.facts import Line, Movement
from recon.match.finding import Finding, money, utc
from recon.match.knowledge import Knowledge


def decide_claimed(movement: Movement, lines: Sequence[Line], known: Knowledge) -> list[Finding]:
    """Findings of a movement with the lines it claimed; none when they agree to the minor unit."""
    total = sum(line.amount_minor for line in lines)
    foreign = sorted({line.currency for line in lines if line.currency != movement.currency}, key=str)
    if foreign:
        return _currency_mismatch(movement, lines, foreign, known)
    kinds = {line.kind for line in lines}
    if movement.kind == "charge" and "charge_failure" in kinds:
        return [
            _claimed(
                "capture_failed_at_gateway",
                movement,
                lines,
                known,
                f"The gateway reported {_ref(movement)} as failed after charging it; "
                f"the ledger still counts {money(movement.amount_minor, movement.currency)} as captured.",
            )
        ]
    if total == movement.amount_minor:
        return []
    short = money(movement.amount_minor - total, movement.currency)
    if movement.kind == "charge" and total < movement.amount_minor and _is_partial(movement, kinds, known):
        return [
            _claimed(
                "partial_capture",
                movement,
                lines,
                known,
                f"The gateway captured {money(total, movement.currency)} of the authorised "
                f"{money(movement.amount_minor, movement.currency)}; the ledger captured all of it, "
                f"{short} too much.",
            )
        ]
    factor = _scale(movement.amount_minor, total)
    if factor and odd_exponents(movement.gateway, movement.currency):
        return [
            _claimed(
                "scale_error",
                movement,
                lines,
                known,
                f"Ledger {money(movement.amount_minor, movement.currency)} and gateway "
                f"{money(total, movement.currency)} differ by a factor of exactly {factor}: "
                f"{movement.currency} was counted with the wrong number of decimals.",
            )
        ]
    return [
        _claimed(
            AMOUNT_MISMATCH[movement.kind],
            movement,
            lines,
            known,
            f"Ledger {money(movement.amount_minor, movement.currency)}, gateway "
            f"{money(total, movement.currency)} for {_ref(movement)}: {short} apart.",
        )
    ]


def decide_double(movement: Movement) -> Finding:
    """A second posting of the same payment, step and operation."""
    amount = money(movement.amount_minor, movement.currency)
    return _movement(
        "double_posting",
        movement,
        f"The ledger posted {movement.step} of {_ref(movement)} a second time "
        f"(sequence {movement.sequence}); {amount} is counted twice.",
    )


def decide_missing(movement: Movement) -> Finding:
    """A movement whose line is due, whose file is here, and which no line answers."""
    due = f"it was due {utc(movement.due_at)}" if movement.due_at else "it was due"
    return _movement(
        MISSING_AT_GATEWAY[movement.kind],
        movement,
        f"The ledger posted {movement.step} of {money(movement.amount_minor, movement.currency)} for "
        f"{_ref(movement)}; {due}, the file that covers it is here and does not have it.",
    )


def decide_further(line: Line, movement: Movement, claimed: Sequence[Line], known: Knowledge) -> Finding:
    """A line of an operation whose movement another line already answers."""
    amount = money(line.amount_minor, line.currency)
    others = ", ".join(sorted(other.native_id for other in claimed))
    if line.kind == "charge":
        return _line(
            "duplicate_capture",
            line,
            known,
            movement.payment_id,
            movement.trace_id,
            f"The gateway charged payment {movement.payment_id} again: {amount} beside {others}.",
        )
    same = [o for o in claimed if (o.currency, o.amount_minor) == (line.currency, line.amount_minor)]
    if line.kind == "refund" and same:
        return _line(
            "duplicate_refund",
            line,
            known,
            movement.payment_id,
            movement.trace_id,
            f"The gateway refunded payment {movement.payment_id} again: {amount} beside {others}.",
        )
    return decide_unanswered(line, known, movement.payment_id, movement.trace_id)


def decide_unanswered(
    line: Line, known: Knowledge, payment_id: int | None = None, trace_id: str | None = None
) -> Finding:
    """A line that no movement of the ledger answers."""
    outcome = known.outcomes.get(line.line_id)
    payment_id = payment_id or (outcome.payment_id if outcome else None)
    trace_id = trace_id or (outcome.trace_id if outcome else None)
    amount = money(line.amount_minor, line.currency)
    who = (
        f"payment {payment_id}"
        if payment_id
        else (line.operation_ref or line.gateway_ref or "a line without reference")
    )
    if line.kind == "charge" and outcome and outcome.given_up and not outcome.captured:
        return _line(
            "captured_but_voided",
            line,
            known,
            payment_id,
            trace_id,
            f"The gateway charged {amount} for {who}, which the ledger voided or declined.",
        )
    divergence = MISSING_IN_LEDGER[line.kind]
    if divergence == "refund_failed":
        return _line(
            divergence,
            line,
            known,
            payment_id,
            trace_id,
            f"A refund of {who} failed at the gateway and {amount} came back; the ledger has no reversal of it.",
        )
    return _line(
        divergence,
        line,
        known,
        payment_id,
        trace_id,
        f"The gateway reports {line.raw_type} of {amount} for {who}; the ledger has no such movement.",
    )


def _currency_mismatch(
    movement: Movement, lines: Sequence[Line], foreign: Sequence[str | None], known: Knowledge
) -> list[Finding]:
    """Two rows, one per currency, both with the movement as subject: + movement, − lines."""
    ours = sum(line.amount_minor for line in lines if line.currency == movement.currency)
    reason = (
        f"The ledger has {money(movement.amount_minor, movement.currency)} for {_ref(movement)}, the gateway "
        + " and ".join(money(line.amount_minor, line.currency) for line in lines)
        + "."
    )
    rows = [_claimed("currency_mismatch", movement, lines, known, reason, total=ours)]
    for currency in foreign:
        theirs = sum(line.amount_minor for line in lines if line.currency == currency)
        rows.append(
            _claimed("currency_mismatch", movement, lines, known, reason, currency=currency, total=theirs, ours=0)
        )
    return rows


def _claimed(
    divergence: str,
    movement: Movement,
    lines: Sequence[Line],
    known: Knowledge,
    reason: str,
    *,
    currency: str | None = None,
    total: int | None = None,
    ours: int | None = None,
) -> Finding:
    gateway_minor = sum(line.amount_minor for line in lines) if total is None else total
    ledger_minor = movement.amount_minor if ours is None else ours
    return Finding(
        divergence=divergence,
        subject=movement.subject,
        gateway=movement.gateway,
        gateway_account=movement.gateway_account,
        currency=currency or movement.currency,
        ledger_minor=ledger_minor,
        gateway_minor=gateway_minor,
        diff_minor=ledger_minor - gateway_minor,
        identity_minor=ledger_minor - gateway_minor,
        payment_id=movement.payment_id,
        native_id=lines[0].native_id,
        batch_id=lines[0].batch_id,
        reason=reason,
        trace_id=movement.trace_id,
        first_seen_at=max(line.received_at for line in lines),
        evidence={
            "journal_id": movement.journal_id,
            "source": movement.source_path,
            "lines": [known.cite(line) for line in lines],
        },
    )


def _movement(divergence: str, movement: Movement, reason: str) -> Finding:
    return Finding(
        divergence=divergence,
        subject=movement.subject,
        gateway=movement.gateway,
        gateway_account=movement.gateway_account,
        currency=movement.currency,
        ledger_minor=movement.amount_minor,
        gateway_minor=0,
        diff_minor=movement.amount_minor,
        identity_minor=movement.amount_minor,
        payment_id=movement.payment_id,
        reason=reason,
        trace_id=movement.trace_id,
        first_seen_at=movement.due_at if divergence != "double_posting" else None,
        evidence={"journal_id": movement.journal_id, "source": movement.source_path},
    )


def _line(
    divergence: str, line: Line, known: Knowledge, payment_id: int | None, trace_id: str | None, reason: str
) -> Finding:
    return Finding(
        divergence=divergence,
        subject=line.subject,
        gateway=line.gateway,
        gateway_account=line.gateway_account,
        currency=line.currency,
        ledger_minor=0,
        gateway_minor=line.amount_minor,
        diff_minor=-line.amount_minor,
        identity_minor=-line.amount_minor,
        payment_id=payment_id or _own_payment(line),
        native_id=line.native_id,
        batch_id=line.batch_id,
        reason=reason,
        trace_id=trace_id,
        first_seen_at=line.received_at,
        evidence={"lines": [known.cite(line)]},
    )


def _own_payment(line: Line) -> int | None:
    return int(line.payment_ref) if line.payment_ref else None


def _is_partial(movement: Movement, kinds: set[str], known: Knowledge) -> bool:
    if "partial_capture_reversal" in kinds:
        return True
    authorised = known.authorised_minor.get((movement.gateway_account, movement.gateway_ref or "", movement.currency))
    return movement.gateway == "adyen" and authorised == movement.amount_minor


def _scale(ours: int, theirs: int) -> int | None:
    """10, 100 or 1000 when one amount is exactly that many times the other."""
    for factor in (10, 100, 1000):
        if theirs and ours and (ours == theirs * factor or theirs == ours * factor):
            return factor
    return None


def _ref(movement: Movement) -> str:
    return f"payment {movement.payment_id} ({movement.operation_ref or movement.gateway_ref or 'no reference'})"
