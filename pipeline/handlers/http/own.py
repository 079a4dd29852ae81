"""A merchant's own payment; another's looks as if it were not there."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.errors import Retryable
from pipeline.handlers.http.exchange import Request
from pipeline.handlers.http.problems import not_found, try_again
from pipeline.handlers.parts import database
from pipeline.ledger.port import Payment
from pipeline.times import utc_now

OwnPayment = Callable[[int, str], Payment | None]
"""The payment of this id if it is this merchant's. May raise Retryable."""


def own_payment(payment_id: int, merchant_id: str) -> Payment | None:
    """From the ledger."""
    # The driver takes longer to load than all else; a refused request does without it.
    from pipeline.ledger.postgres import PostgresLedger

    return PostgresLedger(database(), clock=utc_now).payment_of_merchant(payment_id, merchant_id)


def asked_for(request: Request, find: OwnPayment) -> Payment:
    """The payment that the request's path names. Raises Problem 404 or 503."""
    if request.payment_id is None:
        raise not_found()
    try:
        payment = find(request.payment_id, request.merchant_id)
    except Retryable as error:
        raise try_again() from error
    if payment is None:
        raise not_found()
    return payment
