"""The gateways of one store: both APIs, their clock, their book as a report, and what the gateways do by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.gateways.adyen_api import AdyenApi
from infra.local.gateways.desk import Desk, Ending
from infra.local.gateways.keys import Reply
from infra.local.gateways.model import SECOND
from infra.local.gateways.outbox import Outbox
from infra.local.gateways.report import book_report
from infra.local.gateways.settlement.defects import record
from infra.local.gateways.settlement.settle import settle
from infra.local.gateways.store import Store
from infra.local.gateways.stripe_api import StripeApi
from infra.local.gateways.stripe_objects import charge, dispute, intent, refund
from infra.local.gateways.wire import Request, Secrets


class Simulator:
    """`real_now` gives milliseconds UTC; the gateways' clock runs ahead of it by what was asked for."""

    def __init__(self, store: Store, secrets: Secrets, *, real_now: Callable[[], int]) -> None:
        self.store, self.secrets, self._real_now = store, secrets, real_now
        self.desk = Desk(store)
        self.book = self.desk.book
        self.outbox = Outbox(store)
        self._ahead = int(store.fact("ahead") or 0)
        self._lapsing = threading.Lock()
        self.stripe = StripeApi(self.desk, self.outbox, secrets, now=self.now)
        self.adyen = AdyenApi(self.desk, self.outbox, secrets, now=self.now)

    def now(self) -> int:
        """The gateways' time."""
        return self._real_now() + self._ahead

    def advance(self, seconds: float) -> int:
        """Moves the gateways' clock on; holds lapse on the way."""
        self._ahead += int(seconds * SECOND)
        self.store.remember("ahead", str(self._ahead))
        self.lapse()
        return self.now()

    def handle(self, request: Request, pause: Callable[[float], None]) -> Ending:
        """A request to either API; they have no path in common."""
        if request.path.startswith("/v1/"):
            return self.stripe.handle(request, pause)
        if request.path.startswith(("/v", "/checkout/")):
            return self.adyen.handle(request, pause)
        return Ending(Reply(404, b'{"message":"neither Stripe nor Adyen has this path"}'))

    def lapse(self) -> None:
        """Ends holds whose time is over, and tells of it."""
        with self._lapsing, self.store.transaction():
            for row in self.store.rows("SELECT ref, vendor FROM payments WHERE state = 'authorized' AND expires <= ?",
                                       self.now()):
                self.book.get(row["vendor"], row["ref"], self.now())
            told = int(self.store.fact("told_expiries") or 0)
            lapsed = self.store.rows("SELECT o.*, p.vendor FROM operations o JOIN payments p ON p.ref = o.payment "
                                     "WHERE o.kind = 'expire' AND o.number > ? ORDER BY o.number", told)
            for row in lapsed:
                self._tell_expiry(row["vendor"], row["payment"], row["at"])
                self.store.remember("told_expiries", str(row["number"]))

    def happen(self, kind: str, payment_id: str, *, vendor: str, amount: int | None = None,
               quiet: bool = False) -> dict[str, Any]:
        """What nobody asked for: capture_failed, refund_failed, chargeback, chargeback_reversal; `quiet`: the webhooks
        that tell of it are lost. Raises Refusal."""
        at = self.now()
        with self.store.transaction():
            found = self.book.find(vendor, payment_id, at)
            captured = [payment for payment in found if payment.state == "captured"] or found
            ref = captured[-1].ref if captured else ""
            done = self.book.later(ref, kind, at, amount=amount)
            payment = self.book.get(vendor, ref, at)
            if quiet:
                pass
            elif vendor == "adyen":
                codes = {"chargeback_reversal": "CHARGEBACK_REVERSED"}
                self.outbox.adyen(codes.get(kind, kind.upper()), payment, done.ref, done.amount, at)
            elif kind.startswith("chargeback"):
                won = kind == "chargeback_reversal"
                shown = dispute(payment, done, won=won)
                self.outbox.stripe("charge.dispute.closed" if won else "charge.dispute.created", payment, shown, at)
                moved = "reinstated" if won else "withdrawn"
                self.outbox.stripe(f"charge.dispute.funds_{moved}", payment, shown, at)
            elif kind == "refund_failed":
                self.outbox.stripe("refund.failed", payment, refund(payment, done, failed=True), at)
            return {"ref": done.ref, "payment": ref, "amount": done.amount, "number": done.number}

    def defect(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Writes down, under its label, what the settlement will say wrongly, or that a webhook is lost: then `of`
        befalls the payment and nobody is told. Raises ValueError, Refusal."""
        with self.store.transaction():
            operation = 0
            if wanted.get("kind") == "webhook_lost":
                operation = int(self.happen(str(wanted["of"]), str(wanted["payment_id"]), vendor=str(wanted["vendor"]),
                                            quiet=True)["number"])
            return record(self.book, wanted, self.now(), operation)

    def report(self, since: int = 0) -> list[dict[str, Any]]:
        """The book, operation by operation."""
        self.lapse()
        return book_report(self.store, since)

    def settle(self, folder: Path, until: int | None = None, quiet_since: int | None = None) -> list[dict[str, Any]]:
        """Writes the settlement files that are due by `until` (the gateways' present) to `folder`; what was written.

        An `until` in the future settles as if nothing more happened before it; what does is in no file.
        """
        self.lapse()
        return settle(self.store, folder, until or self.now(), quiet_since)

    def _tell_expiry(self, vendor: str, ref: str, at: int) -> None:
        payment = self.book.get(vendor, ref, at)
        if vendor == "adyen":
            self.outbox.adyen("EXPIRE", payment, payment.ref, payment.authorized, at)
        else:
            self.outbox.stripe("payment_intent.canceled", payment, intent(self.book, payment), at)
            self.outbox.stripe("charge.expired", payment, charge(self.book, payment), at)


def opened(folder: Path | None, *, secrets: Secrets, seed: str, real_now: Callable[[], int]) -> Simulator:
    """The simulator whose store is in `folder`, in memory for None."""
    return Simulator(Store(None if folder is None else folder / "book.sqlite", seed=seed), secrets, real_now=real_now)
