"""What happens to a captured payment afterwards: refunds, failures, disputes, and the lines of it all."""

from __future__ import annotations

import random

from recon.worlds.clock import DAY, HOUR, MINUTE
from recon.worlds.frame import STEP
from recon.worlds.lines import line_of, reference
from recon.worlds.model import KIND_OF_STEP, SIGN, Movement, Payment

_LIFE = (
    "none",
    "refund",
    "partial",
    "several",
    "unreferenced",
    "refund_returned",
    "capture_failed",
    "dispute",
    "dispute_won",
)
_WEIGHTS = (8_900, 420, 260, 120, 60, 40, 30, 130, 40)


def afterlife(payment: Payment, rng: random.Random, until: int) -> None:
    """Draw one course of events for a captured payment and post its movements. Nothing happens at or after `until`."""
    life = rng.choices(_LIFE, _WEIGHTS)[0]
    at = payment.ended_at + rng.randint(30 * MINUTE, 12 * DAY)
    if life == "refund":
        post(payment, "REFUND", payment.amount, at, rng, until)
    elif life in ("partial", "several"):
        step = STEP.get(payment.currency, 1)
        part = max(step, payment.amount * rng.randint(15, 45) // 100 // step * step)
        for turn in range(1 if life == "partial" else 2):
            post(payment, "REFUND", part, at + turn * rng.randint(2 * HOUR, 4 * DAY), rng, until)
    elif life == "unreferenced":
        step = STEP.get(payment.currency, 1)
        _unreferenced(payment, max(step, payment.amount // 4 // step * step), at, rng, until)
    elif life == "refund_returned":
        first = post(payment, "REFUND", payment.amount, at, rng, until)
        if first:
            post(
                payment,
                "REFUND_REVERSAL",
                payment.amount,
                at + rng.randint(DAY, 4 * DAY),
                rng,
                until,
                first.operation_ref,
            )
    elif life == "capture_failed":
        post(payment, "CAPTURE_REVERSAL", payment.amount, payment.ended_at + rng.randint(DAY, 4 * DAY), rng, until)
    elif life in ("dispute", "dispute_won"):
        taken = post(payment, "CHARGEBACK", payment.amount, at, rng, until)
        if taken and life == "dispute_won":
            post(
                payment,
                "CHARGEBACK_REVERSAL",
                payment.amount,
                at + rng.randint(3 * DAY, 12 * DAY),
                rng,
                until,
                taken.operation_ref,
            )


def post(
    payment: Payment,
    step: str,
    amount: int,
    at: int,
    rng: random.Random,
    until: int,
    operation_ref: str | None = None,
    *,
    written: bool = True,
) -> Movement | None:
    """Post a later movement with the line that the gateway writes of it; None when it would be at or after `until`."""
    if at >= until:
        return None
    if operation_ref is None:
        operation_ref = fresh_reference(payment, step, rng)
    sequence = 1 + sum(m.step == step for m in payment.moves)
    movement = Movement(payment, step, sequence, amount, at, operation_ref)
    payment.moves.append(movement)
    if written:
        line_of(movement, rng, KIND_OF_STEP[step])
    return movement


def fresh_reference(payment: Payment, step: str, rng: random.Random) -> str:
    """The reference that the gateway gives to a new operation of `step` on `payment`."""
    if step == "CAPTURE_REVERSAL" and payment.account.gateway == "adyen":
        return payment.capture_ref
    return reference(rng, payment.account.gateway, {"CHARGEBACK": "dp_"}.get(step, "re_"))


def refunded(payment: Payment) -> int:
    """What the ledger has given back so far."""
    return sum(-m.signed for m in payment.moves if SIGN[m.step] < 0)


def _unreferenced(payment: Payment, amount: int, at: int, rng: random.Random, until: int) -> None:
    """One or two equal refunds within minutes whose references the ledger never learned."""
    for turn in range(rng.randint(1, 2)):
        movement = post(payment, "REFUND", amount, at + turn * 3 * MINUTE, rng, until)
        if movement:
            movement.operation_ref = None
