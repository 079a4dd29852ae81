"""One call through an SDK, with what may go wrong below any SDK as an answer."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.gateways.port import Answer
from pipeline.gateways.reading import Unreadable
from pipeline.gateways.transport import Unanswered, within
from pipeline.money import UnrepresentableAmount
from pipeline.outcomes import Outcome


def answered(budget_s: float, call: Callable[[], Answer]) -> Answer:
    """The answer of `call`, made within `budget_s` seconds. What the SDK raises of its own passes through."""
    try:
        with within(budget_s):
            return call()
    except Unanswered as failure:
        return Answer(failure.outcome, failure.code)
    except UnrepresentableAmount:
        return Answer(Outcome.MISUSED, "unrepresentable_amount")
    except Unreadable:
        return Answer(Outcome.IN_DOUBT, "unreadable_answer")
