"""A gateway in this process without an adapter: the simulator's book behind the port, on a clock that tests move.

Nothing sleeps: a call that waits spends virtual seconds. What outlasts the budget of its caller happens when the clock
has come to it, as at a gateway that goes on working after the caller has hung up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.gateways.book import Wanted
from infra.local.gateways.desk import Call, Desk, Ending, Ticket
from infra.local.gateways.faults import Fault
from infra.local.gateways.keys import MAX_LENGTH, RETENTION, Reply
from infra.local.gateways.model import Payment, Refusal
from infra.local.gateways.report import book_report
from infra.local.gateways.store import Store
from pipeline.gateways.events import GatewayEvent
from pipeline.gateways.port import Answer, Authorization, Found
from pipeline.money import Money, UnrepresentableAmount, from_gateway, to_gateway
from pipeline.outcomes import Outcome
from tests.gateways.twin_words import TwinManners, authorized, event_kind, rank, refused, state_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
Effect = Callable[[Ticket, int], Answer]


class VirtualClock:
    """A clock that stands still until it is moved. Also a pipeline Clock."""

    def __init__(self, at: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def spend(self, seconds: float) -> None:
        """Moves it on."""
        self.at += timedelta(seconds=seconds)


class BookTwin:
    """Stripe or Adyen, by `name`, as far as the port shows them. Twins of both may share a desk, and so a book.

    `events` are the webhooks, in the order in which things happened; `calls` counts what came, by operation.
    """

    def __init__(self, name: str, clock: VirtualClock, *, account: str, desk: Desk | None = None,
                 seed: str = "twin") -> None:
        self.name, self.clock, self.account = name, clock, account
        self.key_retention = timedelta(milliseconds=RETENTION[name])
        self.horizon = timedelta(minutes=10) if name == "stripe" else timedelta(hours=24)
        self.desk = desk or Desk(Store(None, seed=seed))
        self.book = self.desk.book
        self.events: list[GatewayEvent] = []
        self.calls: Counter[str] = Counter()
        self._manners = TwinManners(name)
        self._late: list[tuple[int, Ticket, Effect]] = []

    def fault(self, kind: str, **more: Any) -> None:
        """The next calls that fit fail so; see infra/local/gateways/README.md."""
        self.desk.faults.add(Fault(kind, vendor=self.name, **more))

    def operations(self, payment_id: int | None = None) -> list[dict[str, Any]]:
        """The book (of one payment), as the simulator reports it."""
        self.catch_up()
        return [done for done in book_report(self.desk.store)
                if done["gateway"] == self.name and payment_id in (None, int(done["payment_id"]))]

    def catch_up(self) -> None:
        """Carries out what callers have given up and whose time has come."""
        for late in sorted((late for late in self._late if late[0] <= self._now()), key=lambda late: late[0]):
            self._late.remove(late)
            self._close(late[1], late[2], late[0])

    def authorize(self, wanted: Authorization, *, key: str, budget_s: float) -> Answer:
        """See the port."""
        if self.name == "stripe" and not wanted.method_token.startswith("pm_"):
            return Answer(Outcome.DECLINED, "invalid_method")

        def effect(ticket: Ticket, at: int) -> Answer:
            made = self.book.create(Wanted(self.name, self.account, str(wanted.payment_id), self._units(wanted.money),
                                           wanted.money.currency, wanted.method_token, True, {}), at)
            done = self.book.authorize(made.ref, ticket.verdict, at, key=key)
            outcome, code = authorized(done)
            if done.state != "requires_action":
                self._tell(ticket, "authorize", done, done.ref, at, success=outcome is Outcome.OK)
            # A shopper whom Adyen sends away has no reference yet.
            ref = None if self.name == "adyen" and done.state == "requires_action" else done.ref
            answer = Answer(outcome, code, gateway_ref=ref)
            if outcome is not Outcome.OK:
                return answer
            answer = replace(answer, amount_minor=self._minor(done, done.authorized))
            return answer if self.name == "adyen" else replace(answer, operation_ref=done.charge,
                                                               expires_at=_instant(done.expires // 1000 * 1000))
        return self._ask("authorize", wanted.payment_id, wanted.gateway_account, key, budget_s, effect,
                         token=wanted.method_token, asked=[wanted.method_token, wanted.money])

    def capture(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
                budget_s: float) -> Answer:
        """See the port."""
        def effect(ticket: Ticket, at: int) -> Answer:
            return self._modified("capture", gateway_ref, self._units(money), ticket, at)
        return self._ask("capture", payment_id, gateway_account, key, budget_s, effect, ref=gateway_ref, asked=[money])

    def void(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, key: str,
             budget_s: float) -> Answer:
        """See the port."""
        if gateway_ref is None and self.name == "stripe":
            found = self.look_up(payment_id, None, gateway_account=gateway_account, sent_at=self.clock(),
                                 budget_s=budget_s)
            if isinstance(found, Answer):
                return replace(found, outcome=Outcome.IN_DOUBT) if found.code == "timeout" else found
            if found.state == "none":
                return Answer(Outcome.DECLINED, "not_found")
            if found.state == "voided":
                return Answer(Outcome.OK, gateway_ref=found.gateway_ref, replayed=True)
            if found.state == "captured":
                return Answer(Outcome.DECLINED, "captured", gateway_ref=found.gateway_ref,
                              operation_ref=found.capture_ref, replayed=True)
            gateway_ref = found.gateway_ref

        def effect(ticket: Ticket, at: int) -> Answer:
            refs = [gateway_ref] if gateway_ref else [
                held.ref for held in self.book.find(self.name, str(payment_id), at) if held.state != "declined"]
            answers = [self._modified("void", ref, 0, ticket, at) for ref in refs]
            return answers[-1] if answers else Answer(Outcome.OK, operation_ref=self.book.reference("adyen", ""))
        return self._ask("void", payment_id, gateway_account, key, budget_s, effect, ref=gateway_ref, asked=[])

    def refund(self, payment_id: int, gateway_ref: str, money: Money, *, gateway_account: str, key: str,
               budget_s: float) -> Answer:
        """See the port."""
        def effect(ticket: Ticket, at: int) -> Answer:
            return self._modified("refund", gateway_ref, self._units(money), ticket, at)
        return self._ask("refund", payment_id, gateway_account, key, budget_s, effect, ref=gateway_ref, asked=[money])

    def look_up(self, payment_id: int, gateway_ref: str | None, *, gateway_account: str, sent_at: datetime,
                budget_s: float) -> Found | Answer:
        """See the port."""
        if self.name == "adyen":
            return Answer(Outcome.IN_DOUBT, "no_lookup", gateway_ref=gateway_ref)
        found: list[Payment] = []

        def effect(_: Ticket, at: int) -> Answer:
            if gateway_ref is None:
                found.extend(sorted(self.book.find(self.name, str(payment_id), at), key=rank))
                return Answer(Outcome.OK)
            try:
                found.append(self.book.get(self.name, gateway_ref, at))
            except Refusal:
                return Answer(Outcome.MISUSED, "resource_missing")
            return Answer(Outcome.OK)
        answer = self._ask("look_up", payment_id, gateway_account, "", budget_s, effect, ref=gateway_ref, asked=[])
        if answer.outcome is not Outcome.OK:
            return replace(answer, outcome=Outcome.RETRYABLE) if answer.outcome is Outcome.IN_DOUBT else answer
        return self._found(found[-1]) if found else Found("none")

    def _modified(self, kind: str, ref: str, amount: int, ticket: Ticket, at: int) -> Answer:
        """Carries a capture, void or refund out. Adyen says `received`, and the rest by webhook."""
        adyen, key = self.name == "adyen", ticket.call.key
        own = self.book.reference("adyen", "") if adyen else ""
        try:
            if kind == "capture":
                done = self.book.capture(ref, amount, at, key=key, operation=own)
            elif kind == "void":
                done = self.book.void(ref, at, key=key, operation=own)
            else:
                done = self.book.refund(ref, amount, at, key=key, operation=own)
        except Refusal as refusal:
            if refusal.payment is None:
                return Answer(Outcome.MISUSED, "adyen_167" if adyen else "resource_missing")
            if not adyen:
                return refused(refusal, kind, self._minor(refusal.payment, refusal.payment.captured))
            self.book.refuse(ref, kind, amount, at, refusal.code, key=key, operation=own)
            self._tell(ticket, kind, refusal.payment, own, at, amount, success=False)
            return Answer(Outcome.OK, gateway_ref=ref, operation_ref=own,
                          amount_minor=self._minor(refusal.payment, amount) if amount else None)
        payment = self.book.get(self.name, ref, at)
        self._tell(ticket, kind, payment, done.ref, at, done.amount)
        if ticket.fails_later and kind != "void":
            self.book.later(ref, f"{kind}_failed", at, amount=done.amount)
            self._tell(ticket, f"{kind}_reversal", payment, done.ref, at, done.amount)
        return Answer(Outcome.OK, gateway_ref=ref, operation_ref=None if kind == "void" and not adyen else done.ref,
                      amount_minor=None if kind == "void" else self._minor(payment, done.amount))

    def _ask(self, operation: str, payment_id: int, account: str, key: str, budget_s: float, effect: Effect, *,
             asked: list[Any], ref: str | None = None, token: str = "") -> Answer:
        """One call through the desk, on the virtual clock."""
        self.calls[operation] += 1
        self.catch_up()
        early = self._early(account, key, budget_s, asked)
        if early is not None:
            return early
        known = self.book.find(self.name, str(payment_id), self._now())
        call = Call(self.name, account, operation, str(payment_id), token or (known[-1].method if known else ""), key,
                    json.dumps([operation, ref, asked], default=str))
        opened = self.desk.open(call, self._manners, self._now())
        if isinstance(opened, Ending):
            return self._manners.read(opened.reply)
        if opened.wait_before_s > budget_s:
            self._late.append((self._now() + int(opened.wait_before_s * 1000), opened, effect))
            return self._gave_up(budget_s)
        self.clock.spend(opened.wait_before_s)
        ending = self._close(opened, effect, self._now())
        left = budget_s - opened.wait_before_s
        if ending.wait_s > left or ending.how == "silence":
            return self._gave_up(left)
        self.clock.spend(ending.wait_s)
        if ending.how in ("cut", "garbage"):
            return Answer(Outcome.IN_DOUBT, "connection_lost" if ending.how == "cut" else "unreadable_answer")
        return self._manners.read(ending.reply)

    def _early(self, account: str, key: str, budget_s: float, asked: list[Any]) -> Answer | None:
        """What is refused before anything is sent or stored."""
        if len(key) > MAX_LENGTH[self.name]:
            return Answer(Outcome.MISUSED, "key_too_long")
        if account != self.account:
            return Answer(Outcome.MISUSED, "unknown_account" if self.name == "stripe" else "adyen_901")
        try:
            for part in asked:
                if isinstance(part, Money):
                    self._units(part)
        except UnrepresentableAmount:
            return Answer(Outcome.MISUSED, "unrepresentable_amount")
        return Answer(Outcome.RETRYABLE, "timeout_before_sending") if budget_s <= 0 else None

    def _close(self, ticket: Ticket, effect: Effect, at: int) -> Ending:
        def reply(ticket: Ticket, at: int) -> Reply:
            return self._manners.write(effect(ticket, at))
        return self.desk.close(ticket, reply, self._manners, at)

    def _gave_up(self, seconds: float) -> Answer:
        self.clock.spend(max(seconds, 0.0))
        return Answer(Outcome.IN_DOUBT, "timeout")

    def _found(self, payment: Payment) -> Found:
        held = self._minor(payment, payment.authorized) if payment.state == "authorized" else None
        return Found(state_of(payment), gateway_ref=payment.ref, authorized_minor=held,
                     capture_ref=payment.charge if payment.state == "captured" else None,
                     captured_minor=self._minor(payment, payment.captured),
                     refunded_minor=self._minor(payment, payment.refunded),
                     detail={"code": authorized(payment)[1] or ""} if payment.state == "declined" else {})

    def _tell(self, ticket: Ticket, kind: str, payment: Payment, operation: str, at: int, amount: int | None = None, *,
              success: bool = True) -> None:
        if not ticket.quiet:
            number = len(self.events) + 1
            self.events.append(GatewayEvent(
                self.name, f"{self.name}:{number}", kind, int(payment.payment_id), payment.ref, operation,
                self._minor(payment, payment.amount if amount is None else amount), payment.currency, _instant(at),
                success, self.account, event_kind(self.name, kind)))

    def _now(self) -> int:
        return (self.clock() - _EPOCH) // _MS

    def _units(self, money: Money) -> int:
        return to_gateway(money, self.name)

    def _minor(self, payment: Payment, amount: int) -> int:
        return from_gateway(amount, payment.currency, self.name)


def _instant(at: int) -> datetime:
    return _EPOCH + at * _MS
