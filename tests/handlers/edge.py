"""The edge without a network: proxy events in, answers out, the gate in memory, a machine that plays a part."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.errors import Retryable
from pipeline.handlers.checkout import Checkout
from pipeline.handlers.http.once import Once
from pipeline.handlers.operations import Operations
from pipeline.handlers.read import Read
from pipeline.ledger.port import Payment
from pipeline.ledger.statuses import Status
from pipeline.saga.answer import summary
from pipeline.settings import Settings
from tests.gate.memory import MemoryGate

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "order-0001-attempt-1"
BODY: dict[str, Any] = {"amount_minor": 1999, "currency": "EUR", "payment_method": "pm_card_visa"}
SETTINGS = Settings({"STRIPE_ACCOUNT": "acct_1", "ADYEN_MERCHANT_ACCOUNT": "SHOP_EU"})
FIRST_ID = 7 * 10**17

Answer = Mapping[str, object] | None | Exception


def payment(payment_id: int, status: Status = Status.COMMITTED, **members: Any) -> Payment:
    """A row of the ledger."""
    row = Payment(
        payment_id=payment_id, merchant_id="shop_1", amount_minor=1999, currency="EUR", status=status, version=9,
        fence=1, gateway="adyen", gateway_account="SHOP_EU", gateway_ref="PSP1", capture_mode="automatic",
        method_token="pm_card_visa", idempotency_hash="h", trace_id="t", reference=None, metadata={}, saga="pay",
        saga_hash="h", saga_sequence=1, execution="e", lease_until=None, authorized_minor=1999, captured_minor=1999,
        refunded_minor=0, hold_expires_at=None, fraud_decision="approve", fraud_score=50, fraud_model="m", cause=None,
        created_at=AT, updated_at=AT)
    return replace(row, **members)


def output(outcome: str, row: Payment | None, code: str | None = None) -> dict[str, object]:
    """What the machine ends with."""
    return {"outcome": outcome, "fence": 1, "payment_id": "0", "status": str(row.status) if row else None, "code": code,
            "payment": summary(row) if row else None}


@dataclass
class Machine:
    """Keeps what it was started with; `plays` says how an execution ends (by default with the money taken)."""

    started: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    plays: Callable[[dict[str, Any]], Answer] | None = None

    def run(self, name: str, payload: Mapping[str, object], *, trace_id: str) -> Mapping[str, object] | None:
        """See Executions."""
        given = json.loads(json.dumps(payload))
        self.started.append((name, given))
        if self.plays is None:
            asked = given["request"]
            return output("ok", payment(
                int(given["payment_id"]), **{name: asked[name] for name in ("amount_minor", "currency", "gateway",
                                                                            "reference") if name in asked}))
        answer = self.plays(given)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Edge:
    """All routes over the same parts. `send` posts to checkout unless told otherwise."""

    gate: MemoryGate = field(default_factory=MemoryGate)
    machine: Any = field(default_factory=Machine)
    rows: dict[int, Payment] = field(default_factory=dict)
    log: list[dict[str, object]] = field(default_factory=list)
    at: datetime = AT
    ledger_down: bool = False
    settings: Settings = SETTINGS
    find: Callable[[int], Payment | None] | None = None     # in place of `rows`
    mint: Callable[[], int] = field(default_factory=lambda: itertools.count(FIRST_ID).__next__)
    _owners: Any = field(default_factory=itertools.count)

    def send(self, body: object = BODY, *, key: str | None = KEY, merchant: str | None = "shop_1",
             payment_id: object = None, operation: str | None = None, headers: Mapping[str, str] | None = None,
             raw: str | None = None, event: Mapping[str, Any] | None = None) -> Answered:
        """One POST."""
        named = {"Content-Type": "application/json", **({} if key is None else {"Idempotency-Key": key}),
                 **(headers or {})}
        path = "/v1/payments" if operation is None else f"/v1/payments/{{id}}/{operation}"
        found = {"httpMethod": "POST", "resource": path, "headers": named,
                 "body": json.dumps(body) if raw is None else raw,
                 "pathParameters": None if payment_id is None else {"id": str(payment_id)},
                 "requestContext": {"requestId": "r-1", "authorizer": {"merchant_id": merchant} if merchant else None},
                 **(event or {})}
        return Answered(self.route(found))

    def get(self, payment_id: object, merchant: str = "shop_1") -> Answered:
        """One GET."""
        return Answered(self.route({
            "httpMethod": "GET", "resource": "/v1/payments/{id}", "headers": {}, "body": None,
            "pathParameters": {"id": str(payment_id)}, "requestContext": {"authorizer": {"merchant_id": merchant}}}))

    def route(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """As the deployment routes events to functions."""
        once = Once(self.gate, self.machine, lambda: self.at, lambda: f"owner-{next(self._owners)}", self._log,
                    "https://pay.example")
        if event["httpMethod"] == "GET":
            return Read(self._own, self._log)(event)
        if event["resource"] == "/v1/payments":
            return Checkout(once, self.mint, self.settings, self._log)(event)
        return Operations(once, self._own, self._log)(event)

    def later(self, seconds: float) -> None:
        """Moves the clock on."""
        self.at += timedelta(seconds=seconds)

    def _own(self, payment_id: int, merchant_id: str) -> Payment | None:
        if self.ledger_down:
            raise Retryable("the ledger cannot be reached")
        row = self.find(payment_id) if self.find else self.rows.get(payment_id)
        return row if row and row.merchant_id == merchant_id else None

    def _log(self, event: str, **fields: object) -> None:
        self.log.append({"event": event, **fields})


@dataclass(frozen=True)
class Answered:
    """A proxy answer, read."""

    proxy: dict[str, Any]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.proxy["statusCode"])

    @property
    def text(self) -> str:
        """The body as it goes out."""
        return str(self.proxy["body"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers."""
        found: dict[str, str] = self.proxy["headers"]
        return found

    @property
    def json(self) -> dict[str, Any]:
        """The body read."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def problem(self) -> str:
        """Which problem it is; fails for what is none."""
        assert self.headers["Content-Type"] == "application/problem+json", self.proxy
        assert self.json["status"] == self.status
        return str(self.json["type"]).removeprefix("/problems/")

    @property
    def fields(self) -> dict[str, str]:
        """The refused fields with what is wrong."""
        return {error["field"]: error["problem"] for error in self.json.get("errors", [])}
