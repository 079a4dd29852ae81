"""Stripe: one PaymentIntent per payment, confirmed at once and captured by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import stripe

from pipeline.gateways import stripe_answers as answers
from pipeline.gateways.asking import answered
from pipeline.gateways.port import Answer, Authorization, Found
from pipeline.gateways.reading import Json, text_at
from pipeline.gateways.stripe_client import PUBLIC_API, make_client
from pipeline.gateways.transport import Exchange, Transport
from pipeline.money import Money, to_gateway
from pipeline.outcomes import Outcome
from pipeline.schemas.ids import minted_at

if TYPE_CHECKING:
    from stripe.params import PaymentIntentListParams

_AROUND = timedelta(minutes=5)
_PAGE = 100


class StripeGateway:
    """One Stripe account. Its key replays answers, failures of the server included, for 24 hours."""

    name = "stripe"
    key_retention = timedelta(hours=24)
    horizon = timedelta(minutes=10)

    def __init__(self, *, key: str, account: str, base: str | None = None, exchange: Exchange | None = None) -> None:
        """`base` None: Stripe's own address; `exchange` takes its place. Raises Misused for an address that may not be
        talked to."""
        self._account = account
        client = make_client(key, exchange or Transport(base or PUBLIC_API, gateway="stripe"))
        self._intents, self._refunds = client.v1.payment_intents, client.v1.refunds

    def authorize(self, wanted: Authorization, *, key: str, budget_s: float) -> Answer:
        """See the port. A shopper who would have to authenticate is answered as VOID."""
        def call() -> Answer:
            made = self._intents.create({
                "amount": to_gateway(wanted.money, "stripe"), "currency": wanted.money.currency.lower(),
                "payment_method": wanted.method_token, "confirm": True, "capture_method": "manual",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "metadata": {"payment_id": str(wanted.payment_id), "merchant_id": wanted.merchant_id},
                "expand": ["latest_charge"],
            }, {"idempotency_key": key})
            return answers.authorized(_json(made), replayed=_replayed(made))
        return self._ask(wanted.gateway_account, budget_s, call)

    def capture(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
                budget_s: float) -> Answer:
        """See the port. What has been captured already is OK, with the amount that was captured."""
        def call() -> Answer:
            made = self._intents.capture(
                gateway_ref, {"amount_to_capture": to_gateway(money, "stripe")}, {"idempotency_key": key})
            return answers.captured(_json(made), replayed=_replayed(made))
        return self._ask(gateway_account, budget_s, call, answers.captured)

    def void(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, key: str,
             budget_s: float) -> Answer:
        """See the port. Stripe cancels by its own reference only: without one, it is looked for around the time that
        the payment was minted."""
        def call() -> Answer:
            ref = gateway_ref
            if ref is None:
                found = self._listed(payment_id, minted_at(payment_id))
                if found is None:
                    return Answer(Outcome.DECLINED, "not_found")
                if found.get("status") in ("canceled", "succeeded"):
                    return answers.voided(found, replayed=True)
                ref = text_at(found, "id")
            made = self._intents.cancel(ref, {}, {"idempotency_key": key})
            return answers.voided(_json(made), replayed=_replayed(made))
        return self._ask(gateway_account, budget_s, call, answers.voided)

    def refund(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
               budget_s: float) -> Answer:
        """See the port."""
        def call() -> Answer:
            made = self._refunds.create(
                {"payment_intent": gateway_ref, "amount": to_gateway(money, "stripe"),
                 "metadata": {"payment_id": str(payment_id)}}, {"idempotency_key": key})
            return answers.refunded(_json(made), gateway_ref, replayed=_replayed(made))
        return self._ask(gateway_account, budget_s, call)

    def look_up(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, sent_at: datetime,
                budget_s: float) -> Found | Answer:
        """See the port. Without a reference all that was made since `sent_at` is gone through, as long as the key may
        have been sent again; what does not fit into the budget is no answer."""
        result: list[Found] = []

        def call() -> Answer:
            if gateway_ref is None:
                listed = self._listed(payment_id, sent_at)
                result.append(Found("none") if listed is None else answers.found(listed))
            else:
                result.append(answers.found(_json(self._intents.retrieve(gateway_ref, {"expand": ["latest_charge"]}))))
            return Answer(Outcome.OK)
        answer = self._ask(gateway_account, budget_s, call)
        # Asking changes nothing: a question without an answer may simply be asked again.
        return result[0] if result else answers.asked_again(answer)

    def _ask(self, account: str, budget_s: float, call: Callable[[], Answer],
             settled: Callable[..., Answer] | None = None) -> Answer:
        """The answer of `call`; `settled` reads the PaymentIntent of a refusal that says that it is settled already."""
        if account != self._account:
            return Answer(Outcome.MISUSED, "unknown_account")
        try:
            return answered(budget_s, call)
        except stripe.StripeError as refused:
            return answers.refused(refused, settled)

    def _listed(self, payment_id: int, sent_at: datetime) -> Json | None:
        """The most advanced PaymentIntent that carries our payment id; first those around `sent_at`, then the later."""
        end = sent_at + self.key_retention
        for since, until in ((sent_at - _AROUND, sent_at + _AROUND), (sent_at + _AROUND, end + _AROUND)):
            params: PaymentIntentListParams = {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}, "limit": _PAGE,
                "expand": ["data.latest_charge"]}
            ours: list[Json] = []
            while True:
                listed = self._intents.list(params)
                page = [_json(intent) for intent in listed.data]
                ours += [intent for intent in page if answers.payment_id_of(intent) == payment_id]
                if not listed.has_more or not page:
                    break
                params = {**params, "starting_after": str(page[-1]["id"])}
            if ours:
                return max(ours, key=answers.progress)
        return None


def _json(made: stripe.StripeObject) -> Json:
    return made.to_dict()


def _replayed(made: stripe.StripeObject) -> bool:
    headers = made.last_response.headers if made.last_response else {}
    return headers.get("idempotent-replayed") == "true"
