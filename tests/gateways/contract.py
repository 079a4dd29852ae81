"""The forms in which the one contract is held against a gateway: over HTTP to the simulator, or in this process."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from infra.local.gateways.faults import Fault
from infra.local.gateways.process import GatewaySimulator
from infra.local.gateways.simulator import opened
from infra.local.gateways.wire import Secrets
from pipeline.gateways.adyen import AdyenGateway
from pipeline.gateways.port import Answer, Authorization, Found, Gateway, authorize_key
from pipeline.gateways.stripe import StripeGateway
from pipeline.gateways.transport import Exchange
from pipeline.money import Money
from pipeline.outcomes import Outcome
from pipeline.schemas.ids import EPOCH, compose
from tests.gateways.book_twin import BookTwin, VirtualClock
from tests.gateways.twin import TwinExchange

ENOUGH_S = 20.0
SHORT_S = 1.0
"""The budget of a call that is not going to be answered."""
TWIN_NOW = EPOCH + timedelta(days=300)
NAMES = ("stripe", "adyen", "stripe-twin", "adyen-twin", "stripe-book", "adyen-book")
_sequence = itertools.count(1)


@dataclass
class Form:
    """A gateway with its book beside it. `late`: refusals of modifications come by webhook only."""

    name: str
    gateway: Gateway
    account: str
    book: Callable[[int], list[dict[str, Any]]]
    fault: Callable[..., None]
    now: Callable[[], datetime]
    late: bool
    twin: bool
    advance: Callable[[float], Any]
    token: str = field(default="pm_card_visa")

    def new_id(self) -> int:
        """A payment id minted now, by the gateway's clock."""
        number = next(_sequence)
        return compose(self.now(), number >> 12 & 1023, number & 4095)

    def wanted(self, payment_id: int, amount_minor: int = 1250, currency: str = "EUR", *, token: str = "",
               account: str = "") -> Authorization:
        """What is to be authorised."""
        return Authorization(payment_id, Money(amount_minor, currency), token or self.token, account or self.account,
                             "merchant-1")

    def authorize(self, payment_id: int, amount_minor: int = 1250, currency: str = "EUR", *, token: str = "",
                  budget_s: float = ENOUGH_S) -> Answer:
        """The payment's one authorisation, under its one key."""
        return self.gateway.authorize(self.wanted(payment_id, amount_minor, currency, token=token),
                                      key=authorize_key(payment_id), budget_s=budget_s)

    def capture(self, payment_id: int, ref: str, amount_minor: int = 1250, currency: str = "EUR", *, key: str = "",
                budget_s: float = ENOUGH_S) -> Answer:
        """The payment's capture."""
        return self.gateway.capture(payment_id, ref, Money(amount_minor, currency), gateway_account=self.account,
                                    key=key or f"{payment_id}:capture", budget_s=budget_s)

    def void(self, payment_id: int, ref: str | None, *, key: str = "", budget_s: float = ENOUGH_S) -> Answer:
        """The payment's void, by our own reference for None."""
        return self.gateway.void(payment_id, ref, gateway_account=self.account, key=key or f"{payment_id}:void",
                                 budget_s=budget_s)

    def refund(self, payment_id: int, ref: str, amount_minor: int, sequence: int = 1, *,
               budget_s: float = ENOUGH_S) -> Answer:
        """A refund of the payment."""
        return self.gateway.refund(payment_id, ref, Money(amount_minor, "EUR"), gateway_account=self.account,
                                   key=f"{payment_id}:refund:{sequence}", budget_s=budget_s)

    def held(self) -> tuple[int, str]:
        """A payment that is authorised, and its reference."""
        payment_id = self.new_id()
        answer = self.authorize(payment_id)
        assert answer.outcome is Outcome.OK
        return payment_id, answer.gateway_ref or ""

    def paid(self) -> tuple[int, str]:
        """A payment that is captured, and its reference."""
        payment_id, ref = self.held()
        assert self.capture(payment_id, ref).outcome is Outcome.OK
        return payment_id, ref

    def look_up(self, payment_id: int, ref: str | None) -> Found | Answer:
        """What the gateway knows of the payment."""
        return self.gateway.look_up(payment_id, ref, gateway_account=self.account, sent_at=self.now(),
                                    budget_s=ENOUGH_S)

    def done(self, payment_id: int, kind: str) -> list[int]:
        """Amounts of what was really done, in the ledger's minor units."""
        return [done["amount_minor"] for done in self.book(payment_id)
                if (done["kind"], done["status"]) == (kind, "succeeded")]


def over_http(name: str, simulator: GatewaySimulator) -> Form:
    """The adapter `name` with the simulator's process behind it."""
    keys, account, client = simulator.keys(), simulator.accounts()[name], simulator.client
    gateway: Gateway = (
        StripeGateway(key=keys["stripe_key"], account=account, base=simulator.stripe_base) if name == "stripe"
        else AdyenGateway(key=keys["adyen_key"], base=simulator.adyen_base))

    def fault(kind: str, **more: Any) -> None:
        client.fault(kind, vendor=name, **more)
    return Form(name, gateway, account, client.book, fault, lambda: datetime.fromisoformat(client.now()),
                late=name == "adyen", twin=False, advance=client.advance)


def within_process(name: str) -> tuple[Form, TwinExchange]:
    """The adapter `name` with a book of its own in this process, and what it sends with."""
    secrets = Secrets()
    epoch = int((TWIN_NOW - datetime(1970, 1, 1, tzinfo=TWIN_NOW.tzinfo)) / timedelta(milliseconds=1))
    simulator = opened(None, secrets=secrets, seed=name, real_now=lambda: epoch)
    twin = TwinExchange(simulator)
    exchange: Exchange = twin
    gateway: Gateway = (
        StripeGateway(key=secrets.stripe_key, account=secrets.stripe_account, exchange=exchange) if name == "stripe"
        else AdyenGateway(key=secrets.adyen_key, exchange=exchange))

    def fault(kind: str, **more: Any) -> None:
        simulator.desk.faults.add(Fault(kind, vendor=name, **more))

    def book(payment_id: int) -> list[dict[str, Any]]:
        return [done for done in simulator.report() if done["payment_id"] == str(payment_id)]

    def now() -> datetime:
        return datetime(1970, 1, 1, tzinfo=TWIN_NOW.tzinfo) + timedelta(milliseconds=simulator.now())
    account = secrets.stripe_account if name == "stripe" else secrets.adyen_account
    form = Form(f"{name}-twin", gateway, account, book, fault, now, late=name == "adyen", twin=True,
                advance=simulator.advance)
    return form, twin


def of_the_book(name: str) -> Form:
    """The simulator's book behind the port, without an adapter: what simulations run on."""
    clock = VirtualClock(TWIN_NOW)
    twin = BookTwin(name, clock, account=f"{name}-account")
    return Form(f"{name}-book", twin, twin.account, twin.operations, twin.fault, clock, late=name == "adyen", twin=True,
                advance=clock.spend)
