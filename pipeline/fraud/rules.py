"""The local scorer: fixed rules on the payment alone, so that the same payment always gets the same decision."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.fraud.port import FraudDecision, FraudInput
from pipeline.schemas.currency import iso_exponent

MODEL = "rules/1"
"""Goes up with every change of a rule, a weight or a limit."""

REVIEW_FROM, REJECT_FROM = 700, 900
_BASE, _MOST = 50, 1000

_UNITS = {"CLP": 1000, "CLF": 1, "COP": 4000, "CRC": 500, "HUF": 400, "IDR": 18_000, "INR": 90, "ISK": 140, "JPY": 160,
          "KRW": 1500, "LBP": 100_000, "NGN": 1700, "PKR": 300, "PYG": 8000, "UGX": 4000, "VND": 28_000, "XAF": 650,
          "XOF": 650, "XPF": 120}
"""Roughly how many units of a currency buy what one of the others does: the limits must not stop ordinary baskets."""
_HIGH, _VERY_HIGH = 10_000, 50_000

_TEST_TOKENS = {"pm_sim_fraud_reject": ("test_token_reject", 950), "pm_sim_fraud_review": ("test_token_review", 750)}
_RISK_FLAGS = {"review": ("flagged_for_review", 700), "reject": ("flagged_for_rejection", 900)}


class RulesScorer:
    """Adds the weights of the rules that hold; needs nothing and no time."""

    def score(self, payment: FraudInput, *, budget_s: float) -> FraudDecision:
        """See the port. Raises UnknownCurrency for what is none."""
        found = list(_holding(payment))
        score = min(_MOST, _BASE + sum(weight for _, weight in found))
        decision = "reject" if score >= REJECT_FROM else "review" if score >= REVIEW_FROM else "approve"
        return FraudDecision(decision, score, MODEL, tuple(reason for reason, _ in found))


def _holding(payment: FraudInput) -> Iterator[tuple[str, int]]:
    """Reason and weight of each rule that holds."""
    unit = _UNITS.get(payment.currency, 1) * int(10 ** iso_exponent(payment.currency))
    if payment.amount_minor >= _VERY_HIGH * unit:
        yield "amount_very_high", 900
    elif payment.amount_minor >= _HIGH * unit:
        yield "amount_high", 650
    if payment.method_token in _TEST_TOKENS:
        yield _TEST_TOKENS[payment.method_token]
    if (flag := payment.metadata.get("risk", "")) in _RISK_FLAGS:
        yield _RISK_FLAGS[flag]
    told = payment.metadata
    if told.get("ip_country") and told.get("card_country") and told["ip_country"] != told["card_country"]:
        yield "countries_differ", 200
    if told.get("first_order") == "true":
        yield "first_order", 100
