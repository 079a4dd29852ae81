"""What must hold when traffic is over: each check finds what breaks it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.local.traffic.checks import (
    checked,
    ended_as_they_must,
    ledger_balanced,
    nothing_open,
    one_payment_per_key,
    other_payloads_refused,
    replays_identical,
    resting,
)
from infra.local.traffic.findings import Check
from infra.local.traffic.plan import Order
from tests.infra.traffic.made import EMPTY, RUN, answer, asked, order, payment, whole


def whys(check: Check) -> list[str]:
    return [f"{fault.where} {fault.why}" for fault in check.faults]


def test_traffic_that_went_well_passes_every_check() -> None:
    ledger, book = whole()
    one = order()
    exchanges = [answer(one), answer(one, what="again", replayed=True)]
    checks = checked(ledger, book, [asked(one)], exchanges, RUN)
    assert [check.name for check in checks if not check.holds] == []
    assert len({check.name for check in checks}) == len(checks) == 7


def test_a_key_has_one_payment() -> None:
    ledger, one = whole()[0], order()
    check = one_payment_per_key(ledger, [asked(one)], [answer(one), answer(one, "78")], RUN)
    assert whys(check)[0] == f"{one.key(RUN)} was answered with 77, 78"
    twice = replace(ledger, payments=[payment(), payment(78)])
    check = one_payment_per_key(twice, [asked(one)], [answer(one)], RUN)
    assert f"{one.key(RUN)} has 2 payments: 77, 78" in whys(check)


def test_what_was_answered_is_in_the_ledger_and_nothing_else_is() -> None:
    one, other = order(), order(1)
    check = one_payment_per_key(EMPTY, [asked(one)], [answer(one)], RUN)
    assert whys(check) == [f"77 was answered to {one.key(RUN)} and is not in the ledger"]
    ledger = replace(EMPTY, payments=[payment(), payment(78, other)])
    assert whys(one_payment_per_key(ledger, [asked(one)], [answer(one)], RUN)) == [
        f"78 nobody asked for {other.reference(RUN)}"]
    stolen = replace(EMPTY, payments=[payment(merchant_id="merchant_b")])
    assert whys(one_payment_per_key(stolen, [asked(one)], [answer(one)], RUN)) == [
        "77 belongs to merchant_b, merchant_a asked for it"]


def test_payments_of_other_runs_are_not_looked_at() -> None:
    ledger = replace(EMPTY, payments=[payment(), payment(5, reference="other-00001"), payment(6, reference=None)])
    one = order()
    check = one_payment_per_key(ledger, [asked(one)], [answer(one)], RUN)
    assert (check.holds, check.looked_at) == (True, 1)


@pytest.mark.parametrize("change, why", [
    ({"unbalanced": [{"journal_id": "J1", "payment_id": 77, "currency": "EUR", "net_minor": 1}]},
     "77 journal J1 is off by 1 EUR"),
    ({"incomplete": [{"journal_id": "J1", "payment_id": 77, "entry_count": 4, "entries": 3}]},
     "77 journal J1 has 3 of 4 entries"),
    ({"trial_balance": [{"currency": "EUR", "debit_minor": 5, "credit_minor": 4, "entries": 2}]},
     "EUR debits 5, credits 4"),
    ({"balances": [{"account": "authorization_hold:m", "currency": "EUR", "stored_minor": 3, "rebuilt_minor": 4}]},
     "authorization_hold:m EUR stored 3, by its entries 4"),
])
def test_a_ledger_out_of_balance_is_found(change: dict[str, Any], why: str) -> None:
    assert whys(ledger_balanced(replace(whole()[0], **change))) == [why]


@pytest.mark.parametrize("row, held, why", [
    ({"status": "IN_DOUBT", "cause": "timeout"}, 1234, "77 is IN_DOUBT (timeout)"),
    ({"status": "COMPENSATION_STUCK"}, 1234, "77 is COMPENSATION_STUCK"),
    ({"status": "AUTHORIZED", "leased": True}, 1234, "77 is AUTHORIZED and its saga is not over"),
    ({"status": "COMMITTED", "leased": True}, 0, "77 is COMMITTED and its saga is not over"),
    ({"status": "VOIDED"}, 1234, "77 is VOIDED and 1234 EUR are still held"),
    ({"status": "AUTHORIZED"}, 0, "77 is AUTHORIZED without a hold in the ledger"),
    ({"status": "AUTHORIZED"}, 1000, "77 rests on a hold of 1000, its amount is 1234"),
])
def test_what_is_open_without_a_reason_is_found(row: dict[str, Any], held: int, why: str) -> None:
    holds = [{"payment_id": 77, "currency": "EUR", "held_minor": held}] if held else []
    assert whys(nothing_open(replace(EMPTY, payments=[payment(**row)], open_holds=holds))) == [why]


def test_a_resting_payment_is_a_reason_for_its_hold() -> None:
    ledger = replace(EMPTY, payments=[payment(status="AUTHORIZED")],
                     open_holds=[{"payment_id": 77, "currency": "EUR", "held_minor": 1234}])
    assert nothing_open(ledger).holds
    assert resting(ledger) == 1


def test_replays_are_the_same_bytes_and_say_so() -> None:
    one = order()
    first, again = answer(one), answer(one, what="again", replayed=True)
    running = answer(one, None, status=409, retry_after_s=2.0)
    assert whys(replays_identical([running, first, again, again])) == []
    assert replays_identical([first, again, again]).looked_at == 2
    assert whys(replays_identical([first, answer(one, what="again")])) == [
        f"77 key {one.key(RUN)}: 2 answers are not marked as stored"]
    other = replace(again, body=b'{"id": "77"}')
    assert "is answered differently" in whys(replays_identical([first, other]))[0]
    assert "is answered differently" in whys(replays_identical([first, replace(again, status=402)]))[0]


def test_a_key_that_is_never_answered_for_good_is_found() -> None:
    one = order()
    accepted = answer(one, status=202)
    assert whys(replays_identical([accepted, replace(accepted, what="again")])) == [
        f"{one.key(RUN)} key {one.key(RUN)}: asked again at the end it is answered 202"]
    assert replays_identical([accepted, answer(one, what="again", replayed=True)]).holds


def test_other_payloads_must_be_refused() -> None:
    one = order()
    assert other_payloads_refused([answer(one), answer(one, None, what="other", status=422)]).holds
    assert whys(other_payloads_refused([answer(one, what="other")])) == [
        f"{one.key(RUN)} with another payload is answered 201"]


@pytest.mark.parametrize("made, row, why", [
    (order(), {}, None),
    (order(kind="captured_in_part"), {"captured_minor": 600}, None),
    (order(kind="captured_in_part"), {}, "77 (captured_in_part) captured 1234 of 600"),
    (order(kind="declined"), {"cause": None}, "77 (declined, adyen) is COMMITTED, not DECLINED"),
    (order(kind="plain"), {"status": "VOIDED", "cause": "x"}, "77 (plain, adyen) is VOIDED (x), not COMMITTED"),
])
def test_payments_end_as_their_kind_must(made: Order, row: dict[str, Any], why: str | None) -> None:
    ledger = replace(EMPTY, payments=[payment(of=made, **row)])
    assert whys(ended_as_they_must(ledger, [asked(made)], RUN)) == ([why] if why else [])


def test_few_payments_may_be_interrupted() -> None:
    orders = [order(number) for number in range(41)]
    used = [asked(one) for one in orders]
    rows = [payment(100 + one.number, one) for one in orders]
    for row in rows[:3]:
        row |= {"status": "REJECTED", "cause": "interrupted"}
    assert ended_as_they_must(replace(EMPTY, payments=rows), used, RUN).holds
    rows[3] |= {"status": "REJECTED", "cause": "fraud_rejected"}
    assert whys(ended_as_they_must(replace(EMPTY, payments=rows), used, RUN)) == [
        "103 (plain, adyen) is REJECTED (fraud_rejected), not COMMITTED"]
    rows[3] |= {"status": "VOIDED", "cause": "interrupted"}
    assert whys(ended_as_they_must(replace(EMPTY, payments=rows), used, RUN)) == [
        "100, 101, 102, 103 were interrupted: 4 of 41"]


def test_a_payment_that_is_not_there_is_found() -> None:
    one = order()
    assert whys(ended_as_they_must(EMPTY, [asked(one)], RUN)) == [f"{one.key(RUN)} (plain) has no payment"]
