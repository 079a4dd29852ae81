"""PaymentOperations: POST /v1/payments/{id}/captures and /v1/payments/{id}/cancels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.errors import Misused, PipelineError
from pipeline.handlers.http.body import json_of
from pipeline.handlers.http.exchange import Event, Request, Response, refused, request_of
from pipeline.handlers.http.idempotency_key import key_of
from pipeline.handlers.http.models import CancelRequest, CaptureRequest, read
from pipeline.handlers.http.once import Asked, Log, Once
from pipeline.handlers.http.own import OwnPayment, asked_for, own_payment
from pipeline.handlers.http.problems import FieldProblem, Problem, broken, invalid
from pipeline.handlers.http.wiring import once
from pipeline.ledger.port import Payment
from pipeline.money import Money, UnrepresentableAmount, to_gateway
from pipeline.saga.answer import summary
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.trace import span

SAGAS = {"captures": "capture", "cancels": "cancel"}


@dataclass(frozen=True, slots=True)
class Operations:
    """Captures or gives back an authorized payment, each request once."""

    once: Once
    own_payment: OwnPayment
    log: Log

    def __call__(self, event: Event) -> Response:
        """The proxy answer to a proxy event."""
        try:
            request, saga = request_of(event), SAGAS[_last_part(event)]
            with span("operations", request.trace_id, kind="server", merchant_id=request.merchant_id,
                      payment_id=request.payment_id, saga=saga) as made:
                asked, payment = self._asked(request, saga)
                made.set(payment_id=payment.payment_id)
                response = self.once.answer(asked, mint=lambda: payment.payment_id)
                made.set(http_status=response["statusCode"])
            return response
        except Problem as problem:
            self.log("refused", route=event.get("resource"), http_status=problem.status, reason=problem.slug,
                     items=len(problem.errors))
            return refused(problem)
        except PipelineError as error:
            self.log("failed", route=event.get("resource"), error=type(error).__name__, reason=str(error))
            return refused(broken())

    def _asked(self, request: Request, saga: str) -> tuple[Asked, Payment]:
        key = key_of(request)
        body = json_of(request, optional=True)
        wanted = read(CaptureRequest if saga == "capture" else CancelRequest, body)
        payment = asked_for(request, self.own_payment)
        members = wanted.model_dump(exclude_none=True)
        if "amount_minor" in members:
            _representable(members["amount_minor"], payment)
        plural = next(name for name, kind in SAGAS.items() if kind == saga)
        found = {**summary(payment), "leased": True}
        return Asked(request.merchant_id, f"/v1/payments/{payment.payment_id}/{plural}", key, members, saga, members,
                     request.trace_id, lambda _: found), payment


def _last_part(event: Event) -> str:
    """Raises Misused for a route that is none of ours."""
    part = str(event.get("resource") or "").rpartition("/")[2]
    if part not in SAGAS:
        raise Misused(f"no operation lies behind the route {event.get('resource')}")
    return part


def _representable(amount_minor: int, payment: Payment) -> None:
    try:
        to_gateway(Money(amount_minor, payment.currency), payment.gateway)
    except UnrepresentableAmount as error:
        raise invalid(FieldProblem("amount_minor", str(error))) from None


def handler(event: dict[str, Any], context: Any) -> Response:
    """API Gateway's entry."""
    return Operations(once(Settings.of(), context), own_payment, log)(event)
