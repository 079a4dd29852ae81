"""Rows as ledger and book give them, of payments that went well; tests change what they need."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from infra.local.traffic.drive import PAYMENTS, Asked
from infra.local.traffic.kinds import Kind, by_name
from infra.local.traffic.ledger import Ledger, Row
from infra.local.traffic.plan import Order
from infra.local.traffic.shop import Exchange

RUN = "0a1b2c3d"
EMPTY = Ledger([], [], [], [], [], [], [], [])


def order(number: int = 0, kind: str | Kind = "plain", **members: Any) -> Order:
    """An order of 12.34 EUR at Adyen."""
    made = Order(number, by_name(kind) if isinstance(kind, str) else kind, "merchant_a", 1234, "EUR", "adyen",
                 "pm_card_visa", 600)
    return replace(made, **members)


def asked(of: Order) -> Asked:
    """Its request."""
    return Asked(of, "pay", PAYMENTS, of.key(RUN), of.body(RUN))


def answer(of: Order, payment_id: str | None = "77", *, status: int = 201, what: str = "pay", replayed: bool = False,
           **members: Any) -> Exchange:
    """What its request was answered."""
    body = json.dumps({"id": payment_id, "status": "captured"}).encode() if payment_id else b"{}"
    return replace(Exchange(what, of.number, of.key(RUN), status, body, 0.1, replayed), **members)


def payment(payment_id: int = 77, of: Order | None = None, **members: Any) -> Row:
    """A row of `payments`, captured and committed."""
    made = of or order()
    return {"payment_id": payment_id, "merchant_id": made.merchant, "reference": made.reference(RUN),
            "status": "COMMITTED", "gateway": "adyen", "gateway_ref": "PSP1",
            "amount_minor": made.amount_minor, "currency": made.currency,
            "authorized_minor": made.amount_minor, "captured_minor": made.amount_minor, "cause": None, "leased": False,
            "takeovers": 0} | members


def operation(kind: str, payment_id: int = 77, **members: Any) -> Row:
    """An operation of the ledger that succeeded."""
    key = str(payment_id) if kind == "authorize" else f"{payment_id}:{kind}"
    return {"payment_id": payment_id, "gateway": "adyen", "kind": kind, "sequence": 1, "gateway_key": key,
            "status": "succeeded", "amount_minor": 1234, "currency": "EUR", "operation_ref": f"{kind}-ref",
            "error_code": None} | members


def booked(kind: str, payment_id: int | str = 77, **members: Any) -> Row:
    """What the gateway did."""
    key = str(payment_id) if kind == "authorize" else f"{payment_id}:{kind}"
    return {"number": 1, "gateway": "adyen", "gateway_account": "SimulatorECOM", "payment_id": str(payment_id),
            "kind": kind, "status": "succeeded", "reason": "", "amount_minor": 1234, "currency": "EUR",
            "gateway_ref": "PSP1", "operation_ref": f"{kind}-ref", "key": key, "state": "captured",
            "at": "2026-01-31T12:00:00.000Z"} | members


def movement(step: str = "CAPTURE", payment_id: int = 77, **members: Any) -> Row:
    """A posting on gateway_clearing."""
    side = "D" if step in ("CAPTURE", "REFUND_REVERSAL", "CHARGEBACK_REVERSAL") else "C"
    return {"payment_id": payment_id, "step": step, "sequence": 1, "operation_ref": "capture-ref",
            "account": "gateway_clearing:adyen", "direction": side, "amount_minor": 1234, "currency": "EUR"} | members


def whole() -> tuple[Ledger, list[Row]]:
    """A ledger with one captured payment, and the book that goes with it."""
    ledger = replace(
        EMPTY, payments=[payment()], operations=[operation("authorize"), operation("capture")], movements=[movement()],
        trial_balance=[{"currency": "EUR", "debit_minor": 5000, "credit_minor": 5000, "entries": 8}],
        balances=[{"account": "authorization_hold:merchant_a", "currency": "EUR", "stored_minor": 0,
                   "rebuilt_minor": 0}])
    return ledger, [booked("authorize"), booked("capture")]
