"""Checkout: POST /v1/payments."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

from pipeline.errors import PipelineError
from pipeline.handlers.http.body import json_of
from pipeline.handlers.http.exchange import Event, Request, Response, refused, request_of
from pipeline.handlers.http.idempotency_key import key_of
from pipeline.handlers.http.models import PaymentRequest, read
from pipeline.handlers.http.once import Asked, Log, Once
from pipeline.handlers.http.problems import FieldProblem, Problem, broken, invalid
from pipeline.handlers.http.wiring import once
from pipeline.handlers.parts import client
from pipeline.ids.slots import DynamoSlots
from pipeline.ids.snowflake import Minter, forks
from pipeline.money import Money, UnrepresentableAmount, to_gateway
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.trace import span

PATH = "/v1/payments"


@dataclass(frozen=True, slots=True)
class Checkout:
    """Takes a payment once; `mint` gives its id."""

    once: Once
    mint: Callable[[], int]
    settings: Settings
    log: Log

    def __call__(self, event: Event) -> Response:
        """The proxy answer to a proxy event."""
        try:
            request = request_of(event)
            with span("checkout", request.trace_id, kind="server", merchant_id=request.merchant_id, route=PATH) as made:
                response = self.once.answer(self._asked(request), mint=self.mint)
                made.set(http_status=response["statusCode"])
            return response
        except Problem as problem:
            self.log("refused", route=PATH, http_status=problem.status, reason=problem.slug, items=len(problem.errors))
            return refused(problem)
        except PipelineError as error:
            self.log("failed", route=PATH, error=type(error).__name__, reason=str(error))
            return refused(broken())

    def _asked(self, request: Request) -> Asked:
        key = key_of(request)
        wanted = read(PaymentRequest, json_of(request))
        gateway = self._gateway(wanted)
        members = {
            "amount_minor": wanted.amount_minor, "currency": wanted.currency, "gateway": gateway,
            "gateway_account": self.settings.gateway_account(gateway), "capture_mode": wanted.capture,
            "method_token": wanted.payment_method, "reference": wanted.reference, "metadata": wanted.metadata,
        }

        def stand_in(payment_id: int) -> dict[str, object]:
            return {"payment_id": str(payment_id), "status": "RECEIVED", "saga": "pay", "leased": True, "cause": None,
                    **{name: members[name] for name in ("amount_minor", "currency", "gateway", "reference")}}

        return Asked(request.merchant_id, PATH, key, wanted.model_dump(), "pay", members, request.trace_id, stand_in)

    def _gateway(self, wanted: PaymentRequest) -> str:
        """The one asked for, else by currency. Raises Problem 422 where it cannot take the amount."""
        routes = self.settings.routes
        gateway = wanted.gateway or routes.get(wanted.currency) or routes.get("*")
        if gateway is None:
            raise invalid(FieldProblem("currency", "no gateway takes this currency; name one in gateway"))
        try:
            to_gateway(Money(wanted.amount_minor, wanted.currency), gateway)
        except UnrepresentableAmount as error:
            raise invalid(FieldProblem("amount_minor", str(error))) from None
        return gateway


@cache
def minter() -> Minter:
    """This environment's ids. It claims its worker slot at the first id: never at import, which a snapshot may hold."""
    slots = DynamoSlots(client("dynamodb"), Settings.of().text("WORKER_SLOTS_TABLE"))
    return Minter(slots, clock_ns=time.time_ns, sleep=time.sleep, new_owner=lambda: uuid4().hex, identity=_who)


def _who() -> tuple[int, str | None]:
    """Differs between a process and its copies: forks count themselves, environments have a log stream each."""
    return forks(), os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")


def handler(event: dict[str, Any], context: Any) -> Response:
    """API Gateway's entry."""
    settings = Settings.of()
    # Looked up when an id is needed, so that a refused request needs no worker slot.
    return Checkout(once(settings, context), lambda: minter().mint(), settings, log)(event)
