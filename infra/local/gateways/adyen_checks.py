"""What Adyen refuses before anything happens, and how it words errors and replays."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from infra.local.gateways.keys import Reply
from infra.local.gateways.wire import Answered, Request, as_json
from pipeline.schemas.currency import UnknownCurrency, iso_exponent

REFUSED = {"generic_decline": ("Refused", "2"), "insufficient_funds": ("Not enough balance", "12"),
           "expired_card": ("Expired Card", "6"), "lost_card": ("Blocked Card", "5"), "fraudulent": ("FRAUD", "20")}


def error(status: int, code: str, message: str, kind: str = "validation") -> Reply:
    """An error as Adyen prints it."""
    return as_json(status, {"status": status, "errorCode": code, "message": message, "errorType": kind})


@dataclass(frozen=True, slots=True)
class AdyenManners:
    """Adyen's words for what happens around the effect."""

    request: Request

    def failure(self, kind: str) -> Reply:
        """Errors that no parameter causes."""
        transient = (("transient-error", "true"),)
        if kind in ("in_flight", "mismatch"):
            return error(422, "704", "request already processed or in progress")
        if kind == "rate_limited":
            return replace(error(429, "029", "Too many requests", "security"), headers=transient)
        if kind == "unavailable":
            return replace(error(503, "703", "required resource temporarily unavailable", "internal"),
                           headers=transient)
        if kind == "unauthorized":
            return UNAUTHORIZED
        if kind == "too_long":
            return error(422, "702", "Idempotency-Key is longer than 64 characters")
        return error(500, "000", "Internal error", "internal")

    def replayed(self, reply: Reply, *, mismatch: bool) -> Reply:
        """The first answer again; what other parameters do is not documented, so they change nothing here."""
        return replace(reply, headers=(*reply.headers, ("idempotency-key", self.request.key)))


UNAUTHORIZED = error(401, "000", "HTTP Status Response - Unauthorized", "security")


def json_object(body: bytes) -> dict[str, Any]:
    """The request's JSON."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Answered(error(400, "702", "Required object has an invalid format"))
    return found


def money_of(given: dict[str, Any]) -> tuple[int, str]:
    """Amount and currency."""
    amount = given.get("amount")
    if not isinstance(amount, dict):
        raise Answered(error(422, "100", "No amount specified"))
    value, currency = amount.get("value"), amount.get("currency")
    try:
        iso_exponent(str(currency))
    except UnknownCurrency:
        raise Answered(error(422, "138", "Currency code is not valid")) from None
    if type(value) is not int or value < 1:
        raise Answered(error(422, "137", "Invalid amount specified"))
    return value, str(currency)


def text_of(given: dict[str, Any], name: str) -> str:
    """A field that must be there."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Answered(error(422, "130" if name == "reference" else "702", f"Required field '{name}' is not provided."))
    return value
