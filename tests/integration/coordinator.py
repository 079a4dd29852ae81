"""Stands for Step Functions: walks the saga's own file, calls the deployed functions, and can be killed on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from infra.local.guard import client
from pipeline.gate.dynamo import DynamoGate
from pipeline.handlers.checkout import Checkout
from pipeline.handlers.http.once import Once
from pipeline.handlers.operations import Operations
from pipeline.ids.slots import DynamoSlots
from pipeline.ids.snowflake import Minter
from pipeline.ledger.connection import Database
from pipeline.ledger.postgres import PostgresLedger
from pipeline.settings import Settings
from pipeline.times import utc_now
from tests.integration.site import MERCHANT, PAYMENTS, Site
from tests.saga.walker import Killed, TaskFailed, Walker, definition

SAGA = definition("saga")
FUNCTIONS = ("ValidatePayment", "ReserveBalance", "AuthorizeGateway", "CaptureOrVoid", "CommitLedger", "NotifyMerchant")


class Coordinator:
    """The edge in this process, on the real tables, over a coordinator that dies when told to."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lambda = client("lambda", site.aws)
        outputs = site.pipeline.deployment.outputs
        slots = DynamoSlots(site.dynamodb, outputs["WorkerSlotsTableName"])
        self._minter = Minter(slots, clock_ns=time.time_ns, sleep=time.sleep, new_owner=lambda: uuid4().hex)
        self._gate = DynamoGate(site.dynamodb, outputs["IdempotencyTableName"])
        self._database = Database(site.pipeline.database.app_dsn)
        self._ledger = PostgresLedger(self._database, clock=utc_now)
        accounts = site.pipeline.gateways.accounts()
        self._settings = Settings({"STRIPE_ACCOUNT": accounts["stripe"], "ADYEN_MERCHANT_ACCOUNT": accounts["adyen"]})

    def close(self) -> None:
        """Gives its connection back."""
        self._database.close()

    def given(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """What the edge gives to the machine for a new payment."""
        machine = _Machine(self._lambda, self._site.pipeline.deployment.function, 0)
        self._post(machine, body, key, PAYMENTS)
        return machine.given

    def post(self, body: dict[str, Any], key: str, path: str = PAYMENTS, *, dies_before: int | None = None,
             ) -> tuple[int, list[str]]:
        """One request whose coordinator dies before its `dies_before`-th state; past the last one it dies before its
        answer is heard. The payment's id, and the states that were entered."""
        machine = _Machine(self._lambda, self._site.pipeline.deployment.function, dies_before)
        return self._post(machine, body, key, path), machine.visited

    def _post(self, machine: _Machine, body: dict[str, Any], key: str, path: str) -> int:
        once = Once(self._gate, machine, utc_now, lambda: uuid4().hex, _say_nothing)
        event = {"httpMethod": "POST", "body": json.dumps(body), "resource": PAYMENTS,
                 "headers": {"Content-Type": "application/json", "Idempotency-Key": key},
                 "requestContext": {"requestId": "r-1", "authorizer": {"merchant_id": MERCHANT}}}
        if path == PAYMENTS:
            answer = Checkout(once, self._minter.mint, self._settings, _say_nothing)(event)
        else:
            payment_id, operation = path.split("/")[3:]
            answer = Operations(once, self._ledger.payment_of_merchant, _say_nothing)(
                event | {"resource": f"{PAYMENTS}/{{id}}/{operation}", "pathParameters": {"id": payment_id}})
        assert answer["statusCode"] in (201, 202, 402), answer
        return int(json.loads(answer["body"])["id"])


class _Machine:
    """See pipeline.handlers.http.executions.Executions."""

    def __init__(self, functions: Any, deployed: Any, dies_before: int | None) -> None:
        self._lambda, self._deployed, self._dies_before = functions, deployed, dies_before
        self.visited: list[str] = []
        self.given: dict[str, Any] = {}

    def run(self, name: str, payload: Mapping[str, object], *, trace_id: str) -> Mapping[str, object] | None:
        """One execution, or as much of it as is left to it."""
        walker = Walker(SAGA, {one: partial(self._invoke, one) for one in FUNCTIONS}, utc_now, time.sleep, self._before)
        self.given = dict(payload)
        execution = walker.run(name, payload)
        self.visited = execution.visited
        if execution.status != "SUCCEEDED" or self._dies_before is not None:
            return None
        output: Mapping[str, object] = execution.output
        return output

    def _before(self, state: str, count: int) -> None:
        if count == self._dies_before:
            raise Killed

    def _invoke(self, name: str, event: dict[str, Any]) -> Any:
        answer = self._lambda.invoke(FunctionName=self._deployed(name), Payload=json.dumps(event))
        if answer.get("FunctionError"):
            raise TaskFailed("Lambda.Unknown")
        return json.loads(answer["Payload"].read())


def _say_nothing(event: str, **fields: object) -> None:
    """Nobody reads what the edge of this process logs."""
