"""Adyen's Checkout API: payments, and modifications that answer `received` and tell the outcome by webhook."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infra.local.gateways.adyen_checks import (
    REFUSED,
    UNAUTHORIZED,
    AdyenManners,
    error,
    json_object,
    money_of,
    text_of,
)
from infra.local.gateways.book import Wanted
from infra.local.gateways.desk import Call, Desk, Ending, Ticket
from infra.local.gateways.keys import Reply
from infra.local.gateways.model import REASONS, Payment, Refusal
from infra.local.gateways.outbox import Outbox
from infra.local.gateways.wire import Answered, Effect, Request, Secrets, as_json, serve

_PREFIX = re.compile(r"(?:/checkout)?/v\d+")
_ROUTES = (
    (r"/payments", "pay"),
    (r"/payments/([^/]+)/captures", "capture"),
    (r"/payments/([^/]+)/cancels", "cancel"),
    (r"/payments/([^/]+)/refunds", "refund"),
    (r"/cancels", "technical_cancel"),
)
_OUTCOMES = {"already_captured": "Transaction has been captured", "already_voided": "Transaction has been cancelled",
             "expired": "Authorisation expired", "too_much": "Insufficient balance on payment",
             "other_currency": "Currency does not match", "not_found": "Transaction not found"}


class AdyenApi:
    """Answers requests; `now` gives milliseconds UTC, `pause` rests."""

    def __init__(self, desk: Desk, outbox: Outbox, secrets: Secrets, *, now: Callable[[], int]) -> None:
        self._desk, self._book, self._outbox, self._secrets, self._now = desk, desk.book, outbox, secrets, now

    def handle(self, request: Request, pause: Callable[[float], None]) -> Ending:
        """How a request ends."""
        manners = AdyenManners(request)
        try:
            if request.headers.get("x-api-key") != self._secrets.adyen_key:
                raise Answered(UNAUTHORIZED)
            call, effect = self._route(request)
        except Answered as answered:
            return Ending(answered.reply)
        return serve(self._desk, manners, call, effect, now=self._now, pause=pause)

    def _route(self, request: Request) -> tuple[Call, Effect]:
        path = _PREFIX.sub("", request.path, count=1)
        for shape, name in _ROUTES:
            found = re.fullmatch(shape, path)
            if found and request.method == "POST":
                given = json_object(request.body)
                account = text_of(given, "merchantAccount")
                if account != self._secrets.adyen_account:
                    raise Answered(error(403, "901", "Invalid Merchant Account", "security"))
                operation, payment_id, token, effect = getattr(self, f"_{name}")(account, given, *found.groups())
                return Call("adyen", account, operation, payment_id, token, request.key, request.fingerprint), effect
        raise Answered(error(404, "000", "Not found"))

    def _pay(self, account: str, given: dict[str, Any]) -> tuple[str, str, str, Effect]:
        amount, currency = money_of(given)
        reference = text_of(given, "reference")
        method = given.get("paymentMethod")
        if not isinstance(method, dict) or not isinstance(method.get("type"), str):
            raise Answered(error(422, "14_006", "Required object 'paymentMethod' is not provided."))
        token = str(method.get("storedPaymentMethodId") or method.get("encryptedCardNumber") or "")
        wanted = Wanted("adyen", account, reference, amount, currency, token, _manual(given),
                        given.get("metadata") or {})

        def effect(ticket: Ticket, at: int) -> Reply:
            payment = self._book.create(wanted, at)
            done = self._book.authorize(payment.ref, ticket.verdict, at, key=ticket.call.key)
            return as_json(200, self._paid(ticket, done, at))
        return "authorize", reference, token, effect

    def _paid(self, ticket: Ticket, done: Payment, at: int) -> dict[str, Any]:
        if done.state == "requires_action":
            # A shopper who is sent away has no reference yet.
            return {"resultCode": "RedirectShopper", "action": {
                "type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": "https://bank.invalid/3ds"}}
        body = {"pspReference": done.ref, "merchantReference": done.payment_id,
                "amount": {"currency": done.currency, "value": done.authorized or done.amount}}
        if done.state == "declined":
            reason, code = REFUSED.get(done.code, ("Refused", "2"))
            self._tell(ticket, "AUTHORISATION", done, done.ref, done.amount, at, success=False, reason=reason,
                       original=False)
            return {**body, "resultCode": "Refused", "refusalReason": reason, "refusalReasonCode": code}
        self._tell(ticket, "AUTHORISATION", done, done.ref, done.authorized, at, original=False, authCode="012345")
        if done.state == "captured":
            self._tell(ticket, "CAPTURE", done, done.ref, done.captured, at)
        partial = done.authorized < done.amount
        return {**body, "resultCode": "PartiallyAuthorised" if partial else "Authorised",
                "additionalData": {"authCode": "012345"}}

    def _capture(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, str, str, Effect]:
        amount, currency = money_of(given)
        payment = self._payment(ref)

        def effect(ticket: Ticket, at: int) -> Reply:
            psp = self._book.reference("adyen", "")
            outcome = self._attempt("capture", payment, amount, currency, psp, ticket, at)
            self._tell(ticket, "CAPTURE", payment, psp, amount, at, success=not outcome, reason=outcome)
            if ticket.fails_later and not outcome:
                self._book.later(ref, "capture_failed", at)
                self._tell(ticket, "CAPTURE_FAILED", payment, psp, amount, at, reason="Capture failed")
            return _received(given, psp, "received", paymentPspReference=ref, amount=given["amount"])
        return "capture", payment.payment_id, payment.method, effect

    def _cancel(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, str, str, Effect]:
        payment = self._payment(ref)

        def effect(ticket: Ticket, at: int) -> Reply:
            psp = self._book.reference("adyen", "")
            outcome = self._attempt("void", payment, 0, payment.currency, psp, ticket, at)
            self._tell(ticket, "CANCELLATION", payment, psp, payment.amount, at, success=not outcome, reason=outcome)
            return _received(given, psp, "received", paymentPspReference=ref)
        return "void", payment.payment_id, payment.method, effect

    def _technical_cancel(self, account: str, given: dict[str, Any]) -> tuple[str, str, str, Effect]:
        reference = text_of(given, "paymentReference")
        known = self._book.find("adyen", reference, self._now())

        def effect(ticket: Ticket, at: int) -> Reply:
            psp = self._book.reference("adyen", "")
            found = [payment for payment in self._book.find("adyen", reference, at) if payment.state != "declined"]
            for payment in found:
                outcome = self._attempt("void", payment, 0, payment.currency, psp, ticket, at)
                self._tell(ticket, "TECHNICAL_CANCEL", payment, psp, payment.amount, at, success=not outcome,
                           reason=outcome)
            if not found:
                nobody = Payment("", "adyen", account, reference, "EUR", 0, 0, 0, 0, "new", "", True, "", "", {}, at, 0)
                self._tell(ticket, "TECHNICAL_CANCEL", nobody, psp, 0, at, success=False, reason=_OUTCOMES["not_found"])
            return _received(given, psp, "received", paymentReference=reference)
        return "void", reference, known[-1].method if known else "", effect

    def _refund(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, str, str, Effect]:
        amount, currency = money_of(given)
        payment = self._payment(ref)

        def effect(ticket: Ticket, at: int) -> Reply:
            psp = self._book.reference("adyen", "")
            outcome = self._attempt("refund", payment, amount, currency, psp, ticket, at)
            self._tell(ticket, "REFUND", payment, psp, amount, at, success=not outcome, reason=outcome)
            if ticket.fails_later and not outcome:
                self._book.later(ref, "refund_failed", at, amount=amount)
                self._tell(ticket, "REFUND_FAILED", payment, psp, amount, at, reason="Refund failed")
            return _received(given, psp, "received", paymentPspReference=ref, amount=given["amount"])
        return "refund", payment.payment_id, payment.method, effect

    def _attempt(self, kind: str, payment: Payment, amount: int, currency: str, psp: str, ticket: Ticket,
                 at: int) -> str:
        """Carries a modification out; why it was refused, empty where it was not."""
        key = ticket.call.key
        try:
            if currency != payment.currency:
                raise Refusal("other_currency", payment)
            if kind == "capture":
                self._book.capture(payment.ref, amount, at, key=key, operation=psp)
            elif kind == "void":
                self._book.void(payment.ref, at, key=key, operation=psp)
            else:
                self._book.refund(payment.ref, amount, at, key=key, operation=psp)
        except Refusal as refusal:
            self._book.refuse(payment.ref, kind, amount, at, refusal.code, key=key, operation=psp)
            return _OUTCOMES.get(refusal.code, REASONS[refusal.code])
        return ""

    def _payment(self, ref: str) -> Payment:
        try:
            return self._book.get("adyen", ref, self._now())
        except Refusal:
            raise Answered(error(422, "167", "Original pspReference required for this operation")) from None

    def _tell(self, ticket: Ticket, kind: str, payment: Payment, psp: str, amount: int, at: int, *,
              success: bool = True, reason: str = "", original: bool = True, **more: str) -> None:
        if not ticket.quiet:
            self._outbox.adyen(kind, payment, psp, amount, at, success=success, reason=reason, original=original,
                               **more)


def _manual(given: dict[str, Any]) -> bool:
    """The account captures by hand unless the request asks for a capture without delay."""
    return given.get("captureDelayHours") != 0


def _received(given: dict[str, Any], psp: str, status: str, **more: Any) -> Reply:
    echo = {"reference": given["reference"]} if "reference" in given else {}
    return as_json(201, {"merchantAccount": given["merchantAccount"], "pspReference": psp, "status": status, **echo,
                         **more})
