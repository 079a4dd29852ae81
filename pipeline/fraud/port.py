"""What the saga asks of a fraud scorer, before any hold; the decision is stored and the same on every retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FraudInput:
    """What a scorer may look at; no card number is among it."""

    payment_id: int
    merchant_id: str
    amount_minor: int
    currency: str
    method_token: str
    reference: str | None
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class FraudDecision:
    """decision is approve, review (authorise, then void) or reject; score 0 to 1000; model names version and rules."""

    decision: str
    score: int
    model: str
    reasons: tuple[str, ...] = ()


class FraudScorer(Protocol):
    """Raises Retryable when no decision came within the budget: the configured fail mode then decides."""

    def score(self, payment: FraudInput, *, budget_s: float) -> FraudDecision:
        """The decision on this payment; the same input and model give the same decision."""
        ...
