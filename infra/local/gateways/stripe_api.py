"""Stripe's API: PaymentIntents, refunds and charges, form-encoded in, JSON out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infra.local.gateways import stripe_objects as shown
from infra.local.gateways.book import Wanted
from infra.local.gateways.desk import Call, Desk, Ending, Ticket
from infra.local.gateways.keys import Reply
from infra.local.gateways.model import SECOND, Payment, Refusal
from infra.local.gateways.outbox import Outbox
from infra.local.gateways.stripe_checks import CREATE, LIST, StripeManners, amount_of, error, known, money_of, whole
from infra.local.gateways.wire import Answered, Effect, Request, Secrets, as_json, form, serve

_ROUTES = (
    ("POST", r"/v1/payment_intents", "create"),
    ("GET", r"/v1/payment_intents", "list_intents"),
    ("GET", r"/v1/payment_intents/([^/]+)", "retrieve"),
    ("POST", r"/v1/payment_intents/([^/]+)/confirm", "confirm"),
    ("POST", r"/v1/payment_intents/([^/]+)/capture", "capture"),
    ("POST", r"/v1/payment_intents/([^/]+)/cancel", "cancel"),
    ("POST", r"/v1/refunds", "refund"),
    ("GET", r"/v1/refunds", "list_refunds"),
    ("GET", r"/v1/refunds/([^/]+)", "retrieve_refund"),
    ("GET", r"/v1/charges/([^/]+)", "retrieve_charge"),
)
_REFUSALS = {
    "not_authorized": ("payment_intent_unexpected_state", "This PaymentIntent's status does not allow this."),
    "already_captured": ("payment_intent_unexpected_state", "This PaymentIntent has already been captured."),
    "already_voided": ("payment_intent_unexpected_state", "This PaymentIntent has been canceled."),
    "expired": ("charge_expired_for_capture", "The charge's hold has expired."),
    "too_much": ("amount_too_large", "The amount is greater than what is left."),
    "not_captured": ("charge_not_captured", "The charge has not been captured."),
    "fully_refunded": ("charge_already_refunded", "The charge has already been refunded."),
}


class StripeApi:
    """Answers requests; `now` gives milliseconds UTC, `pause` rests."""

    def __init__(self, desk: Desk, outbox: Outbox, secrets: Secrets, *, now: Callable[[], int]) -> None:
        self._desk, self._book, self._outbox, self._secrets, self._now = desk, desk.book, outbox, secrets, now

    def handle(self, request: Request, pause: Callable[[float], None]) -> Ending:
        """How a request ends."""
        manners = StripeManners(request)
        try:
            account = self._account(request)
            call, effect = self._route(request, account)
        except Answered as answered:
            return Ending(answered.reply)
        return serve(self._desk, manners, call, self._refused(effect), now=self._now, pause=pause)

    def _account(self, request: Request) -> str:
        if request.headers.get("authorization") != f"Bearer {self._secrets.stripe_key}":
            raise Answered(error(401, "invalid_request_error", "Invalid API Key provided."))
        return request.headers.get("stripe-account") or self._secrets.stripe_account

    def _route(self, request: Request, account: str) -> tuple[Call, Effect]:
        for method, path, name in _ROUTES:
            found = re.fullmatch(path, request.path)
            if found and request.method == method:
                given = form(request.query if method == "GET" else request.body.decode("utf-8", "replace"))
                operation, payment, token, effect = getattr(self, f"_{name}")(account, given, *found.groups())
                payment_id = payment.payment_id if isinstance(payment, Payment) else payment
                call = Call("stripe", account, operation, payment_id, token, request.key, request.fingerprint)
                return call, effect
        address = f"{request.method}: {request.path}"
        raise Answered(error(404, "invalid_request_error", f"Unrecognized request URL ({address})."))

    def _refused(self, effect: Effect) -> Effect:
        def answered(ticket: Ticket, at: int) -> Reply:
            try:
                return effect(ticket, at)
            except Refusal as refusal:
                # An intent whose hold has lapsed is canceled; only its capture says why.
                lapsed = refusal.code == "expired" and ticket.call.operation != "capture"
                code, message = _REFUSALS["already_voided" if lapsed else refusal.code]
                more = {"payment_intent": self._show(refusal.payment)} if refusal.payment else {}
                return error(400, "invalid_request_error", message, code=code, **more)
        return answered

    def _create(self, account: str, given: dict[str, Any]) -> tuple[str, str, str, Effect]:
        known(given, CREATE)
        amount, currency = money_of(given)
        method = self._method(given)
        metadata = given.get("metadata") or {}
        wanted = Wanted("stripe", account, metadata.get("payment_id", ""), amount, currency, method,
                        given.get("capture_method") == "manual", metadata)
        confirm, fails = given.get("confirm") == "true", given.get("error_on_requires_action") == "true"
        if confirm and not method:
            raise Answered(error(400, "invalid_request_error", "You cannot confirm this PaymentIntent because it's "
                                 "missing a payment method.", code="payment_intent_unexpected_state"))

        def effect(ticket: Ticket, at: int) -> Reply:
            payment = self._book.create(wanted, at)
            self._tell(ticket, "payment_intent.created", payment, at)
            if not confirm:
                return as_json(200, self._show(payment, given))
            return self._confirmed(ticket, payment, given, at, fails=fails)
        return "authorize", wanted.payment_id, method, effect

    def _confirm(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        known(given, CREATE)
        payment = self._payment(account, ref)
        method = self._method(given) or payment.method

        def effect(ticket: Ticket, at: int) -> Reply:
            current = self._book.get("stripe", ref, at)
            if current.state not in ("new", "declined", "requires_action"):
                raise Refusal("not_authorized", current)
            fails = given.get("error_on_requires_action") == "true"
            return self._confirmed(ticket, current, given, at, fails=fails)
        return "authorize", payment, method, effect

    def _confirmed(self, ticket: Ticket, payment: Payment, given: dict[str, Any], at: int, *, fails: bool) -> Reply:
        verdict = ticket.verdict
        if fails and verdict.kind == "requires_action":
            verdict = type(verdict)("decline", "authentication_required")
        done = self._book.authorize(payment.ref, verdict, at, key=ticket.call.key)
        kinds = {"authorized": "amount_capturable_updated", "captured": "succeeded", "declined": "payment_failed",
                 "requires_action": "requires_action"}
        self._tell(ticket, f"payment_intent.{kinds[done.state]}", done, at)
        if done.state == "declined":
            return as_json(402, {"error": {**shown.decline(done), "payment_intent": self._show(done)}})
        return as_json(200, self._show(done, given))

    def _capture(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        known(given, ("amount_to_capture", "final_capture", "metadata", "expand", "statement_descriptor"))
        payment = self._payment(account, ref)
        wanted = amount_of(given, "amount_to_capture", payment.currency)

        def effect(ticket: Ticket, at: int) -> Reply:
            current = self._book.get("stripe", ref, at)
            self._book.capture(ref, current.authorized if wanted is None else wanted, at, key=ticket.call.key)
            done = self._book.get("stripe", ref, at)
            self._tell(ticket, "payment_intent.succeeded", done, at)
            self._tell(ticket, "charge.captured", done, at, shown.charge(self._book, done))
            return as_json(200, self._show(done, given))
        return "capture", payment, payment.method, effect

    def _cancel(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        known(given, ("cancellation_reason", "expand"))
        payment = self._payment(account, ref)

        def effect(ticket: Ticket, at: int) -> Reply:
            self._book.void(ref, at, key=ticket.call.key, reason=given.get("cancellation_reason", ""))
            done = self._book.get("stripe", ref, at)
            self._tell(ticket, "payment_intent.canceled", done, at)
            return as_json(200, self._show(done, given))
        return "void", payment, payment.method, effect

    def _refund(self, account: str, given: dict[str, Any]) -> tuple[str, Payment, str, Effect]:
        known(given, ("payment_intent", "charge", "amount", "reason", "metadata", "expand"))
        ref = given.get("payment_intent") or self._of_charge(given.get("charge", ""))
        payment = self._payment(account, ref)
        wanted = amount_of(given, "amount", payment.currency)

        def effect(ticket: Ticket, at: int) -> Reply:
            current = self._book.get("stripe", ref, at)
            left = current.captured - current.refunded
            made = self._book.refund(ref, wanted or max(left, 1), at, key=ticket.call.key,
                                     metadata=given.get("metadata"))
            done = self._book.get("stripe", ref, at)
            self._tell(ticket, "refund.created", done, at, shown.refund(done, made))
            self._tell(ticket, "charge.refunded", done, at, shown.charge(self._book, done))
            if ticket.fails_later:
                self._book.later(ref, "refund_failed", at, amount=made.amount)
                self._tell(ticket, "refund.failed", done, at, shown.refund(done, made, failed=True))
            return as_json(200, shown.refund(done, made))
        return "refund", payment, payment.method, effect

    def _retrieve(self, account: str, given: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        payment = self._payment(account, ref)
        return "look_up", payment, payment.method, lambda _, at: as_json(
            200, self._show(self._book.get("stripe", ref, at), given))

    def _list_intents(self, account: str, given: dict[str, Any]) -> tuple[str, str, str, Effect]:
        known(given, LIST)
        limit = min(whole(given.get("limit", "10"), "limit"), 100)
        created = given.get("created") or {}
        bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
        low = max(whole(bounds.get("gte", "0"), "created"), whole(bounds.get("gt", "-1"), "created") + 1)
        high = min(whole(bounds.get("lte", "9" * 12), "created"), whole(bounds.get("lt", "9" * 12), "created") - 1)

        def effect(_: Ticket, at: int) -> Reply:
            found = self._book.newest("stripe", account, at, since=low * SECOND, until=high * SECOND + SECOND - 1,
                                      before=given.get("starting_after", ""), limit=limit + 1)
            data = [self._show(payment, {"expand": _inner(given)}) for payment in found[:limit]]
            return as_json(200, shown.page("/v1/payment_intents", data, more=len(found) > limit))
        return "look_up", "", "", effect

    def _retrieve_refund(self, account: str, _: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        made = self._book.operation(ref, "refund")
        if made is None:
            raise Answered(_missing("refund", ref))
        payment = self._payment(account, made.payment)
        failed = any(done.kind == "refund_failed" and done.ref == ref for done in self._book.operations(made.payment))
        return "look_up", payment, payment.method, lambda *_: as_json(200, shown.refund(payment, made, failed=failed))

    def _list_refunds(self, account: str, given: dict[str, Any]) -> tuple[str, Payment, str, Effect]:
        payment = self._payment(account, given.get("payment_intent") or self._of_charge(given.get("charge", "")))

        def effect(*_: Any) -> Reply:
            made = [done for done in self._book.operations(payment.ref) if done.kind == "refund"]
            return as_json(200, shown.page("/v1/refunds", [shown.refund(payment, done) for done in reversed(made)],
                                           more=False))
        return "look_up", payment, payment.method, effect

    def _retrieve_charge(self, account: str, _: dict[str, Any], ref: str) -> tuple[str, Payment, str, Effect]:
        payment = self._payment(account, self._of_charge(ref))
        return "look_up", payment, payment.method, lambda *_: as_json(200, shown.charge(self._book, payment))

    def _payment(self, account: str, ref: str) -> Payment:
        try:
            payment = self._book.get("stripe", ref, self._now())
        except Refusal:
            raise Answered(_missing("payment_intent", ref)) from None
        if payment.account != account:
            raise Answered(_missing("payment_intent", ref))
        return payment

    def _of_charge(self, ref: str) -> str:
        made = self._book.operation(ref, "authorize")
        if made is None:
            raise Answered(_missing("charge", ref))
        return made.payment

    def _method(self, given: dict[str, Any]) -> str:
        method = str(given.get("payment_method", ""))
        if method and not method.startswith("pm_"):
            raise Answered(error(400, "invalid_request_error", f"No such PaymentMethod: '{method}'",
                                 code="resource_missing", param="payment_method"))
        return method

    def _show(self, payment: Payment, given: dict[str, Any] | None = None) -> dict[str, Any]:
        expand = (given or {}).get("expand") or {}
        return shown.intent(self._book, payment, expand=tuple(expand.values() if isinstance(expand, dict) else expand))

    def _tell(self, ticket: Ticket, kind: str, payment: Payment, at: int, what: dict[str, Any] | None = None) -> None:
        if not ticket.quiet:
            self._outbox.stripe(kind, payment, what or self._show(payment), at, key=ticket.call.key)


def _missing(what: str, ref: str) -> Reply:
    return error(404, "invalid_request_error", f"No such {what}: '{ref}'", code="resource_missing",
                 param={"payment_intent": "intent", "refund": "id", "charge": "id"}[what])


def _inner(given: dict[str, Any]) -> tuple[str, ...]:
    expand = given.get("expand") or {}
    return tuple(str(name).removeprefix("data.") for name in expand.values())
