"""Injected divergences: which payments get which. The simulator is asked for each under the class it must show."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.gateways.client import Client
from infra.local.story.befall import GATEWAYS, Payment
from infra.local.story.facts import BUCKETS, Entry

Row = dict[str, Any]
_OTHER = {"USD": "EUR", "EUR": "GBP", "GBP": "USD"}
_SCALED = {"JPY": 100, "KWD": 10}
_UNASKED_MINOR, _SHORT_MINOR = 4_321, 250


@dataclass
class Planting:
    """Draws payments, each for one divergence. `open_ones` were captured whole, `given_back` authorised and voided,
    `disputed` charged back and told so; `missing` are entries that the lake lacks."""

    client: Client
    open_ones: Sequence[Payment]
    given_back: Sequence[Payment]
    disputed: Sequence[Payment]
    missing: Sequence[Entry]
    seed: int
    times: int = 1
    planted: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"plant {self.seed}")
        gone = {entry.payment_id for entry in self.missing}
        self._holes = {(entry.step, entry.currency, entry.payment_id % BUCKETS) for entry in self.missing}
        self._free = {name: [payment for payment in some if payment.payment_id not in gone]
                      for name, some in (("open", self.open_ones), ("void", self.given_back),
                                         ("disputed", self.disputed))}

    def plant(self) -> list[Row]:
        """All of them; what the simulator has written down of each. A class for which no payment is left is missing."""
        # The rarest first: only some currencies can be scaled, and not every line is seen beside a hole.
        for gateway in GATEWAYS * self.times:
            self._one("captured_but_voided", "after_void", gateway, among="void", answers="CAPTURE")
            self._one("duplicate_capture", "twice", gateway, answers="CAPTURE")
            self._one("scale_error", "other_amount", gateway, currencies=tuple(_SCALED),
                      told=lambda p: {"amount_minor": p.amount * _SCALED[p.currency]})
        for gateway in GATEWAYS * self.times:
            self._one("currency_mismatch", "other_currency", gateway, currencies=tuple(_OTHER),
                      told=lambda p: {"currency": _OTHER[p.currency]})
            self._one("amount_mismatch", "other_amount", gateway, currencies=tuple(_OTHER),
                      told=lambda p: {"amount_minor": p.amount + 1 + p.amount // 7})
            self._one("missing_at_gateway", "left_out", gateway)
            self._one("capture_failed_at_gateway", "webhook_lost", gateway, told=lambda _: {"of": "capture_failed"})
            self._one("chargeback_unposted", "webhook_lost", gateway, answers="CHARGEBACK",
                      told=lambda _: {"of": "chargeback"})
        for gateway in GATEWAYS:
            self._one("chargeback_missing_at_gateway", "left_out", gateway, among="disputed",
                      told=lambda _: {"of": "chargeback"})
            self._one("chargeback_amount_mismatch", "other_amount", gateway, among="disputed",
                      currencies=tuple(_OTHER),
                      told=lambda p: {"of": "chargeback", "amount_minor": p.amount - 1 - p.amount // 9})
            self._unasked(gateway)
        self._payout()
        return self.planted

    def _one(self, label: str, kind: str, gateway: str, *, among: str = "open", currencies: tuple[str, ...] = (),
             answers: str = "", told: Any = lambda _: {}) -> None:
        """`answers` is the step that a line without a movement would answer: it waits where the lake is short of it."""
        fitting = [payment for payment in self._free[among]
                   if payment.gateway == gateway and (not currencies or payment.currency in currencies)
                   and (answers, payment.currency, payment.payment_id % BUCKETS) not in self._holes]
        if not fitting:
            return
        payment = self._rng.choice(fitting)
        self._free[among].remove(payment)
        self._ask(kind, label=label, vendor=gateway, payment_id=str(payment.payment_id), **told(payment))

    def _unasked(self, gateway: str) -> None:
        """Without our id on it, it waits wherever the lake is short of captures in its currency."""
        short = {currency for step, currency, _ in self._holes if step == "CAPTURE"}
        currencies = [currency for currency in _OTHER if currency not in short]
        self._ask("unasked", label="missing_in_ledger", vendor=gateway, amount_minor=_UNASKED_MINOR,
                  currency=currencies[0] if currencies else "USD")

    def _payout(self) -> None:
        """Of the currency in which Stripe pays out most."""
        paid: dict[str, int] = {}
        for payment in self._free["open"]:
            if payment.gateway == "stripe" and payment.currency in _OTHER:
                paid[payment.currency] = paid.get(payment.currency, 0) + payment.amount
        if paid:
            most = max(sorted(paid), key=lambda currency: paid[currency])
            self._ask("payout_short", label="payout_residual", vendor="stripe", amount_minor=_SHORT_MINOR,
                      currency=most)

    def _ask(self, kind: str, **more: Any) -> None:
        self.planted.append(self.client.defect(kind, **more))


def given_back(ledger: Mapping[str, Sequence[Row]], book: Sequence[Row]) -> list[Payment]:
    """Payments that were authorised, then voided, at the gateway and in the ledger, and nothing else."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for row in book:
        kinds.setdefault(row["payment_id"], []).append((row["kind"], row["status"]))
    whole = [("authorize", "succeeded"), ("void", "succeeded")]
    return [Payment(row["payment_id"], row["gateway"], row["currency"], row["amount_minor"])
            for row in ledger["payments"]
            if row["status"] == "VOIDED" and kinds.get(str(row["payment_id"])) == whole]
