"""Statuses of a payment and the transitions between them; the database holds the same table and refuses the rest."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a payment stands."""

    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    RESERVED = "RESERVED"
    AUTHORIZING = "AUTHORIZING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    COMMITTED = "COMMITTED"
    REJECTED = "REJECTED"
    DECLINED = "DECLINED"
    VOIDING = "VOIDING"
    VOIDED = "VOIDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    CHARGED_BACK = "CHARGED_BACK"
    IN_DOUBT = "IN_DOUBT"
    COMPENSATION_STUCK = "COMPENSATION_STUCK"


_S = Status
_AFTER_CAPTURE = frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED, _S.CHARGED_BACK, _S.VOIDED})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    _S.RECEIVED: frozenset({_S.VALIDATED, _S.REJECTED}),
    _S.VALIDATED: frozenset({_S.RESERVED, _S.REJECTED}),
    _S.RESERVED: frozenset({_S.AUTHORIZING, _S.VOIDING}),
    _S.AUTHORIZING: frozenset({_S.AUTHORIZED, _S.DECLINED, _S.IN_DOUBT, _S.VOIDING}),
    _S.AUTHORIZED: frozenset({_S.CAPTURING, _S.VOIDING}),
    _S.CAPTURING: frozenset({_S.CAPTURED, _S.AUTHORIZED, _S.IN_DOUBT, _S.VOIDING}),
    _S.IN_DOUBT: frozenset({_S.AUTHORIZED, _S.DECLINED, _S.CAPTURED, _S.CAPTURING, _S.VOIDING}),
    _S.VOIDING: frozenset({_S.VOIDED, _S.DECLINED, _S.REJECTED, _S.COMPENSATION_STUCK}),
    _S.COMPENSATION_STUCK: frozenset({_S.VOIDING}),
    # VOIDED from here on: a capture that the gateway took back (CAPTURE_REVERSAL).
    _S.CAPTURED: frozenset({_S.COMMITTED}) | _AFTER_CAPTURE,
    _S.COMMITTED: _AFTER_CAPTURE,
    _S.PARTIALLY_REFUNDED: frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED, _S.CHARGED_BACK, _S.COMMITTED}),
    _S.REFUNDED: frozenset({_S.PARTIALLY_REFUNDED, _S.COMMITTED, _S.CHARGED_BACK}),
    _S.CHARGED_BACK: frozenset({_S.COMMITTED, _S.PARTIALLY_REFUNDED, _S.REFUNDED}),
    _S.VOIDED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.DECLINED: frozenset(),
}
"""Allowed next statuses. CAPTURING -> AUTHORIZED: the gateway definitely did not capture a merchant's own capture."""

BEFORE_PIVOT = frozenset({_S.RECEIVED, _S.VALIDATED, _S.RESERVED, _S.AUTHORIZING, _S.AUTHORIZED, _S.VOIDING,
                          _S.COMPENSATION_STUCK})
"""No capture has been asked for: an interrupted saga is unwound. IN_DOUBT and CAPTURING must ask the gateway first."""

FINAL = frozenset({_S.COMMITTED, _S.REJECTED, _S.DECLINED, _S.VOIDED, _S.PARTIALLY_REFUNDED, _S.REFUNDED,
                   _S.CHARGED_BACK})
"""A saga has nothing left to do here. AUTHORIZED with manual capture rests as well, without a lease."""
