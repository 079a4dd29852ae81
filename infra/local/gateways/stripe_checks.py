"""What Stripe refuses before anything happens, and how it words errors and replays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from infra.local.gateways.keys import Reply
from infra.local.gateways.wire import Answered, Request, as_json
from pipeline.schemas.currency import UnknownCurrency, iso_exponent

CREATE = ("amount", "currency", "payment_method", "confirm", "capture_method", "metadata", "description", "expand",
          "payment_method_types", "automatic_payment_methods", "payment_method_options", "off_session", "return_url",
          "error_on_requires_action", "statement_descriptor", "statement_descriptor_suffix", "customer",
          "use_stripe_sdk", "confirmation_method", "transfer_group", "receipt_email", "mandate_data",
          "setup_future_usage")
LIST = ("created", "limit", "starting_after", "customer", "expand")
_MULTIPLE = {**dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 10), "ISK": 100, "UGX": 100}
_MAX_AMOUNT = 99_999_999_99


def error(status: int, kind: str, message: str, **more: Any) -> Reply:
    """An error as Stripe prints it."""
    return as_json(status, {"error": {"type": kind, "message": message, **more}})


@dataclass(frozen=True, slots=True)
class StripeManners:
    """Stripe's words for what happens around the effect."""

    request: Request

    def failure(self, kind: str) -> Reply:
        """Errors that no parameter causes."""
        if kind == "mismatch":
            return error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same "
                         "parameters they were first used with.")
        if kind == "in_flight":
            return error(409, "invalid_request_error", "There is currently another in-progress request using this "
                         "Idempotent Key.", code="idempotency_key_in_use")
        if kind == "rate_limited":
            return error(429, "invalid_request_error", "Request rate limit exceeded.", code="rate_limit")
        if kind == "unauthorized":
            return error(401, "invalid_request_error", "Invalid API Key provided.")
        if kind == "too_long":
            return error(400, "invalid_request_error", "Idempotency keys are at most 255 characters long.")
        if kind == "unavailable":
            return replace(error(503, "api_error", "Service unavailable."), headers=(("Stripe-Should-Retry", "true"),))
        return error(500, "api_error", "An unknown error occurred.")

    def replayed(self, reply: Reply, *, mismatch: bool) -> Reply:
        """The first answer again, marked; with other parameters it is an error."""
        if mismatch:
            return self.failure("mismatch")
        return replace(reply, headers=(*reply.headers, ("Idempotent-Replayed", "true")))


def known(given: dict[str, Any], names: Collection[str]) -> None:
    """Refuses parameters that the endpoint does not have."""
    for name in given:
        if name not in names:
            raise Answered(error(400, "invalid_request_error", f"Received unknown parameter: {name}",
                                 code="parameter_unknown", param=name))


def money_of(given: dict[str, Any]) -> tuple[int, str]:
    """Amount and upper-case currency of a payment to be made."""
    currency = str(given.get("currency", "")).upper()
    if not currency:
        raise Answered(_absent("currency"))
    try:
        iso_exponent(currency)
    except UnknownCurrency:
        raise Answered(error(400, "invalid_request_error", f"Invalid currency: {currency.lower()}.",
                             param="currency")) from None
    amount = amount_of(given, "amount", currency)
    if amount is None:
        raise Answered(_absent("amount"))
    return amount, currency


def amount_of(given: dict[str, Any], name: str, currency: str) -> int | None:
    """A positive amount that Stripe can count in, None where there is none."""
    if name not in given:
        return None
    amount = whole(given[name], name)
    if amount < 1:
        raise Answered(error(400, "invalid_request_error", "This value must be greater than or equal to 1.",
                             code="parameter_invalid_integer", param=name))
    if amount > _MAX_AMOUNT:
        raise Answered(error(400, "invalid_request_error", "Amount must be no more than $999,999.99",
                             code="amount_too_large", param=name))
    if amount % _MULTIPLE.get(currency, 1):
        raise Answered(error(400, "invalid_request_error", "Invalid amount: the last digits of this currency's "
                             "amounts must be zero.", code="parameter_invalid_integer", param=name))
    return amount


def whole(text: Any, name: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except (TypeError, ValueError):
        raise Answered(error(400, "invalid_request_error", f"Invalid integer: {text}",
                             code="parameter_invalid_integer", param=name)) from None


def _absent(name: str) -> Reply:
    return error(400, "invalid_request_error", f"Missing required param: {name}.", code="parameter_missing", param=name)
