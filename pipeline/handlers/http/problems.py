"""Errors as problem+json (RFC 9457): what was wrong, which field, what would be accepted; never what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TYPES = "/problems/"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """`field` is the path of a member (`metadata.order`), empty for the body as a whole."""

    field: str
    problem: str


class Problem(Exception):
    """Ends a request with a 4xx or 5xx answer. Nothing has happened, unless `payment_id` says which payment goes on."""

    def __init__(self, status: int, slug: str, title: str, detail: str, *, errors: Sequence[FieldProblem] = (),
                 retry_after_s: int | None = None, payment_id: int | None = None) -> None:
        super().__init__(title)
        self.status, self.slug, self.title, self.detail = status, slug, title, detail
        self.errors, self.retry_after_s, self.payment_id = tuple(errors), retry_after_s, payment_id

    def document(self) -> dict[str, object]:
        """The members of the answer's body."""
        found: dict[str, object] = {"type": TYPES + self.slug, "title": self.title, "status": self.status,
                                    "detail": self.detail}
        if self.errors:
            found["errors"] = [{"field": error.field, "problem": error.problem} for error in self.errors]
        if self.payment_id is not None:
            found["payment_id"] = str(self.payment_id)
        return found


def malformed(detail: str) -> Problem:
    """400: the body cannot be read as JSON."""
    return Problem(400, "malformed-json", "The body is not JSON", detail)


def invalid(*errors: FieldProblem) -> Problem:
    """422: the body can be read and is refused; nothing is stored under the key."""
    return Problem(422, "invalid-request", "The request is not valid", "see errors; the same key may be used again",
                   errors=errors)


def card_number() -> Problem:
    """422: there is a card number in the body."""
    return Problem(422, "card-number", "Card numbers are not accepted",
                   "the body holds what looks like a card number; send a payment method token instead")


def key_problem(detail: str) -> Problem:
    """400: no Idempotency-Key, or an ill-formed one."""
    return Problem(400, "idempotency-key", "An Idempotency-Key is needed", detail)


def key_reused() -> Problem:
    """422: the key was used with another payload."""
    return Problem(422, "idempotency-key-reused", "The Idempotency-Key was used for another request",
                   "send the first request again as it was, or use a new key", errors=())


def key_in_use(payment_id: int, retry_after_s: int) -> Problem:
    """409: the first request with this key is still running."""
    return Problem(409, "request-running", "The first request with this Idempotency-Key is still running",
                   "ask again with the same key, or read the payment", retry_after_s=retry_after_s,
                   payment_id=payment_id)


def payment_busy(retry_after_s: int = 2) -> Problem:
    """409: something else is being done to the payment."""
    return Problem(409, "payment-busy", "Something else is being done to the payment",
                   "nothing was begun; ask again with the same key", retry_after_s=retry_after_s)


def state_conflict(status: str) -> Problem:
    """409: the payment's state does not allow what is asked."""
    return Problem(409, "payment-state", "The payment's state does not allow this",
                   f"the payment is {status.lower()}; only an authorized payment can be captured or cancelled")


def not_found() -> Problem:
    """404: there is no such payment, or it is another merchant's: both look the same."""
    return Problem(404, "not-found", "There is no such payment", "no payment of this merchant has this id")


def try_again(retry_after_s: int = 2) -> Problem:
    """503: nothing has happened and nothing will."""
    return Problem(503, "try-again", "Not possible just now", "nothing has happened; ask again with the same key",
                   retry_after_s=retry_after_s)


def broken() -> Problem:
    """500: a fault of ours."""
    return Problem(500, "internal", "Something is wrong on our side", "nothing has happened; ask again later")
