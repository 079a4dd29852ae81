"""The Stripe adapter against Stripe's own mock: every request is one that Stripe's API takes, every answer is read.

The mock keeps no state: it answers with examples, of a payment intent that nobody has confirmed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stripe

from pipeline.gateways.port import Answer, Authorization, Found
from pipeline.gateways.stripe import StripeGateway
from pipeline.gateways.stripe_client import make_client
from pipeline.gateways.transport import Transport, within
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.schemas.ids import compose
from tests.gateways import stripe_mock

pytestmark = [pytest.mark.stripe_mock, pytest.mark.property(50)]

SENT_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = compose(SENT_AT, 1, 1)
MONEY = Money(1250, "EUR")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the mock."""
    builder = stripe_mock.go()
    if builder is None:
        pytest.skip("there is no Go 1.22 or newer to build stripe-mock with")
    try:
        program = stripe_mock.install(builder)
    except stripe_mock.NotBuilt as why:
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            raise
        pytest.skip(str(why))
    server, address = stripe_mock.start(program, tmp_path_factory.mktemp("stripe-mock"))
    yield address
    server.stop()


@pytest.fixture
def gateway(base: str) -> StripeGateway:
    """The adapter with the mock behind it."""
    return StripeGateway(key="sk_test_123", account="acct_1", base=base)


def test_an_authorisation_is_taken(gateway: StripeGateway) -> None:
    wanted = Authorization(ID, MONEY, "pm_card_visa", "acct_1", "merchant-1")
    answer = gateway.authorize(wanted, key=str(ID), budget_s=20)
    assert (answer.outcome, answer.code) == (Outcome.DECLINED, "requires_payment_method")
    assert (answer.gateway_ref or "").startswith("pi_")


def test_captures_and_voids_are_taken(gateway: StripeGateway) -> None:
    captured = gateway.capture(ID, "pi_1", MONEY, gateway_account="acct_1", key=f"{ID}:capture", budget_s=20)
    void = gateway.void(ID, "pi_1", gateway_account="acct_1", key=f"{ID}:void", budget_s=20)
    for answer in (captured, void):
        assert answer == Answer(Outcome.IN_DOUBT, "requires_payment_method", gateway_ref="pi_1")


def test_a_refund_is_taken_and_read(gateway: StripeGateway) -> None:
    answer = gateway.refund(ID, "pi_1", MONEY, gateway_account="acct_1", key=f"{ID}:refund:1", budget_s=20)
    assert (answer.outcome, answer.gateway_ref, answer.amount_minor) == (Outcome.OK, "pi_1", 1250)
    assert (answer.operation_ref or "").startswith("re_")


def test_look_ups_are_taken_and_read(gateway: StripeGateway) -> None:
    found = gateway.look_up(ID, "pi_1", gateway_account="acct_1", sent_at=SENT_AT, budget_s=20)
    assert isinstance(found, Found)
    assert (found.state, found.gateway_ref) == ("declined", "pi_1")
    assert gateway.look_up(ID, None, gateway_account="acct_1", sent_at=SENT_AT, budget_s=20) == Found("none")


def test_a_void_by_our_own_reference_finds_nobody_elses(gateway: StripeGateway) -> None:
    answer = gateway.void(ID, None, gateway_account="acct_1", key=f"{ID}:void", budget_s=20)
    assert answer == Answer(Outcome.DECLINED, "not_found")


@pytest.mark.parametrize("wrong", [{"capture_method": "by_hand"}, {"payment_id": "77"}, {"amount": "much"}])
def test_the_mock_refuses_what_the_api_does_not_take(base: str, wrong: dict[str, str]) -> None:
    client = make_client("sk_test_123", Transport(base))
    with within(20), pytest.raises(stripe.InvalidRequestError):
        client.raw_request("post", "/v1/payment_intents", **{"amount": 1, "currency": "eur", **wrong})
