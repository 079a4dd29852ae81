"""The book of real charges: what was authorised, captured, given back, refunded and disputed, and when.

The time is passed in, and whether an issuer approves is passed in as a Verdict; nothing here waits or fails by chance.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.gateways.model import DAY, Operation, Payment, Refusal, Verdict
from infra.local.gateways.store import Store

HOLD = {"stripe": 7 * DAY, "adyen": 28 * DAY}
"""How long an authorisation lasts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment to be made: amount in the vendor's units, `method` the payment-method token."""

    vendor: str
    account: str
    payment_id: str
    amount: int
    currency: str
    method: str
    manual: bool
    metadata: Mapping[str, str]


class Book:
    """All payments of all vendors. Every method that changes something is one transaction, or part of the caller's."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def reference(self, vendor: str, prefix: str) -> str:
        """A new reference as the vendor makes them: pi_, ch_, re_ ... at Stripe, 16 characters at Adyen."""
        return self.store.reference("", 16, upper=True) if vendor == "adyen" else self.store.reference(f"{prefix}_", 24)

    def create(self, wanted: Wanted, at: int) -> Payment:
        """A payment that nobody has been asked about yet: state new."""
        ref = self.reference(wanted.vendor, "pi")
        self.store.change(
            "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 'new', ?, ?, '', '', ?, ?, 0)", ref, wanted.vendor,
            wanted.account, wanted.payment_id, wanted.currency, wanted.amount, wanted.method, int(wanted.manual),
            json.dumps(dict(wanted.metadata)), at)
        return self.get(wanted.vendor, ref, at)

    def get(self, vendor: str, ref: str, at: int) -> Payment:
        """The payment, its hold lapsed where its time is over. Raises Refusal(not_found)."""
        found = self.store.row("SELECT * FROM payments WHERE ref = ? AND vendor = ?", ref, vendor)
        if found is None:
            raise Refusal("not_found")
        if found["state"] == "authorized" and found["expires"] <= at:
            self.expire(ref, found["expires"])
            return self.get(vendor, ref, at)
        return _payment(found)

    def find(self, vendor: str, payment_id: str, at: int) -> list[Payment]:
        """Payments that carry our id, oldest first."""
        found = self.store.rows("SELECT ref FROM payments WHERE vendor = ? AND payment_id = ? ORDER BY rowid",
                                vendor, payment_id)
        return [self.get(vendor, row["ref"], at) for row in found]

    def newest(self, vendor: str, account: str, at: int, *, since: int, until: int, before: str = "",
               limit: int = 10) -> list[Payment]:
        """Payments created in [since, until], newest first, those older than the one with reference `before`."""
        found = self.store.rows(
            "SELECT ref FROM payments WHERE vendor = ? AND account = ? AND created BETWEEN ? AND ? AND rowid < "
            "coalesce((SELECT rowid FROM payments WHERE ref = ?), 9e18) ORDER BY created DESC, rowid DESC LIMIT ?",
            vendor, account, since, until, before, limit)
        return [self.get(vendor, row["ref"], at) for row in found]

    def authorize(self, ref: str, verdict: Verdict, at: int, *, key: str = "") -> Payment:
        """Asks the issuer, who answers `verdict`; captures too where the payment is not manual."""
        with self.store.transaction():
            payment = _payment(self._row(ref))
            charge = payment.ref if payment.vendor == "adyen" else self.reference(payment.vendor, "ch")
            if verdict.kind == "requires_action":
                self._set(ref, "state = 'requires_action'")
            elif verdict.kind == "decline":
                self._set(ref, "state = 'declined', code = ?, charge = ?", verdict.code, charge)
                self._note(charge, ref, "authorize", payment.amount, at, key, status="refused", reason=verdict.code)
            else:
                held = _half(payment.amount) if verdict.kind == "partial" else payment.amount
                self._set(ref, "state = 'authorized', authorized = ?, charge = ?, code = '', expires = ?", held, charge,
                          at + HOLD[payment.vendor])
                self._note(charge, ref, "authorize", held, at, key)
                if not payment.manual:
                    self.capture(ref, held, at, key=key)
            return _payment(self._row(ref))

    def capture(self, ref: str, amount: int, at: int, *, key: str = "", operation: str = "") -> Operation:
        """Takes up to what is held; the rest of the hold goes back. Raises Refusal."""
        with self.store.transaction():
            payment = _payment(self._row(ref))
            payment = self.get(payment.vendor, ref, at)
            _require_held(payment)
            if amount > payment.authorized:
                raise Refusal("too_much", payment)
            self._set(ref, "state = 'captured', captured = ?", amount)
            return self._note(operation or payment.charge, ref, "capture", amount, at, key)

    def void(self, ref: str, at: int, *, key: str = "", operation: str = "", reason: str = "") -> Operation:
        """Gives a hold back, or ends a payment that holds nothing yet. Raises Refusal."""
        with self.store.transaction():
            payment = _payment(self._row(ref))
            payment = self.get(payment.vendor, ref, at)
            if payment.state not in ("new", "requires_action") and (payment.state, payment.vendor) != (
                    "declined", "stripe"):
                _require_held(payment)
            self._set(ref, "state = 'voided'")
            return self._note(operation or ref, ref, "void", payment.authorized, at, key, reason=reason)

    def refund(self, ref: str, amount: int, at: int, *, key: str = "", operation: str = "",
               metadata: Mapping[str, str] | None = None) -> Operation:
        """Gives back part or all of what was captured. Raises Refusal."""
        with self.store.transaction():
            payment = _payment(self._row(ref))
            if payment.state != "captured":
                raise Refusal("not_captured", payment)
            if payment.refunded >= payment.captured:
                raise Refusal("fully_refunded", payment)
            if amount > payment.captured - payment.refunded:
                raise Refusal("too_much", payment)
            self._set(ref, "refunded = refunded + ?", amount)
            return self._note(operation or self.reference(payment.vendor, "re"), ref, "refund", amount, at, key,
                              metadata=metadata)

    def refuse(self, ref: str, kind: str, amount: int, at: int, reason: str, *, key: str = "",
               operation: str = "") -> Operation:
        """Writes down an operation that was taken in and then not carried out."""
        return self._note(operation or ref, ref, kind, amount, at, key, status="refused", reason=reason)

    def expire(self, ref: str, at: int) -> Operation:
        """The hold lapses."""
        with self.store.transaction():
            payment = _payment(self._row(ref))
            if payment.state != "authorized":
                raise Refusal("not_authorized", payment)
            self._set(ref, "state = 'expired'")
            return self._note(ref, ref, "expire", payment.authorized, at, "")

    def later(self, ref: str, kind: str, at: int, *, amount: int | None = None) -> Operation:
        """What comes after a capture: capture_failed, refund_failed, chargeback, chargeback_reversal.

        Takes back the latest operation that it answers, or `amount` of it. Raises Refusal.
        """
        answered = {"capture_failed": "capture", "refund_failed": "refund", "chargeback": "capture",
                    "chargeback_reversal": "chargeback"}[kind]
        with self.store.transaction():
            payment = _payment(self._row(ref))
            found = [done for done in self.operations(ref) if done.kind == answered and done.status == "succeeded"]
            if payment.state != "captured" or not found:
                raise Refusal("not_captured", payment)
            taken = found[-1].amount if amount is None else amount
            if kind == "capture_failed":
                self._set(ref, "state = 'voided', captured = 0")
            elif kind == "refund_failed":
                self._set(ref, "refunded = refunded - ?", taken)
            own = found[-1].ref if kind in ("capture_failed", "refund_failed") else self.reference(payment.vendor, "dp")
            if kind == "chargeback_reversal" and payment.vendor == "stripe":
                own = found[-1].ref
            return self._note(own, ref, kind, taken, at, "")

    def operations(self, ref: str) -> list[Operation]:
        """All operations of a payment in order."""
        found = self.store.rows("SELECT * FROM operations WHERE payment = ? ORDER BY number", ref)
        return [_operation(row) for row in found]

    def operation(self, ref: str, kind: str) -> Operation | None:
        """The operation of a kind with this reference."""
        found = self.store.row("SELECT * FROM operations WHERE ref = ? AND kind = ?", ref, kind)
        return None if found is None else _operation(found)

    def _row(self, ref: str) -> sqlite3.Row:
        found = self.store.row("SELECT * FROM payments WHERE ref = ?", ref)
        if found is None:
            raise Refusal("not_found")
        return found

    def _set(self, ref: str, what: str, *values: object) -> None:
        self.store.change(f"UPDATE payments SET {what} WHERE ref = ?", *values, ref)

    def _note(self, ref: str, payment: str, kind: str, amount: int, at: int, key: str, *, status: str = "succeeded",
              reason: str = "", metadata: Mapping[str, str] | None = None) -> Operation:
        row = self.store.row("INSERT INTO operations (ref, payment, kind, amount, status, reason, key, at, metadata) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *", ref, payment, kind, amount, status,
                             reason, key, at, json.dumps(dict(metadata or {})))
        assert row is not None
        return _operation(row)


def _half(amount: int) -> int:
    """About half, without the last digits, which some currencies must keep at zero."""
    half = amount // 2
    return half - half % 100 if half >= 100 else max(half, 1)


def _require_held(payment: Payment) -> None:
    codes = {"captured": "already_captured", "voided": "already_voided", "expired": "expired"}
    if payment.state != "authorized":
        raise Refusal(codes.get(payment.state, "not_authorized"), payment)


def _payment(row: sqlite3.Row) -> Payment:
    values = dict(row)
    return Payment(**{**values, "manual": bool(values["manual"]), "metadata": json.loads(values["metadata"])})


def _operation(row: sqlite3.Row) -> Operation:
    return Operation(**{**dict(row), "metadata": json.loads(row["metadata"])})
