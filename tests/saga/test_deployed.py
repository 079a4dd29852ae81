"""Recovery on the deployed stack: real functions and machines, the coordinator gone between any two steps."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from infra.local.guard import client
from infra.local.pipeline import Pipeline
from infra.local.stack import Stack
from pipeline.ledger.statuses import FINAL
from pipeline.schemas.ids import compose

STEPS = ("ValidatePayment", "ReserveBalance", "AuthorizeGateway", "CaptureOrVoid", "CommitLedger")
WITHIN_S = 60


class Deployed:
    """The stack's functions, ledger and book."""

    def __init__(self, stack: Stack) -> None:
        assert stack.pipeline is not None
        self.running: Pipeline = stack.pipeline
        self._environment = stack.environment()
        self._lambda = client("lambda", self._environment)

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """What a deployed function answers."""
        said = self._lambda.invoke(FunctionName=self.running.deployment.function(function),
                                   Payload=json.dumps(event).encode())
        found: dict[str, Any] = json.loads(said["Payload"].read())
        assert "outcome" in found, found
        return found

    def event(self, payment_id: int, gateway: str, token: str = "pm_card_visa") -> dict[str, Any]:
        """What the machine gives to each step of a payment."""
        return {"payment_id": str(payment_id), "fence": 0, "execution": f"gone-{payment_id}", "direction": "forward",
                "saga": "pay", "hash": secrets.token_hex(32), "merchant_id": "merchant_a", "trace_id": "t",
                "request": {"amount_minor": 1250, "currency": "USD", "gateway": gateway,
                            "gateway_account": self.running.gateways.accounts()[gateway],
                            "capture_mode": "automatic", "method_token": token, "reference": None, "metadata": {}}}

    def row(self, payment_id: int) -> dict[str, Any]:
        """The payment as it stands, with its open hold."""
        with psycopg.connect(self.running.database.owner_dsn, row_factory=dict_row) as connection:
            found = connection.execute(
                "SELECT p.*, (SELECT coalesce(sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor "
                "END), 0) FROM ledger_entries e JOIN journals j USING (journal_id) WHERE j.payment_id = p.payment_id "
                "AND e.account LIKE 'authorization_hold:%%') AS held FROM payments p WHERE payment_id = %s",
                (payment_id,)).fetchone()
        assert found is not None
        return found

    def recovered(self, payment_id: int) -> dict[str, Any]:
        """The payment after its lease has ended and one sweep."""
        with psycopg.connect(self.running.database.owner_dsn) as connection:
            connection.execute("UPDATE payments SET lease_until = now() - interval '1 second' WHERE payment_id = %s "
                               "AND lease_until IS NOT NULL", (payment_id,))
        assert self.call("Recovery", {})["outcome"] == "ok"
        over = time.monotonic() + WITHIN_S
        while (found := self.row(payment_id))["lease_until"] is not None and time.monotonic() < over:
            time.sleep(0.2)
        return found

    def booked(self, payment_id: int) -> list[str]:
        """What the gateways really did, in order."""
        return [done["kind"] for done in self.running.gateways.client.book(payment_id)
                if done["status"] == "succeeded"]


@pytest.fixture
def deployed(pipeline_stack: Stack) -> Deployed:
    """The pipeline of the stack."""
    return Deployed(pipeline_stack)


@pytest.fixture
def payment_id() -> int:
    """An id that nobody else mints: of a worker that is never leased by chance, at random."""
    return compose(datetime(2025, 1, 1, tzinfo=UTC), secrets.randbelow(1024), secrets.randbelow(4096)) + (
        secrets.randbelow(10**9) << 22)


@pytest.mark.property(27, 58)
@pytest.mark.parametrize("gateway", ["adyen", "stripe"])
@pytest.mark.parametrize("last", STEPS)
def test_a_saga_that_ended_after_a_step_is_finished_by_one_sweep(
        deployed: Deployed, payment_id: int, last: str, gateway: str) -> None:
    event = deployed.event(payment_id, gateway)
    for step in STEPS[:STEPS.index(last) + 1]:
        assert deployed.call(step, event)["outcome"] == "ok", step
    found = deployed.recovered(payment_id)
    captured = STEPS.index(last) >= STEPS.index("CaptureOrVoid")
    assert found["status"] == ("COMMITTED" if captured else "VOIDED" if last != "ValidatePayment" else "REJECTED")
    assert found["status"] in FINAL
    assert (found["held"], found["lease_until"]) == (0, None)
    authorized = STEPS.index(last) >= STEPS.index("AuthorizeGateway")
    assert deployed.booked(payment_id) == (["authorize", "capture" if captured else "void"] if authorized else [])


@pytest.mark.property(44)
@pytest.mark.parametrize("token, status, booked", [
    ("pm_sim_cut_after", "VOIDED", ["authorize", "void"]),
    ("pm_sim_capture_cut_after", "COMMITTED", ["authorize", "capture"])])
@pytest.mark.parametrize("gateway", ["adyen", "stripe"])
def test_what_is_in_doubt_is_asked_of_the_gateway(
        deployed: Deployed, payment_id: int, gateway: str, token: str, status: str, booked: list[str]) -> None:
    event = deployed.event(payment_id, gateway, token)
    ends = [deployed.call(step, event)["outcome"] for step in STEPS[:3 if token == "pm_sim_cut_after" else 4]]
    assert ends[-1] == "in_doubt"
    found = deployed.recovered(payment_id)
    assert (found["status"], found["held"]) == (status, 0)
    assert deployed.booked(payment_id) == booked
