"""What the saga asks of a gateway. Stripe, Adyen and the simulator's in-process twin pass one contract suite.

Every call has a total budget in seconds, enforced below the SDK, and one deterministic key per operation. Nothing is
retried here: the saga and recovery decide. Whatever a gateway does is an answer; no exception leaves an adapter for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pipeline.money import Money
from pipeline.outcomes import Outcome


def authorize_key(payment_id: int) -> str:
    """Key of the one authorisation of a payment."""
    return str(payment_id)


def capture_key(payment_id: int, sequence: int = 1) -> str:
    """Key of a capture; a payment is captured once, later sequences exist for attempts that definitely failed."""
    return f"{payment_id}:capture" if sequence == 1 else f"{payment_id}:capture:{sequence}"


def void_key(payment_id: int, sequence: int = 1) -> str:
    """Key of the void of a payment's authorisation; a hold is given back once, later sequences exist for attempts that
    definitely failed (the gateway replays the failure for the key, and a look-up says that the hold is still there)."""
    return f"{payment_id}:void" if sequence == 1 else f"{payment_id}:void:{sequence}"


def refund_key(payment_id: int, sequence: int) -> str:
    """Key of the n-th refund, from 1."""
    return f"{payment_id}:refund:{sequence}"


@dataclass(frozen=True, slots=True)
class Authorization:
    """What to authorise. The payment_id travels as Stripe metadata `payment_id` and as Adyen's merchant reference."""

    payment_id: int
    money: Money
    method_token: str
    gateway_account: str
    merchant_id: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended, one of the five outcomes of the taxonomy; amounts are in the ledger's minor units.

    `code` is ours or the gateway's short code (card_declined, timeout, http_500 ...), never a message with card data.
    VOID means: authorised or begun, but it must be cancelled (code authentication_required for requires_action).
    """

    outcome: Outcome
    code: str | None = None
    gateway_ref: str | None = None
    operation_ref: str | None = None     # as the gateway prints it in its reports
    amount_minor: int | None = None      # what it really authorised, captured or refunded
    expires_at: datetime | None = None   # when the hold lapses
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What the gateway knows of a payment when asked: a state of its book, with references where it has them.

    state: none | requires_action | authorized | voided | captured | declined | processing. `none` is no proof of
    absence before `Gateway.horizon` has passed since the call was sent.
    """

    state: str
    gateway_ref: str | None = None
    capture_ref: str | None = None
    authorized_minor: int | None = None
    captured_minor: int | None = None
    refunded_minor: int | None = None
    detail: dict[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """One gateway and account set. Thread-safe; `at` is the caller's clock, `budget_s` the hard stop of the call."""

    name: str
    key_retention: timedelta             # a key may be sent again only within this after its first use
    horizon: timedelta                   # how long an empty look-up proves nothing

    def authorize(self, wanted: Authorization, *, key: str, budget_s: float) -> Answer:
        """Authorises without capturing."""
        ...

    def capture(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
                budget_s: float) -> Answer:
        """Captures up to the authorised amount, once. Adyen's `received` is OK."""
        ...

    def void(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, key: str,
             budget_s: float) -> Answer:
        """Gives the hold back; without a gateway_ref by our own reference. OK also where it is void already;
        DECLINED with code `captured` where it has been captured; DECLINED with code `not_found` where a look-up by our
        reference found nothing (no proof before the horizon)."""
        ...

    def refund(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
               budget_s: float) -> Answer:
        """Refunds part or all of what was captured, as a new operation."""
        ...

    def look_up(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, sent_at: datetime,
                budget_s: float) -> Found | Answer:
        """The gateway's own state, by reference or by listing around `sent_at` (never by a search index).
        An Answer (retryable, in_doubt or misused) where it could not be asked, or where its API has no look-up."""
        ...
