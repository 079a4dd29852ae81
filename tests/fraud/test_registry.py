"""Scorer, budget and fail mode come from the settings; without an answer the fail mode decides."""

from __future__ import annotations

import pytest

from pipeline.errors import Misused, Retryable
from pipeline.fraud.fraud_detector import FraudDetector
from pipeline.fraud.port import FraudDecision, FraudInput
from pipeline.fraud.registry import Scoring, scoring
from pipeline.fraud.rules import RulesScorer
from pipeline.settings import Settings

PAYMENT = FraudInput(7, "shop_1", 1999, "EUR", "pm_card", None, {})


class Silent:
    """Gives no decision within any budget."""

    def score(self, payment: FraudInput, *, budget_s: float) -> FraudDecision:
        raise Retryable(f"nothing within {budget_s} s")


@pytest.mark.property(49)
@pytest.mark.parametrize("fail_mode", ["review", "approve", "reject"])
def test_the_fail_mode_decides_where_the_scorer_does_not(fail_mode: str) -> None:
    decided = Scoring(Silent(), fail_mode=fail_mode).decide(PAYMENT)
    assert decided == FraudDecision(fail_mode, 0, f"fail-{fail_mode}", ("scorer_unavailable",))


def test_the_settings_choose() -> None:
    chosen = scoring(Settings.of({}))
    assert isinstance(chosen.scorer, RulesScorer)
    assert (chosen.budget_s, chosen.fail_mode) == (1.0, "review")
    assert chosen.decide(PAYMENT).decision == "approve"
    amazon = scoring(Settings.of({"FRAUD_SCORER": "fraud_detector", "FRAUD_DETECTOR_ID": "d", "FRAUD_BUDGET_S": "0.5",
                                  "FRAUD_DETECTOR_VERSION": "1", "FRAUD_EVENT_TYPE": "e", "FRAUD_FAIL_MODE": "reject"}))
    assert isinstance(amazon.scorer, FraudDetector)
    assert (amazon.budget_s, amazon.fail_mode) == (0.5, "reject")


@pytest.mark.parametrize("values", [{"FRAUD_SCORER": "dice"}, {"FRAUD_FAIL_MODE": "open"},
                                    {"FRAUD_SCORER": "fraud_detector"}, {"FRAUD_BUDGET_S": "long"}])
def test_a_wrong_setting_is_named(values: dict[str, str]) -> None:
    with pytest.raises(Misused, match="FRAUD_"):
        scoring(Settings.of(values))
