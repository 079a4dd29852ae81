"""What the saga may rely on, of the ledger on PostgreSQL and of the one in memory alike."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.errors import Misused, Superseded
from pipeline.ledger.port import Change, Conflict, DuplicateEvent, DuplicatePosting, LimitReached, Operation, Tombstoned
from pipeline.ledger.statuses import Status
from tests.ledger.harness import (
    CURRENCY,
    FULL_LIFE,
    LEASE,
    LIMIT,
    Bench,
    at,
    change,
    fresh_id,
    new_payment,
    operation,
    step,
)


def test_a_payment_enters_once_and_as_it_was_given(bench: Bench) -> None:
    new = new_payment(reference="order é 7", metadata={"cart": "9", "note": "ü"})
    payment = bench.ledger.open(new, execution="one", at=at(), lease_until=at() + LEASE)
    assert (payment.status, payment.version, payment.fence) == (Status.RECEIVED, 1, 1)
    assert (payment.saga, payment.saga_hash, payment.saga_sequence) == ("pay", new.idempotency_hash, 1)
    assert (payment.execution, payment.lease_until, payment.created_at) == ("one", at() + LEASE, at())
    for name in ("payment_id", "merchant_id", "amount_minor", "currency", "gateway", "gateway_account", "capture_mode",
                 "method_token", "idempotency_hash", "trace_id", "reference", "metadata"):
        assert getattr(payment, name) == getattr(new, name)
    assert bench.ledger.payment(new.payment_id) == payment
    assert [row.kind for row in bench.outbox(new.payment_id)] == ["payment_state"]


@pytest.mark.property(16)
def test_twins_of_a_payment_get_the_one_that_is_there(bench: Bench) -> None:
    first = bench.opened(merchant_id="twin-shop")
    same_id = new_payment(first.payment_id, "twin-shop", 999)
    same_hash = new_payment(merchant_id="twin-shop", idempotency_hash=first.idempotency_hash)
    other_shop = new_payment(merchant_id="other-shop", idempotency_hash=first.idempotency_hash)
    for twin in (same_id, same_hash):
        assert bench.ledger.open(twin, execution="two", at=at(1), lease_until=at(1) + LEASE) == first
    assert bench.ledger.payment(same_hash.payment_id) is None
    assert bench.ledger.open(other_shop, execution="two", at=at(), lease_until=at() + LEASE).execution == "two"


def test_what_is_not_there_is_none_and_not_an_error(bench: Bench) -> None:
    payment_id = fresh_id()
    assert bench.ledger.payment(payment_id) is None
    assert bench.ledger.operation(payment_id, "capture") is None
    assert bench.ledger.journal(payment_id) == []
    assert bench.ledger.open_hold_minor(payment_id) == 0
    assert bench.ledger.claim(payment_id, execution="x", at=at(), lease_until=at(9)) is None


def test_a_payment_is_shown_to_its_merchant_only(bench: Bench) -> None:
    payment = bench.opened(merchant_id="mine")
    assert bench.ledger.payment_of_merchant(payment.payment_id, "mine") == payment
    assert bench.ledger.payment_of_merchant(payment.payment_id, "theirs") is None


def test_a_payment_is_found_by_the_gateways_own_reference(bench: Bench) -> None:
    payment, reference = bench.opened(), f"pi_{fresh_id()}"
    assert bench.ledger.payment_of_reference(payment.gateway, reference) is None
    held = bench.ledger.apply(Change(payment.payment_id, payment.fence, payment.version, at(1),
                                     updates={"gateway_ref": reference}))
    assert bench.ledger.payment_of_reference(payment.gateway, reference) == held
    assert bench.ledger.payment_of_reference("other", reference) is None


def test_a_live_lease_keeps_others_out_and_lets_its_holder_in_again(bench: Bench) -> None:
    payment = bench.opened()
    late = at() + LEASE
    assert bench.ledger.claim(payment.payment_id, execution="two", at=at(1), lease_until=at(100)) is None
    assert bench.ledger.claim(payment.payment_id, execution="first", at=at(1), lease_until=at(100)) == payment
    taken = bench.ledger.claim(payment.payment_id, execution="two", at=late, lease_until=late + LEASE)
    assert taken is not None
    assert (taken.fence, taken.execution, taken.saga_sequence, taken.version) == (2, "two", 1, 1)
    again = bench.ledger.claim(payment.payment_id, execution="two", at=late, lease_until=late + LEASE)
    assert again == taken


def test_a_new_saga_has_a_number_and_a_hash_of_its_own(bench: Bench) -> None:
    payment = bench.driven(*FULL_LIFE)
    assert (payment.execution, payment.lease_until) == (None, None)
    taken = bench.ledger.claim(payment.payment_id, execution="c", at=at(3), lease_until=at(99), saga="capture",
                               saga_hash="hash-c")
    assert taken is not None
    assert (taken.saga, taken.saga_hash, taken.saga_sequence, taken.fence) == ("capture", "hash-c", 2, 2)


@pytest.mark.property(13)
def test_a_writer_with_an_old_fence_is_superseded(bench: Bench) -> None:
    payment = bench.opened()
    bench.ledger.claim(payment.payment_id, execution="two", at=at(500), lease_until=at(600))
    before = bench.ledger.payment(payment.payment_id)
    with pytest.raises(Superseded):
        bench.ledger.apply(change(payment, "validate"))
    with pytest.raises(Misused):
        bench.ledger.apply(change(replace(payment, fence=9), "validate"))
    assert bench.ledger.payment(payment.payment_id) == before


@pytest.mark.property(55)
def test_a_writer_that_read_an_old_version_reads_again(bench: Bench) -> None:
    payment = bench.opened()
    assert bench.ledger.apply(change(payment, "validate")).version == 2
    with pytest.raises(Conflict):
        bench.ledger.apply(change(payment, "reject"))
    assert bench.ledger.payment(payment.payment_id) == bench.ledger.apply(
        replace(change(payment, "validate"), version=2, status=None, updates={}, ends=()))


def test_a_whole_life_leaves_what_each_change_said(bench: Bench) -> None:
    payment = bench.driven(*FULL_LIFE)
    assert (payment.status, payment.version) == (Status.COMMITTED, 8)
    assert (payment.authorized_minor, payment.captured_minor, payment.fraud_score) == (2_500, 2_500, 12)
    assert payment == bench.ledger.payment(payment.payment_id)
    authorized = operation(payment, "authorize", "succeeded", 2_500)
    assert bench.ledger.operation(payment.payment_id, "authorize") == authorized
    assert [(s.step, s.direction, s.state) for s in bench.ledger.journal(payment.payment_id)] == [
        ("validate", "forward", "done"), ("reserve", "forward", "done"), ("authorize", "forward", "done"),
        ("capture", "forward", "done")]
    rows = bench.outbox(payment.payment_id)
    kinds = [row.kind for row in rows]
    assert [kinds.count(kind) for kind in ("ledger_entry", "payment_state", "payment_outcome")] == [9, 8, 1]
    states = [json.loads(row.body) for row in rows if row.kind == "payment_state"]
    assert [(row["version"], row["status"]) for row in states] == [
        (1, "RECEIVED"), (2, "VALIDATED"), (3, "RESERVED"), (4, "AUTHORIZING"), (5, "AUTHORIZED"), (6, "CAPTURING"),
        (7, "CAPTURED"), (8, "COMMITTED")]


@pytest.mark.property(31)
def test_an_undo_leaves_a_tombstone_that_refuses_the_late_forward_step(bench: Bench) -> None:
    payment = bench.driven("validate")
    undone = bench.ledger.apply(change(payment, "reject", begins=[step(payment, "reserve", "intended", "undo")],
                                       ends=[step(payment, "reserve", "done", "undo", why="nothing happened")]))
    late = change(undone, "reserve", status=None)
    with pytest.raises(Tombstoned):
        bench.ledger.apply(late)
    assert bench.ledger.open_hold_minor(payment.payment_id) == 0
    tombstone = step(payment, "reserve", "done", "undo", why="nothing happened")
    assert bench.ledger.journal(payment.payment_id)[-1] == tombstone
    assert bench.ledger.payment(payment.payment_id) == undone


def test_a_journal_row_keeps_its_place_and_gathers_detail(bench: Bench) -> None:
    payment = bench.driven("validate", "reserve", "authorizing")
    later = replace(step(payment, "authorize", "in_doubt", code="timeout"), attempts=2)
    payment = bench.ledger.apply(change(payment, "doubt", ends=[later, step(payment, "capture", "failed", "undo")]))
    bench.ledger.apply(change(payment, "voiding", ends=[step(payment, "authorize", "failed", by="sweep")]))
    journal = bench.ledger.journal(payment.payment_id)
    assert [(s.step, s.direction) for s in journal] == [
        ("validate", "forward"), ("reserve", "forward"), ("authorize", "forward"), ("capture", "undo")]
    assert journal[2] == step(payment, "authorize", "failed", code="timeout", by="sweep")


def test_a_hold_beyond_the_limit_is_refused_whole(bench: Bench) -> None:
    bench.books.onboard("small-shop", {CURRENCY: 3_000}, at=at())
    bench.driven("validate", "reserve", merchant_id="small-shop")
    second = bench.driven("validate", merchant_id="small-shop", amount_minor=501)
    before = bench.outbox(second.payment_id)
    with pytest.raises(LimitReached):
        bench.ledger.apply(change(second, "reserve"))
    assert bench.ledger.payment(second.payment_id) == second
    assert bench.ledger.open_hold_minor(second.payment_id) == 0
    assert bench.ledger.journal(second.payment_id) == [step(second, "validate", "done")]
    assert bench.outbox(second.payment_id) == before
    exact = bench.driven("validate", "reserve", merchant_id="small-shop", amount_minor=500)
    assert bench.ledger.open_hold_minor(exact.payment_id) == 500
    without = bench.ledger.open(new_payment(merchant_id="small-shop", currency="JPY"), execution="e", at=at(),
                                lease_until=at(90))
    with pytest.raises(LimitReached):
        bench.ledger.apply(change(bench.ledger.apply(change(without, "validate")), "reserve"))


@pytest.mark.parametrize(("names", "held", "left"), [
    (("validate", "reserve"), 2_500, 0), (("validate", "reserve", "authorizing", "decline"), 0, 2_500),
    (FULL_LIFE[:6], 0, 2_500), (FULL_LIFE, 0, 2_500), (("validate", "reserve", "voiding", "void"), 0, 2_500)])
@pytest.mark.property(57, 58)
def test_held_and_available_are_the_limit(bench: Bench, names: tuple[str, ...], held: int, left: int) -> None:
    merchant = f"exact-{fresh_id()}"
    bench.books.onboard(merchant, {CURRENCY: 2_500}, at=at())
    payment = bench.driven(*names, merchant_id=merchant)
    balance = bench.books.balance(merchant, CURRENCY)
    assert balance is not None
    assert (bench.ledger.open_hold_minor(payment.payment_id), balance.available_minor) == (held, left)


def test_capturing_a_part_gives_the_whole_hold_back(bench: Bench) -> None:
    merchant = f"part-{fresh_id()}"
    payment = bench.driven(*FULL_LIFE[:5], merchant_id=merchant)
    payment = bench.ledger.apply(change(payment, "capture", amount=900))
    balance = bench.books.balance(merchant, CURRENCY)
    assert balance is not None
    assert (balance.available_minor, bench.ledger.open_hold_minor(payment.payment_id)) == (LIMIT, 0)
    amounts = [(row["account"].partition(":")[0], row["amount_minor"])
               for row in (json.loads(r.body) for r in bench.outbox(payment.payment_id) if r.kind == "ledger_entry")
               if row["step"] == "CAPTURE"]
    assert amounts == [("authorization_contra", 2_500), ("authorization_hold", 2_500), ("gateway_clearing", 900),
                       ("merchant_pending", 900)]


@pytest.mark.property(30)
def test_a_journal_is_written_once(bench: Bench) -> None:
    payment = bench.driven(*FULL_LIFE)
    before = bench.outbox(payment.payment_id)
    with pytest.raises(DuplicatePosting):
        bench.ledger.apply(change(payment, "refund", amount=100, postings=change(payment, "commit").postings))
    assert (bench.ledger.payment(payment.payment_id), bench.outbox(payment.payment_id)) == (payment, before)
    refunded = bench.ledger.apply(change(payment, "refund", amount=100))
    assert refunded.status is Status.PARTIALLY_REFUNDED
    assert bench.ledger.apply(change(refunded, "refund", amount=2_400, sequence=2)).status is Status.REFUNDED


def test_what_no_retry_mends_is_misused(bench: Bench) -> None:
    payment = bench.driven("validate")
    for wrong in (
        change(payment, "capture"), change(payment, "decline"), change(payment, "reserve", updates={"amount_minor": 1}),
        change(payment, "reserve", amount=0), change(payment, "reserve", updates={"captured_minor": -1}),
        replace(change(payment, "reserve"), payment_id=fresh_id()),
    ):
        with pytest.raises((Misused, Conflict)):
            bench.ledger.apply(wrong)
    reserved = bench.ledger.apply(change(payment, "reserve"))
    with pytest.raises(Misused):
        bench.ledger.apply(change(change_base := bench.ledger.apply(change(reserved, "voiding")), "void",
                                  amount=change_base.amount_minor + 1))
    assert bench.ledger.open_hold_minor(payment.payment_id) == 2_500


def test_an_operation_keeps_its_key_its_reference_and_its_first_sending(bench: Bench) -> None:
    payment = bench.driven("validate", "reserve", "authorizing", "authorize")
    first = bench.ledger.operation(payment.payment_id, "authorize")
    assert first is not None
    again = replace(first, status="in_doubt", operation_ref=None, first_sent_at=at(99), error_code="timeout")
    payment = bench.ledger.apply(change(payment, "capturing", operations=[again]))
    assert bench.ledger.operation(payment.payment_id, "authorize") == replace(
        again, operation_ref=first.operation_ref, first_sent_at=first.first_sent_at)
    with pytest.raises(Misused):
        bench.ledger.apply(change(payment, "doubt", operations=[replace(first, gateway_key="another")]))
    second = Operation(payment.payment_id, "refund", 2, 5, "pending", "k:2")
    bench.ledger.apply(change(payment, "doubt", operations=[second]))
    assert bench.ledger.operation(payment.payment_id, "refund", 2) == second


@pytest.mark.property(48)
def test_a_gateways_event_counts_once(bench: Bench) -> None:
    payment = bench.driven(*FULL_LIFE)
    noted = change(payment, "webhook", sequence=payment.payment_id)
    bench.ledger.apply(noted)
    with pytest.raises(DuplicateEvent):
        bench.ledger.apply(replace(noted, status=Status.REFUNDED))
    event = f"evt_{payment.payment_id}"
    assert bench.ledger.seen("stripe", event)
    assert not bench.ledger.seen("adyen", event)
    assert bench.ledger.remember("adyen", event, kind="REPORT", at=at())
    assert not bench.ledger.remember("adyen", event, kind="REPORT", at=at())
    refused = change(payment, "refund", amount=1, version=77)
    with pytest.raises(Conflict):
        bench.ledger.apply(replace(refused, gateway_event=replace(noted.gateway_event, event_id="new")))  # type: ignore[type-var]
    assert not bench.ledger.seen("stripe", "new")
