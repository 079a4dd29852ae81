"""Kinds of payments that traffic is mixed of: what is asked for, what the merchant does next, how it may end."""

from __future__ import annotations

from dataclasses import dataclass

CAPTURED = frozenset({"COMMITTED"})
AUTHORIZED = frozenset({"AUTHORIZED"})
VOIDED = frozenset({"VOIDED"})
DECLINED = frozenset({"DECLINED"})
REJECTED = frozenset({"REJECTED"})
GIVEN_BACK = VOIDED | DECLINED
UNSURE = CAPTURED | VOIDED
"""What a call without an answer ends in is decided by when the gateway is asked again."""


_LOSING = ("timeout", "cut", "500", "garbage", "late")
"""In the names of tokens whose calls may stay without an answer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`share` in thousandths of all payments; `ends` the ledger's statuses that it may have at the end.

    `tokens` are payment-method tokens to draw from. After the answer the merchant does `then`: "" nothing, capture,
    capture_part or cancel. `twins` requests come at once, with one key; `again` repeats it later; `other` sends the key
    with another amount. `gateways` limits where it may go, `limited` takes the merchant whose limit it exceeds,
    `risk` is what the merchant's metadata says.
    """

    name: str
    share: int
    ends: frozenset[str]
    tokens: tuple[str, ...] = ("pm_card_visa", "pm_card_mastercard")
    then: str = ""
    twins: int = 1
    again: bool = False
    other: bool = False
    gateways: tuple[str, ...] = ("stripe", "adyen")
    limited: bool = False
    risk: str = ""

    @property
    def doubtful(self) -> bool:
        """Whether it may be left for recovery."""
        return any(word in token for token in self.tokens for word in _LOSING) or self.ends == UNSURE

    @property
    def manual(self) -> bool:
        """Whether the merchant captures by hand."""
        return bool(self.then) or self.name.startswith("rests")


KINDS = (
    Kind("plain", 500, CAPTURED),
    Kind("double_click", 60, CAPTURED, twins=2),
    Kind("click_storm", 10, CAPTURED, twins=5, again=True),
    Kind("same_key_later", 60, CAPTURED, again=True),
    Kind("same_key_other_payload", 30, CAPTURED, other=True),
    Kind("captured_later", 40, CAPTURED, then="capture", again=True),
    Kind("captured_in_part", 20, CAPTURED, then="capture_part"),
    Kind("cancelled", 30, VOIDED, then="cancel", again=True),
    Kind("rests_authorized", 20, AUTHORIZED, again=True),
    Kind("declined", 40, DECLINED, again=True, tokens=(
        "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard",
        "pm_card_chargeDeclinedLostCard", "pm_card_chargeDeclinedFraudulent")),
    Kind("fraud_rejected", 20, REJECTED, tokens=("pm_sim_fraud_reject",), again=True),
    Kind("fraud_review", 20, VOIDED, tokens=("pm_sim_fraud_review",), again=True),
    Kind("above_the_limit", 10, REJECTED, limited=True),
    Kind("requires_action", 14, GIVEN_BACK, tokens=("pm_sim_requires_action", "pm_card_authenticationRequired")),
    Kind("authorised_in_part", 10, VOIDED, tokens=("pm_sim_partial",)),
    Kind("gateway_slow", 10, CAPTURED, tokens=("pm_sim_slow_8s",)),
    Kind("gateway_busy", 16, UNSURE, tokens=("pm_sim_429", "pm_sim_503")),
    Kind("authorize_timeout_before", 6, UNSURE, tokens=("pm_sim_timeout_before",)),
    Kind("authorize_timeout_after", 6, UNSURE, tokens=("pm_sim_timeout_after",), twins=2),
    Kind("authorize_late", 4, UNSURE, tokens=("pm_sim_late",)),
    Kind("authorize_cut", 8, UNSURE, tokens=("pm_sim_cut_before", "pm_sim_cut_after")),
    Kind("authorize_500_after", 8, UNSURE, tokens=("pm_sim_500_after",)),
    # Without effect Stripe replays its 500 for the key, and that nothing happened is proven only after its horizon.
    Kind("authorize_500_before", 4, UNSURE, tokens=("pm_sim_500_before",), gateways=("adyen",)),
    Kind("authorize_garbled", 4, UNSURE, tokens=("pm_sim_garbage",)),
    Kind("capture_timeout", 6, CAPTURED, tokens=("pm_sim_capture_timeout_before", "pm_sim_capture_timeout_after")),
    Kind("capture_500_after", 6, CAPTURED, tokens=("pm_sim_capture_500_after",)),
    Kind("capture_cut_after", 4, CAPTURED, tokens=("pm_sim_capture_cut_after",)),
    Kind("capture_busy", 4, UNSURE, tokens=("pm_sim_capture_429",)),
    Kind("capture_slow", 4, CAPTURED, tokens=("pm_sim_capture_slow_4s",)),
    # An Adyen capture is posted when it is received; one that fails later is taken back by its webhook.
    Kind("capture_fails_later", 4, VOIDED, tokens=("pm_sim_capture_fails",), gateways=("adyen",)),
    Kind("void_in_doubt", 8, VOIDED, tokens=("pm_sim_void_timeout_after", "pm_sim_void_500_after"), risk="review"),
    Kind("webhook_lost", 14, CAPTURED, tokens=("pm_sim_webhook_lost",)),
)


WARM_UP = Kind("warm_up", 0, CAPTURED | GIVEN_BACK | REJECTED)
"""The first payments find functions that have to be loaded, and steps may time out: they end as they may."""


def by_name(name: str) -> Kind:
    """The kind of this name."""
    return next(kind for kind in KINDS if kind.name == name)
