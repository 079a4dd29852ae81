"""Amazon Fraud Detector on the wire: what is sent, how answers are read, and that the budget holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from pipeline.errors import Misused, Retryable
from pipeline.fraud.fraud_detector import Detector, FraudDetector
from pipeline.fraud.port import FraudDecision, FraudInput
from tests.loopback import Reply, json_service

PAYMENT = FraudInput(712345678901234567, "shop_1", 1999, "EUR", "pm_card", "order 7", {"risk": "review"})
DETECTOR = Detector("payments", "3", "payment")
MODEL = "fraud-detector/payments/3"


def scored(score: float, *outcomes: str) -> dict[str, Any]:
    """An answer with one model score, and a rule for each outcome."""
    version = {"modelId": "m", "modelType": "ONLINE_FRAUD_INSIGHTS", "modelVersionNumber": "1.0"}
    return {"modelScores": [{"modelVersion": version, "scores": {"m_insightscore": score}}],
            "ruleResults": [{"ruleId": f"rule_{n}", "outcomes": [name]} for n, name in enumerate(outcomes)]}


@dataclass
class Service:
    """Fraud Detector's endpoint: gives the answers in turn (the last one again and again) and keeps the questions."""

    address: str = ""
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def scorer(self) -> FraudDetector:
        """A scorer that asks here."""
        return FraudDetector(self._client, DETECTOR)

    def _client(self, config: Config) -> Any:
        session = boto3.session.Session("key", "secret", region_name="eu-west-1")
        return session.client("frauddetector", endpoint_url=self.address, config=config)


@pytest.fixture
def service() -> Iterator[Service]:
    """The endpoint on loopback."""
    here = Service()

    def answer(target: str | None, body: dict[str, Any]) -> Reply | None:
        here.asked.append((str(target), body))
        if here.silent.is_set():
            here.ended.wait(10)
            return None
        return here.answers[min(len(here.asked), len(here.answers)) - 1]

    with json_service(answer) as here.address:
        yield here
        here.ended.set()


def test_the_question_and_the_severest_outcome(service: Service) -> None:
    service.answers = [(200, scored(812.6, "approve", "review"))]
    found = service.scorer().score(PAYMENT, budget_s=5)
    assert found == FraudDecision("review", 813, MODEL, ("rule_0", "rule_1"))
    target, question = service.asked[0]
    assert target.endswith(".GetEventPrediction")
    assert question == {
        "detectorId": "payments", "detectorVersionId": "3", "eventTypeName": "payment",
        "eventId": "712345678901234567", "eventTimestamp": question["eventTimestamp"],
        "entities": [{"entityType": "merchant", "entityId": "shop_1"}],
        "eventVariables": {"amount_minor": "1999", "currency": "EUR", "payment_method": "pm_card"},
    }


@pytest.mark.property(49)
def test_a_retry_asks_the_same_question(service: Service) -> None:
    service.answers = [(200, scored(1, "approve"))]
    scorer = service.scorer()
    assert scorer.score(PAYMENT, budget_s=5) == scorer.score(replace(PAYMENT), budget_s=5)
    assert service.asked[0] == service.asked[1]


@pytest.mark.parametrize("status, code", [(500, "InternalServerException"), (400, "ThrottlingException"),
                                          (503, "anything")])
def test_what_passes_is_retryable_and_not_asked_again(service: Service, status: int, code: str) -> None:
    service.answers = [(status, {"__type": code, "message": "no"})]
    with pytest.raises(Retryable):
        service.scorer().score(PAYMENT, budget_s=5)
    assert len(service.asked) == 1


@pytest.mark.property(49)
def test_silence_ends_with_the_budget(service: Service) -> None:
    service.silent.set()
    with pytest.raises(Retryable, match="ReadTimeout"):
        service.scorer().score(PAYMENT, budget_s=0.3)
    assert len(service.asked) == 1


@pytest.mark.parametrize("answer", [(400, {"__type": "ResourceNotFoundException", "message": "no"}),
                                    (200, scored(1)), (200, scored(1, "approve", "call_them"))])
def test_a_wrong_detector_is_misused(service: Service, answer: tuple[int, dict[str, Any]]) -> None:
    service.answers = [answer]
    with pytest.raises(Misused):
        service.scorer().score(PAYMENT, budget_s=5)
