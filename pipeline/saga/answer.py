"""What a merchant is told of a payment: a pure function of its row, so that every writer gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ledger.port import Payment
from pipeline.ledger.statuses import Status

CREATED = 201
ACCEPTED = 202
REFUSED = 402
CONFLICT = 409

_CAPTURED = frozenset({Status.CAPTURED, Status.COMMITTED, Status.PARTIALLY_REFUNDED, Status.REFUNDED,
                       Status.CHARGED_BACK})
_NEVER = frozenset({Status.DECLINED, Status.REJECTED, Status.VOIDED})


@dataclass(frozen=True, slots=True)
class Answer:
    """`final` answers are stored under the idempotency key; the others (202) say that the payment goes on by itself."""

    status_code: int
    body: bytes
    final: bool


def summary(payment: Payment) -> dict[str, object]:
    """The part of a payment that its answer is made of, ready for JSON and small enough for a state machine."""
    return {
        "payment_id": str(payment.payment_id),
        "status": str(payment.status),
        "saga": payment.saga,
        "leased": payment.lease_until is not None,
        "amount_minor": payment.amount_minor,
        "captured_minor": payment.captured_minor,
        "currency": payment.currency,
        "gateway": payment.gateway,
        "capture_mode": payment.capture_mode,
        "reference": payment.reference,
        "cause": payment.cause,
    }


def answer(found: Mapping[str, object]) -> Answer:
    """The answer to the request whose saga ran last on the payment of this `summary`.

    201: captured, authorized (resting for a later capture) or, for a cancel, voided. 402: declined, rejected or given
    back, with our code. 409: a cancel that found the payment captured. 202: not decided yet, or in doubt. What happens
    to a captured payment afterwards (refund, chargeback) does not change the answer to its capture. Raises ValueError
    for an unknown status.
    """
    status = Status(str(found["status"]))
    saga, cause = found["saga"], found["cause"]
    if status in _CAPTURED:
        return _answer(found, CONFLICT if saga == "cancel" else CREATED, "captured")
    if status is Status.VOIDED and saga == "cancel":
        return _answer(found, CREATED, "voided")
    if status in _NEVER:
        return _answer(found, REFUSED, status.lower(), cause or status.lower())
    if status is Status.AUTHORIZED and not found["leased"]:
        if saga == "capture":
            return _answer(found, REFUSED, "authorized", cause or "capture_failed")
        return _answer(found, CREATED, "authorized")
    return _answer(found, ACCEPTED, status.lower(), final=False)


def present(found: Mapping[str, object]) -> dict[str, object]:
    """The payment as it stands now, for reading it: the members of an answer with the true status."""
    shown = str(found["status"]).lower()
    code = found["cause"] if Status(str(found["status"])) in _NEVER else None
    return _members(found, "captured" if shown == "committed" else shown, code)


def _answer(found: Mapping[str, object], status_code: int, shown: str, code: object = None, *,
            final: bool = True) -> Answer:
    text = json.dumps(_members(found, shown, code), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Answer(status_code, text.encode(), final)


def _members(found: Mapping[str, object], shown: str, code: object) -> dict[str, object]:
    members = {"id": found["payment_id"], "status": shown, "amount_minor": found["amount_minor"],
               "currency": found["currency"], "gateway": found["gateway"], "reference": found["reference"]}
    return members | ({} if code is None else {"code": code})
