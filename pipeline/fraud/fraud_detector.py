"""Amazon Fraud Detector as a scorer. It takes no new customers since November 2025; accounts that have it keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import Misused, Retryable
from pipeline.fraud.port import FraudDecision, FraudInput
from pipeline.schemas.ids import minted_at
from pipeline.times import iso_ms

_BY_SEVERITY = ("approve", "review", "reject")
_PASSING = frozenset({"InternalServerException", "ThrottlingException", "ResourceUnavailableException",
                      "ConflictException"})
_CONNECT_S = 0.5


@dataclass(frozen=True, slots=True)
class Detector:
    """Which detector is asked. The version is pinned, so that the same payment is judged by the same rules."""

    detector_id: str
    version: str
    event_type: str
    entity_type: str = "merchant"


def client_config(budget_s: float) -> Config:
    """Settings of a client whose one attempt ends within the budget."""
    connect = min(_CONNECT_S, budget_s / 3)
    return Config(connect_timeout=connect, read_timeout=budget_s - connect, retries={"total_max_attempts": 1})


class FraudDetector:
    """`client` makes boto3's frauddetector client for a Config; one is kept per budget."""

    def __init__(self, client: Callable[[Config], Any], detector: Detector) -> None:
        self._make, self._detector = client, detector
        self._clients: dict[float, Any] = {}

    def score(self, payment: FraudInput, *, budget_s: float) -> FraudDecision:
        """See the port. Raises Misused where the detector is not there or refuses what it is asked."""
        if budget_s not in self._clients:
            self._clients[budget_s] = self._make(client_config(budget_s))
        try:
            answer = self._clients[budget_s].get_event_prediction(**self._question(payment))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _PASSING or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
                raise Retryable(f"the fraud detector is busy: {code}") from error
            raise Misused(f"the fraud detector refused the question: {code}") from error
        except BotoCoreError as error:
            raise Retryable(f"the fraud detector gave no answer: {type(error).__name__}") from error
        return self._decision(answer)

    def _question(self, payment: FraudInput) -> dict[str, Any]:
        about = self._detector
        # The time is the id's own, so that a retry asks the very same question.
        return {
            "detectorId": about.detector_id, "detectorVersionId": about.version, "eventTypeName": about.event_type,
            "eventId": str(payment.payment_id), "eventTimestamp": iso_ms(minted_at(payment.payment_id)),
            "entities": [{"entityType": about.entity_type, "entityId": payment.merchant_id}],
            "eventVariables": {"amount_minor": str(payment.amount_minor), "currency": payment.currency,
                               "payment_method": payment.method_token},
        }

    def _decision(self, answer: dict[str, Any]) -> FraudDecision:
        """The severest outcome of the rules that matched. Raises Misused for outcomes that are no decision of ours."""
        matched = [(str(rule.get("ruleId", "")), rule.get("outcomes", [])) for rule in answer.get("ruleResults", [])]
        outcomes = [outcome for _, found in matched for outcome in found]
        if not outcomes or not set(outcomes) <= set(_BY_SEVERITY):
            raise Misused(f"the detector {self._detector.detector_id} gave the outcomes {sorted(set(outcomes))}; "
                          f"{', '.join(_BY_SEVERITY)} are accepted")
        model = f"fraud-detector/{self._detector.detector_id}/{self._detector.version}"
        return FraudDecision(max(outcomes, key=_BY_SEVERITY.index), _score(answer.get("modelScores", [])), model,
                             tuple(rule for rule, found in matched if found))


def _score(models: Iterable[dict[str, Any]]) -> int:
    """The highest model score, 0 to 1000; 0 for a detector of rules alone."""
    return max((min(1000, round(value)) for model in models for value in model.get("scores", {}).values()), default=0)
