"""Which payments get which divergence, which objects are lost: as few as will do, none that would hide another."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any, cast

from infra.local.gateways.client import Client
from infra.local.story.befall import Payment, befall
from infra.local.story.facts import Entry
from infra.local.story.holes import chosen
from infra.local.story.lake_objects import Object
from infra.local.story.plant import Planting

AT = datetime(2026, 4, 1, 10, 30, tzinfo=UTC)


class Asked:
    """A simulator that writes down what it is asked for."""

    def __init__(self) -> None:
        self.defects: list[dict[str, Any]] = []
        self.befell: list[tuple[str, int, str]] = []

    def defect(self, kind: str, **more: Any) -> dict[str, Any]:
        """One defect."""
        self.defects.append({"kind": kind, **more})
        return self.defects[-1]

    def happen(self, kind: str, payment_id: int, *, vendor: str) -> None:
        """One thing that befalls a payment."""
        self.befell.append((kind, payment_id, vendor))


def payments(first: int, count: int, gateways: tuple[str, ...] = ("stripe", "adyen")) -> list[Payment]:
    """Payments of both gateways in five currencies."""
    currencies = ("USD", "EUR", "GBP", "JPY", "KWD")
    return [Payment(first + n, gateways[n % len(gateways)], currencies[n // 2 % 5], 10_000 + n) for n in range(count)]


def planted(missing: list[Entry] | None = None, seed: int = 3) -> list[dict[str, Any]]:
    """What is asked for of 120 payments."""
    asked = Asked()
    some = payments(1000, 120), payments(5000, 20), payments(9000, 20)
    Planting(cast(Client, asked), *some, missing or [], seed).plant()
    return asked.defects


def entry(number: int, payment_id: int, step: str = "CAPTURE", currency: str = "USD", account: str = "") -> Entry:
    """One entry."""
    return Entry(f"{number:026d}", f"j{number}", payment_id, step, account or "gateway_clearing:stripe", currency, "D",
                 100, AT)


def test_twelve_kinds_at_both_gateways_and_no_payment_twice() -> None:
    found = planted()
    labels = {(defect["label"], defect["vendor"]) for defect in found}
    assert {label for label, _ in labels} == {
        "scale_error", "currency_mismatch", "amount_mismatch", "missing_at_gateway", "duplicate_capture",
        "capture_failed_at_gateway", "chargeback_unposted", "captured_but_voided", "chargeback_missing_at_gateway",
        "chargeback_amount_mismatch", "missing_in_ledger", "payout_residual"}
    assert len(labels) == 2 * 11 + 1
    once = Counter(defect["payment_id"] for defect in found if defect.get("payment_id"))
    assert set(once.values()) == {1}


def test_the_same_seed_plants_the_same() -> None:
    assert planted() == planted()
    assert planted() != planted(seed=4)


def test_what_is_missing_in_the_lake_is_left_in_peace() -> None:
    gone = [entry(1, 1000), *(entry(2 + n, n, currency=currency) for n in range(256) for currency in ("USD", "EUR"))]
    found = planted(gone)
    assert "1000" not in {defect.get("payment_id") for defect in found}
    beside = [defect for defect in found if defect["label"] in ("duplicate_capture", "captured_but_voided")]
    assert len(beside) == 4
    of = {str(p.payment_id): p for p in (*payments(1000, 120), *payments(5000, 20))}
    assert {of[defect["payment_id"]].currency for defect in beside} <= {"GBP", "JPY", "KWD"}
    assert {defect["currency"] for defect in found if defect["kind"] == "unasked"} == {"GBP"}


def test_disputes_and_late_failures_befall_different_payments() -> None:
    asked = Asked()
    chosen_ones = befall(cast(Client, asked), payments(1, 80), 5)
    assert Counter(kind for kind, _, _ in asked.befell) == {
        "chargeback": 8, "chargeback_reversal": 2, "capture_failed": 1}
    failed, disputed = chosen_ones["capture_failed"], chosen_ones["chargeback"]
    assert not set(failed) & set(disputed)
    assert set(chosen_ones["chargeback_reversal"]) < set(disputed)
    assert [payment.gateway for payment in failed] == ["adyen"]


def object_of(key: str, entries: list[Entry]) -> Object:
    """An object with these entries."""
    return Object(f"ledger_entries/{key}", "ledger_entries", tuple((e.entry_id,) for e in entries),
                  tuple(e.at for e in entries), AT)


def test_a_small_object_of_few_currencies_is_lost_and_the_smallest_other_comes_twice() -> None:
    many = [entry(n, n) for n in range(100, 160)]
    mixed = [entry(1, 1), entry(2, 2, currency="EUR")]
    one = [entry(3, 3), entry(4, 3, "COMMIT"), entry(5, 3, "RESERVE")]
    holds = [entry(6, 4, "RESERVE")]
    objects = [object_of(name, of) for name, of in (("a", many), ("b", mixed), ("c", one), ("d", holds))]
    lost, again = chosen(objects, [*many, *mixed, *one, *holds], set())
    assert (lost, again) == (objects[2], objects[3])
    lost, _ = chosen(objects, [*many, *mixed, *one, *holds], {3})
    assert lost == objects[1]


def test_nothing_is_lost_where_that_would_be_most_of_it() -> None:
    entries = [entry(n, n) for n in range(4)]
    objects = [object_of(str(n), [one]) for n, one in enumerate(entries)]
    assert chosen(objects, entries, set())[0] is None
    assert chosen(objects[:1], entries[:1], set()) == (None, objects[0])
