"""ReadPayment: GET /v1/payments/{id}."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PipelineError
from pipeline.handlers.http.exchange import Event, Response, answered, refused, request_of
from pipeline.handlers.http.own import OwnPayment, asked_for, own_payment
from pipeline.handlers.http.problems import Problem, broken
from pipeline.saga.answer import present, summary
from pipeline.telemetry import log

ROUTE = "/v1/payments/{id}"


@dataclass(frozen=True, slots=True)
class Read:
    """A merchant's own payment as it stands; another's looks as if it were not there."""

    own_payment: OwnPayment
    log: Callable[..., None]

    def __call__(self, event: Event) -> Response:
        """The proxy answer to a proxy event."""
        try:
            payment = asked_for(request_of(event), self.own_payment)
        except Problem as problem:
            self.log("refused", route=ROUTE, http_status=problem.status, reason=problem.slug)
            return refused(problem)
        except PipelineError as error:
            self.log("failed", route=ROUTE, error=type(error).__name__, reason=str(error))
            return refused(broken())
        self.log("read", route=ROUTE, http_status=200, payment_id=payment.payment_id, merchant_id=payment.merchant_id)
        return answered(200, present(summary(payment)))


def handler(event: dict[str, Any], context: object) -> Response:
    """API Gateway's entry."""
    return Read(own_payment, log)(event)
