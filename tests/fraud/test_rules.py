"""The rules: the same payment, the same decision; every reason is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fraud.port import FraudInput
from pipeline.fraud.rules import MODEL, RulesScorer
from pipeline.schemas.currency import ISO_EXPONENTS

PAYMENT = FraudInput(7, "shop_1", 1999, "EUR", "pm_card", None, {})


def decision(payment: FraudInput) -> tuple[str, tuple[str, ...]]:
    """Decision and reasons."""
    found = RulesScorer().score(payment, budget_s=1)
    assert found.model == MODEL
    return found.decision, found.reasons


@pytest.mark.parametrize("currency, ordinary, high, very_high", [
    ("EUR", 999_999, 1_000_000, 5_000_000), ("JPY", 1_599_999, 1_600_000, 8_000_000),
    ("KWD", 9_999_999, 10_000_000, 50_000_000),
])
def test_amounts_count_by_their_currency(currency: str, ordinary: int, high: int, very_high: int) -> None:
    payment = replace(PAYMENT, currency=currency)
    assert decision(replace(payment, amount_minor=ordinary)) == ("approve", ())
    assert decision(replace(payment, amount_minor=high)) == ("review", ("amount_high",))
    assert decision(replace(payment, amount_minor=very_high)) == ("reject", ("amount_very_high",))


def test_test_tokens_and_flags_decide() -> None:
    assert decision(replace(PAYMENT, method_token="pm_sim_fraud_reject")) == ("reject", ("test_token_reject",))
    assert decision(replace(PAYMENT, method_token="pm_sim_fraud_review")) == ("review", ("test_token_review",))
    assert decision(replace(PAYMENT, metadata={"risk": "reject"})) == ("reject", ("flagged_for_rejection",))
    assert decision(replace(PAYMENT, metadata={"risk": "review"})) == ("review", ("flagged_for_review",))
    assert decision(replace(PAYMENT, metadata={"risk": "none"})) == ("approve", ())


def test_weights_add_up() -> None:
    doubtful = {"ip_country": "US", "card_country": "NL", "first_order": "true"}
    assert decision(replace(PAYMENT, metadata=doubtful)) == ("approve", ("countries_differ", "first_order"))
    high = replace(PAYMENT, amount_minor=1_000_000, metadata=doubtful)
    assert decision(high) == ("reject", ("amount_high", "countries_differ", "first_order"))


@pytest.mark.property(49)
@given(st.integers(1, 10**15), st.sampled_from(sorted(ISO_EXPONENTS)),
       st.dictionaries(st.text(), st.text(), max_size=4))
def test_the_same_payment_has_the_same_decision(amount: int, currency: str, metadata: dict[str, str]) -> None:
    payment = replace(PAYMENT, amount_minor=amount, currency=currency, metadata=metadata)
    first = RulesScorer().score(payment, budget_s=1)
    assert first == RulesScorer().score(replace(payment, payment_id=8), budget_s=9)
    assert 0 <= first.score <= 1000
