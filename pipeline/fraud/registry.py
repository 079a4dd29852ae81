"""Which scorer is asked, for how long, and what holds when it gives no answer: from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.fraud.port import FraudDecision, FraudInput, FraudScorer
from pipeline.fraud.rules import RulesScorer
from pipeline.settings import Settings

FAIL_MODES = ("review", "approve", "reject")
BUDGET_S = 1.0


@dataclass(frozen=True, slots=True)
class Scoring:
    """A scorer with its budget and its fail mode."""

    scorer: FraudScorer
    budget_s: float = BUDGET_S
    fail_mode: str = "review"

    def decide(self, payment: FraudInput) -> FraudDecision:
        """The scorer's decision, or the fail mode's when none came within the budget. To be stored before any hold:
        a retry takes what is stored and does not ask again."""
        try:
            return self.scorer.score(payment, budget_s=self.budget_s)
        except Retryable:
            return FraudDecision(self.fail_mode, 0, f"fail-{self.fail_mode}", ("scorer_unavailable",))


def scoring(settings: Settings) -> Scoring:
    """From FRAUD_SCORER (rules | fraud_detector), FRAUD_BUDGET_S and FRAUD_FAIL_MODE. Raises Misused."""
    fail_mode = settings.text("FRAUD_FAIL_MODE", "review")
    if fail_mode not in FAIL_MODES:
        raise Misused(f"the setting FRAUD_FAIL_MODE is {fail_mode!r}; {', '.join(FAIL_MODES)} are accepted")
    return Scoring(_scorer(settings), settings.seconds("FRAUD_BUDGET_S", BUDGET_S), fail_mode)


def _scorer(settings: Settings) -> FraudScorer:
    name = settings.text("FRAUD_SCORER", "rules")
    if name == "rules":
        return RulesScorer()
    if name == "fraud_detector":
        # Only where it is chosen: a function that scores by rules does not pay for the import of boto3.
        from pipeline.fraud.fraud_detector import Detector, FraudDetector

        detector = Detector(settings.text("FRAUD_DETECTOR_ID"), settings.text("FRAUD_DETECTOR_VERSION"),
                            settings.text("FRAUD_EVENT_TYPE"))
        return FraudDetector(_client, detector)
    raise Misused(f"the setting FRAUD_SCORER is {name!r}; rules and fraud_detector are accepted")


def _client(config: Any) -> Any:
    import boto3

    return boto3.session.Session().client("frauddetector", config=config)
