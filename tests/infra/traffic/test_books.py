"""The gateways' book against the ledger: every difference is named, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.local.traffic.books import book_equals_ledger
from infra.local.traffic.ledger import Ledger, Row
from tests.infra.traffic.made import EMPTY, booked, movement, operation, payment, whole


def found(ledger: Ledger, book: list[Row]) -> list[tuple[str, str]]:
    return [(fault.where, fault.why) for fault in book_equals_ledger(ledger, book).faults]


def resting() -> tuple[Ledger, list[Row]]:
    ledger = replace(EMPTY, payments=[payment(status="AUTHORIZED", captured_minor=0)],
                     operations=[operation("authorize")])
    return ledger, [booked("authorize")]


def voided(status: str = "succeeded") -> tuple[Ledger, list[Row]]:
    ledger = replace(EMPTY, payments=[payment(status="VOIDED", captured_minor=0)],
                     operations=[operation("authorize", status=status), operation("void")])
    return ledger, [booked("authorize"), booked("void")]


@pytest.mark.parametrize("made", [whole, resting, voided, lambda: voided("in_doubt"), lambda: voided("failed"),
                                  lambda: (EMPTY, [])])
def test_what_is_equal_has_no_fault(made) -> None:  # type: ignore[no-untyped-def]
    assert found(*made()) == []


def test_a_decline_is_a_refusal_in_the_book() -> None:
    ledger = replace(EMPTY, payments=[payment(status="DECLINED", captured_minor=0, authorized_minor=None)],
                     operations=[operation("authorize", status="declined")])
    assert found(ledger, [booked("authorize", status="refused")]) == []
    assert found(ledger, [booked("authorize")])[0][1].startswith("authorize 77: is declined in the ledger and happened")


def test_a_void_of_what_never_was_needs_no_row() -> None:
    ledger = replace(EMPTY, payments=[payment(status="VOIDED", captured_minor=0, authorized_minor=None)],
                     operations=[operation("authorize", status="in_doubt"), operation("void")])
    assert found(ledger, []) == []
    assert found(ledger, [booked("void", status="refused", reason="not_found")]) == []


def test_an_authorisation_told_by_a_webhook_alone_is_compared_by_what_was_asked() -> None:
    ledger, book = voided()
    ledger.payments[0]["authorized_minor"] = None
    assert found(ledger, book) == []
    book[0]["amount_minor"] = 1000
    assert [why for _, why in found(ledger, book)] == ["authorize 77: 1234 EUR in the ledger, 1000 EUR in the book"]


def test_a_capture_that_is_only_in_the_book_is_named_twice() -> None:
    """As an operation that nobody asked for and as money that is not posted."""
    ledger, book = whole()
    whys = [why for _, why in found(replace(ledger, operations=ledger.operations[:1], movements=[]), book)]
    assert len(whys) == 2
    assert "under the key '77:capture', which the ledger has not" in whys[0]
    assert whys[1] == "CAPTURE of 1234 EUR at adyen (capture-ref) is in the book and not posted"


def test_a_second_charge_is_found() -> None:
    ledger, book = whole()
    assert ("77", "authorize 77: happened 2 times") in found(ledger, [*book, booked("authorize", number=3)])
    stranger = found(ledger, [*book, booked("authorize", 99), booked("capture", 99)])
    assert {where for where, _ in stranger} == {"99"}


def test_a_capture_that_failed_later_is_taken_back_on_both_sides() -> None:
    ledger, book = whole()
    ledger.operations[1]["status"] = "failed"
    assert [why for _, why in found(ledger, book)] == [
        "capture 77:capture: is failed in the ledger and happened: capture-ref"]
    book.append(booked("capture_failed", key="", operation_ref="capture-ref"))
    ledger.movements.append(movement("CAPTURE_REVERSAL"))
    assert found(ledger, book) == []


@pytest.mark.parametrize("change", [{"amount_minor": 1233}, {"currency": "USD"}, {"operation_ref": "other"},
                                    {"gateway": "stripe"}])
def test_a_capture_that_differs_is_found_on_both_levels(change: Row) -> None:
    ledger, book = whole()
    book[1] |= change
    whys = [why for _, why in found(ledger, book)]
    assert any(why.startswith("capture 77:capture: ") for why in whys)
    assert sum("posted" in why for why in whys) == 2


def test_a_posting_on_the_wrong_side_has_no_equal() -> None:
    ledger, book = whole()
    assert len(found(replace(ledger, movements=[movement(direction="C")]), book)) == 2


@pytest.mark.parametrize("kind, step", [("capture_failed", "CAPTURE_REVERSAL"), ("chargeback", "CHARGEBACK")])
def test_what_befalls_a_payment_must_be_posted(kind: str, step: str) -> None:
    ledger, book = whole()
    book.append(booked(kind, key="", operation_ref="later"))
    assert found(ledger, book) == [("77", f"{step} of 1234 EUR at adyen (later) is in the book and not posted")]
    ledger.movements.append(movement(step, operation_ref="later"))
    assert found(ledger, book) == []


def test_open_operations_are_faults() -> None:
    ledger, book = whole()
    ledger.operations[1]["status"] = "in_doubt"
    assert ("77", "capture 77:capture: is still in_doubt") in found(ledger, book)


def test_a_hold_that_nobody_rests_on_is_found() -> None:
    ledger, book = resting()
    ledger.payments[0]["status"] = "VOIDED"
    assert ("77", "adyen holds 1234 EUR for it, and it is VOIDED") in found(ledger, book)


def test_a_payment_that_rests_on_nothing_is_found() -> None:
    ledger, book = resting()
    assert ("77", "is AUTHORIZED, and adyen holds nothing for it") in found(ledger, [*book, booked("expire", key="")])
    ledger, book = voided()
    assert ("77", "void 77:void: succeeded in the ledger and the hold is still there") in found(ledger, book[:1])


def test_what_befell_a_payment_has_no_key_to_be_compared_by() -> None:
    ledger, book = whole()
    told = {**operation("capture"), "kind": "chargeback", "gateway_key": "stripe:evt_1", "operation_ref": "dp_1"}
    posted = {**movement("CHARGEBACK"), "direction": "C", "operation_ref": "dp_1"}
    moved = replace(ledger, operations=[*ledger.operations, told], movements=[*ledger.movements, posted])
    assert found(moved, [*book, {**booked("chargeback"), "operation_ref": "dp_1", "key": ""}]) == []
