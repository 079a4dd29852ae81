"""What Adyen's results, modifications and errors mean in the port's words."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateways.port import Answer
from pipeline.gateways.reading import Json, Unreadable, json_object, maybe_text, object_at, text_at, whole_at
from pipeline.gateways.transport import outcome_of
from pipeline.money import UnrepresentableAmount, from_gateway
from pipeline.outcomes import Outcome
from pipeline.schemas.currency import UnknownCurrency

_AUTHENTICATION = frozenset({"RedirectShopper", "ChallengeShopper", "IdentifyShopper", "PresentToShopper",
                             "AuthenticationFinished", "AuthenticationNotRequired"})
_REFUSALS = {"5": "blocked_card", "6": "expired_card", "7": "invalid_amount", "8": "incorrect_number",
             "10": "not_supported", "12": "insufficient_funds", "14": "fraudulent", "20": "fraudulent",
             "22": "fraudulent", "24": "incorrect_cvc", "31": "fraudulent", "38": "authentication_required"}
_NO_SUCH_METHOD = ("800", "803")
_IN_FLIGHT = "704"


def authorized(message: Json) -> Answer:
    """The result of a payment. `Error` and `Cancelled` are final at Adyen, as `Refused` is. Raises Unreadable."""
    result, ref = text_at(message, "resultCode"), maybe_text(message, "pspReference")
    if result in ("Authorised", "PartiallyAuthorised"):
        return Answer(Outcome.OK, gateway_ref=text_at(message, "pspReference"),
                      amount_minor=_minor(object_at(message, "amount")))
    if result in _AUTHENTICATION:
        return Answer(Outcome.VOID, "authentication_required", gateway_ref=ref)
    if result == "Refused":
        return Answer(Outcome.DECLINED, _REFUSALS.get(_code(message), "card_declined"), gateway_ref=ref)
    if result in ("Error", "Cancelled"):
        return Answer(Outcome.DECLINED, f"payment_{result.lower()}", gateway_ref=ref)
    return Answer(Outcome.IN_DOUBT, f"payment_{result.lower()}", gateway_ref=ref)


def received(message: Json) -> Answer:
    """The acknowledgement of a modification. Raises Unreadable."""
    if text_at(message, "status") != "received":
        raise Unreadable("a modification is received or refused")
    amount = object_at(message, "amount")
    return Answer(Outcome.OK, gateway_ref=maybe_text(message, "paymentPspReference"),
                  operation_ref=text_at(message, "pspReference"), amount_minor=_minor(amount) if amount else None)


def refused(status: int, body: str, headers: Mapping[str, str]) -> Answer:
    """An error answer."""
    try:
        error = json_object(body)
    except Unreadable:
        error = {}
    code, ref = maybe_text(error, "errorCode"), maybe_text(error, "pspReference")
    transient = headers.get("transient-error") == "true"
    if code == _IN_FLIGHT:
        return Answer(Outcome.IN_DOUBT, "in_flight")
    if code in _NO_SUCH_METHOD and 400 <= status < 500:
        return Answer(Outcome.DECLINED, "invalid_method", gateway_ref=ref)
    return Answer(outcome_of(status, transient=transient), f"adyen_{code}" if code else f"http_{status}",
                  gateway_ref=ref)


def _code(message: Json) -> str:
    return maybe_text(message, "refusalReasonCode") or ""


def _minor(amount: Json) -> int:
    try:
        return from_gateway(whole_at(amount, "value"), text_at(amount, "currency"), "adyen")
    except (UnrepresentableAmount, UnknownCurrency):
        raise Unreadable("an amount that the ledger cannot count") from None
